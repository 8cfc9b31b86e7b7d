// Comforts over pages that work without them: ordinary links and forms lie beneath all of this.
(function () {
  "use strict";

  var PASSING_MS = 9000;

  function typing(target) {
    return target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
  }

  function closeMenus(except) {
    document.querySelectorAll("details.menu[open]").forEach(function (menu) {
      if (menu !== except) menu.open = false;
    });
  }

  // Keyboard: / goes to the search from anywhere, on a Persian layout too; Escape closes menus.
  document.addEventListener("keydown", function (event) {
    if (event.key === "Escape") {
      var open = document.querySelector("details.menu[open]");
      if (open) {
        closeMenus();
        open.querySelector("summary").focus();
      }
      return;
    }
    var slash = event.key === "/" || event.code === "Slash";
    if (!slash || event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return;
    var search = document.getElementById("search");
    if (!search || typing(event.target)) return;
    event.preventDefault();
    search.focus();
    search.select();
  });

  // The sessions of a day are one list under the keyboard: up and down go from act to act. Whoever
  // has just recorded one stands on its line and goes on from there.
  var STEPS = { ArrowUp: -1, ArrowDown: 1 };
  document.addEventListener("keydown", function (event) {
    var step = STEPS[event.key];
    if (!step || event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return;
    var here = event.target.closest(".line");
    if (!(here || event.target.id === "main") || typing(event.target)) return;
    if (event.target.closest("details[open]")) return;
    var lines = Array.prototype.slice.call(document.querySelectorAll(".line"));
    var next = lines[here ? lines.indexOf(here) + step : 0];
    if (!next) return;
    event.preventDefault();
    (next.querySelector(".line-acts button") || next.querySelector("a")).focus();
  });

  // As everywhere else: Ctrl and Z take back what a message offers to take back.
  document.addEventListener("keydown", function (event) {
    if (event.code !== "KeyZ" || !(event.ctrlKey || event.metaKey)) return;
    if (event.shiftKey || event.altKey || typing(event.target)) return;
    var undo = document.querySelector("#messages form button");
    if (!undo) return;
    event.preventDefault();
    undo.click();
  });

  document.addEventListener("click", function (event) {
    var target = event.target;
    closeMenus(target.closest("details.menu"));
    var act = target.closest("[data-dismiss],[data-close],[data-copy],[data-insert],[data-theme-choice],[data-reveal],[data-print]");
    if (!act) return;
    if ("dismiss" in act.dataset) act.closest(".notice").remove();
    if ("close" in act.dataset) closeDialog(event);
    if (act.dataset.copy) copy(act);
    if (act.dataset.insert) insert(act);
    if (act.dataset.themeChoice) chooseTheme(act.dataset.themeChoice);
    if (act.dataset.reveal) reveal(act);
    if ("print" in act.dataset) window.print();
  });

  function chooseTheme(choice) {
    var root = document.documentElement;
    if (choice === "auto") delete root.dataset.bsTheme;
    else root.dataset.bsTheme = choice;
    try { localStorage.setItem("peygir-theme", choice); } catch (error) { /* storage is closed */ }
    showTheme();
  }

  function showTheme() {
    var now = document.documentElement.dataset.bsTheme || "auto";
    document.querySelectorAll("[data-theme-choice]").forEach(function (button) {
      button.setAttribute("aria-pressed", String(button.dataset.themeChoice === now));
    });
  }

  // What a page of its own asks without scripts is asked in a dialog with them: the link carries
  // hx-get, hx-select="#confirm" and hx-target="#dialog"; see partials/dialog_link.html.
  function closeDialog(event) {
    var dialog = event.target.closest("dialog");
    if (!dialog) return;
    event.preventDefault();
    dialog.close();
  }

  document.addEventListener("htmx:afterSwap", function (event) {
    var box = event.target;
    if (box.id === "dialog" && box.childElementCount && !box.open) box.showModal();
    enhance(box);
  });

  document.addEventListener("htmx:sendError", function () {
    var template = document.getElementById("connection-lost");
    var messages = document.getElementById("messages");
    if (template && messages) messages.replaceChildren(template.content.cloneNode(true));
  });

  function copy(button) {
    var source = document.querySelector(button.dataset.copy);
    var text = source.value || source.textContent;
    var done = function () {
      var said = button.querySelector("[data-copied]");
      if (said) said.textContent = said.dataset.copied;
    };
    if (navigator.clipboard) {
      navigator.clipboard.writeText(text).then(done);
    } else {
      source.select();
      if (document.execCommand("copy")) done();
    }
  }

  function insert(chip) {
    var area = document.querySelector(chip.dataset.into);
    area.setRangeText(chip.dataset.insert, area.selectionStart, area.selectionEnd, "end");
    area.focus();
    area.dispatchEvent(new Event("input", { bubbles: true }));
  }

  function reveal(button) {
    var field = document.querySelector(button.dataset.reveal);
    var hidden = field.type === "password";
    field.type = hidden ? "text" : "password";
    button.setAttribute("aria-pressed", String(hidden));
  }

  // A second click on a slow line must not send the form twice.
  document.addEventListener("submit", function (event) {
    var form = event.target;
    if (form.method !== "post" || form.matches("[hx-post]")) return;
    setTimeout(function () {
      if (event.defaultPrevented) return;
      form.querySelectorAll("button:not([type=button])").forEach(function (button) {
        button.disabled = true;
      });
    });
  });
  window.addEventListener("pageshow", function (event) {
    if (!event.persisted) return;
    document.querySelectorAll("form button:disabled").forEach(function (button) {
      button.disabled = false;
    });
  });

  function letPass(notice) {
    var timer = null;
    var start = function () { timer = setTimeout(function () { notice.remove(); }, PASSING_MS); };
    var stay = function () { clearTimeout(timer); };
    notice.addEventListener("mouseenter", stay);
    notice.addEventListener("focusin", stay);
    notice.addEventListener("mouseleave", start);
    start();
  }

  function enhance(scope) {
    scope.querySelectorAll(".notice-passing:not([data-timed])").forEach(function (notice) {
      notice.dataset.timed = "";
      letPass(notice);
    });
    scope.querySelectorAll(".file input").forEach(nameFile);
    showTheme();
  }

  // The name of the chosen file, or that there is none; a page that is come back to may keep its file.
  function nameFile(input) {
    var said = input.parentNode.querySelector("[data-file-name]");
    var files = Array.prototype.slice.call(input.files);
    said.textContent = files.map(function (file) { return file.name; }).join("، ") || said.dataset.none;
    input.parentNode.classList.toggle("has-file", files.length > 0);
  }
  document.addEventListener("change", function (event) {
    if (event.target.matches(".file input")) nameFile(event.target);
  });
  ["dragover", "dragleave", "drop"].forEach(function (name) {
    document.addEventListener(name, function (event) {
      if (!event.target.matches || !event.target.matches(".file input")) return;
      event.target.parentNode.classList.toggle("is-over", name === "dragover");
    });
  });

  function watchDates() {
    if (!window.jalaliDatepicker) return;
    var options = {
      persianDigits: true, autoReadOnlyInput: false, hideAfterChange: true, useDropDownYears: true,
      showEmptyBtn: true, topSpace: 4, zIndex: 2000, minDate: "attr", maxDate: "attr", time: false
    };
    // The clinic's own day, told by the server: the machine's clock and zone may be wrong.
    var today = (document.body.dataset.today || "").split("/").map(Number);
    if (today.length === 3) options.today = { year: today[0], month: today[1], day: today[2] };
    window.jalaliDatepicker.startWatch(options);
  }

  // The picker reads and writes ASCII digits, the page shows Persian ones: a field changes hands
  // when it gets and loses the focus. What is no date yet is left to its typist, because the
  // picker would draw an empty month for it.
  document.addEventListener("focusin", function (event) {
    var field = event.target;
    if (!field.matches || !field.matches("input[data-jdp]")) return;
    var digits = ascii(field.value);
    if (digits && !/^1[2-5]\d\d\/(0?[1-9]|1[0-2])\/(0?[1-9]|[12]\d|3[01])$/.test(digits)) {
      event.stopImmediatePropagation();
    } else if (digits !== field.value) {
      field.value = digits;
      // A new value loses the selection with which the keyboard enters: typing would be added to it.
      field.select();
    }
  }, true);
  ["focusout", "jdp:change"].forEach(function (name) {
    document.addEventListener(name, function (event) {
      var field = event.target;
      if (!field.matches || !field.matches("input[data-jdp]")) return;
      if (document.documentElement.lang === "fa") field.value = persian(field.value);
      // Whoever goes on with the keyboard leaves the picker too; it would cover the next field.
      // A click into the picker must find it still there; its month and year take the focus too.
      var next = event.relatedTarget;
      if (next && !next.closest("jdp-container")) leavePicker();
    });
  });

  // Whoever types the day needs no picker, which would lie over the next field and the button.
  document.addEventListener("input", function (event) {
    if (!event.isTrusted || !event.target.matches("input[data-jdp]")) return;
    window.jalaliDatepicker.hide();
    setTimeout(window.jalaliDatepicker.hide, 350);
  });

  // The picker shows itself once more 300 ms after it was opened, also when it was hidden meanwhile.
  function leavePicker() {
    window.jalaliDatepicker.hide();
    setTimeout(function () {
      var here = document.activeElement;
      if (!here || !here.closest("input[data-jdp], jdp-container")) window.jalaliDatepicker.hide();
    }, 350);
  }

  function ascii(text) {
    return text.replace(/[۰-۹]/g, function (digit) {
      return String(digit.charCodeAt(0) - 0x6F0);
    });
  }

  function persian(text) {
    return text.replace(/[0-9]/g, function (digit) {
      return String.fromCharCode(0x6F0 + Number(digit));
    });
  }

  // A phone shows the list of settings as one scrolling line: bring the present one into sight.
  var here = document.querySelector(".side-tabs [aria-current]");
  if (here) here.scrollIntoView({ block: "nearest", inline: "center" });

  watchDates();
  enhance(document);
})();

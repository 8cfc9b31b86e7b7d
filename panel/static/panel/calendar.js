// The calendar under the hand: dragging, the keyboard, the line of the present moment. All of it ends
// in an ordinary page that asks before anything is changed; without scripts the links lead there.
(function () {
  "use strict";

  var ROW_MINUTES = 5;
  var SNAP_ROWS = 3; // a quarter of an hour
  var FEW_PIXELS = 5; // a click trembles
  var calendar = document.querySelector("[data-calendar]");
  if (!calendar) return;
  var first = Number(calendar.dataset.first);
  var columns = Array.prototype.slice.call(calendar.querySelectorAll(".cal-col"));
  var rows = columns.length ? Math.round(bodyOf(columns[0]).offsetHeight / rowHeight()) : 0;
  var rightToLeft = getComputedStyle(calendar).direction === "rtl";
  var held = null; // { block, column, at, rows, ghost, resizing, … } while something is in the hand

  function bodyOf(column) { return column.querySelector(".cal-body"); }

  function rowHeight() {
    var frame = calendar.querySelector(".cal-hours .cal-body");
    return frame.getBoundingClientRect().height / Number(frame.className.match(/of-(\d+)/)[1]);
  }

  function clock(at) {
    var minutes = first * 60 + at * ROW_MINUTES;
    return two(Math.floor(minutes / 60)) + ":" + two(minutes % 60);
  }

  function two(number) { return (number < 10 ? "0" : "") + number; }

  function shown(text) {
    if (document.documentElement.lang !== "fa") return text;
    return text.replace(/[0-9]/g, function (digit) { return String.fromCharCode(0x6F0 + Number(digit)); });
  }

  // -- Taking up and putting down ------------------------------------------------------------

  function take(block, resizing) {
    var column = block.closest(".cal-col");
    held = {
      block: block, column: column, resizing: resizing, home: column,
      at: Number(block.dataset.at), rows: Number(block.dataset.rows),
      from: Number(block.dataset.at), length: Number(block.dataset.rows),
      ghost: document.createElement("div")
    };
    held.ghost.setAttribute("role", "status");
    block.classList.add("is-away");
    show();
  }

  function show() {
    held.ghost.className = "cal-ghost at-" + held.at + " of-" + held.rows;
    held.ghost.textContent = shown(clock(held.at) + " – " + clock(held.at + held.rows));
    if (held.ghost.parentNode !== bodyOf(held.column)) bodyOf(held.column).append(held.ghost);
  }

  function letGo() {
    if (!held) return;
    held.block.classList.remove("is-away");
    held.ghost.remove();
    document.documentElement.classList.remove("is-dragging");
    held = null;
  }

  function changed() {
    return held.column !== held.home || held.at !== held.from || held.rows !== held.length;
  }

  // The question stands in the dialog; the ghost stays until it is answered.
  function ask() {
    var wanted = new URLSearchParams({ next: calendar.dataset.back });
    if (held.column !== held.home || held.at !== held.from) {
      wanted.set("day", held.column.dataset.day);
      wanted.set("time", clock(held.at));
      if (held.column.dataset.therapist) wanted.set("therapist", held.column.dataset.therapist);
      if ("room" in held.column.dataset) wanted.set("room", held.column.dataset.room);
    }
    if (held.rows !== held.length) wanted.set("duration", held.rows * ROW_MINUTES);
    document.documentElement.classList.remove("is-dragging");
    window.htmx.ajax("GET", held.block.dataset.move + "?" + wanted, {
      target: "#dialog", select: "#confirm", swap: "innerHTML"
    });
  }

  var dialog = document.getElementById("dialog");
  if (dialog) dialog.addEventListener("close", function () {
    var block = held && held.block;
    letGo();
    if (block) block.focus();
  });
  ["htmx:sendError", "htmx:responseError"].forEach(function (name) {
    document.addEventListener(name, letGo);
  });

  // -- The mouse -----------------------------------------------------------------------------

  calendar.addEventListener("pointerdown", function (event) {
    var block = event.target.closest("[data-move]");
    // A finger scrolls; it opens the session, whose page moves it.
    if (!block || event.button !== 0 || event.pointerType === "touch" || held) return;
    var start = { x: event.clientX, y: event.clientY };
    var resizing = Boolean(event.target.closest(".cal-grip"));
    var grabbedAt = (event.clientY - block.getBoundingClientRect().top) / rowHeight();

    function move(event) {
      if (!held) {
        if (Math.abs(event.clientX - start.x) + Math.abs(event.clientY - start.y) < FEW_PIXELS) return;
        take(block, resizing);
        document.documentElement.classList.add("is-dragging");
      }
      event.preventDefault();
      follow(event, grabbedAt);
    }

    function stop(event) {
      document.removeEventListener("pointermove", move);
      document.removeEventListener("pointerup", stop);
      document.removeEventListener("pointercancel", stop);
      if (!held) return;
      swallowClick();
      if (event.type === "pointerup" && changed()) ask();
      else letGo();
    }

    document.addEventListener("pointermove", move);
    document.addEventListener("pointerup", stop);
    document.addEventListener("pointercancel", stop);
  });

  function follow(event, grabbedAt) {
    if (!held.resizing) held.column = columnAt(event.clientX) || held.column;
    var top = bodyOf(held.column).getBoundingClientRect().top;
    var at = (event.clientY - top) / rowHeight();
    if (held.resizing) {
      held.rows = Math.max(SNAP_ROWS, Math.min(snapped(at), rows) - held.at);
    } else {
      held.at = Math.max(0, Math.min(snapped(at - grabbedAt), rows - held.rows));
    }
    scrollAlong(event);
    show();
  }

  function snapped(at) { return Math.round(at / SNAP_ROWS) * SNAP_ROWS; }

  function columnAt(x) {
    return columns.find(function (column) {
      var box = column.getBoundingClientRect();
      return x >= box.left && x < box.right;
    });
  }

  function scrollAlong(event) {
    var box = calendar.getBoundingClientRect();
    if (event.clientY > box.bottom - 40) calendar.scrollTop += 12;
    if (event.clientY < box.top + 90) calendar.scrollTop -= 12;
    if (event.clientX > box.right - 30) calendar.scrollLeft += 12;
    if (event.clientX < box.left + 30) calendar.scrollLeft -= 12;
  }

  // The click that ends a drag would open the session.
  function swallowClick() {
    var swallow = function (event) { event.preventDefault(); event.stopPropagation(); };
    calendar.addEventListener("click", swallow, { capture: true, once: true });
    setTimeout(function () { calendar.removeEventListener("click", swallow, { capture: true }); });
  }
  calendar.addEventListener("dragstart", function (event) { event.preventDefault(); });

  // -- The keyboard --------------------------------------------------------------------------

  var STEPS = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };

  calendar.addEventListener("keydown", function (event) {
    var step = STEPS[event.key];
    if (step && event.altKey) {
      event.preventDefault();
      carry(event.target.closest("[data-move]"), sideways(step[0]), step[1], event.shiftKey);
    } else if (step && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      walk(sideways(step[0]), step[1]);
    } else if (held && event.key === "Enter") {
      event.preventDefault();
      if (changed()) ask(); else letGo();
    } else if (held && event.key === "Escape") {
      letGo();
    }
  });

  function sideways(step) { return rightToLeft ? -step : step; }

  function carry(block, columnStep, rowStep, resizing) {
    if (!held) {
      if (!block) return;
      take(block, resizing);
    }
    var next = columns.indexOf(held.column) + columnStep;
    if (resizing) held.rows = Math.max(SNAP_ROWS, Math.min(held.rows + rowStep * SNAP_ROWS, rows - held.at));
    else held.at = Math.max(0, Math.min(held.at + rowStep * SNAP_ROWS, rows - held.rows));
    if (!resizing && columns[next]) held.column = columns[next];
    show();
    held.ghost.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  // Sessions and free half hours are one path through the day; sideways leads to what is nearest in time.
  function walk(columnStep, rowStep) {
    if (held) return;
    var here = document.activeElement.closest && document.activeElement.closest("[data-at]");
    var column = here ? here.closest(".cal-col") : columns[0];
    var next = here ? null : stops(column)[0];
    if (here && rowStep) next = stops(column)[stops(column).indexOf(here) + rowStep];
    if (here && columnStep) next = nearest(columns[columns.indexOf(column) + columnStep], Number(here.dataset.at));
    if (!next) return;
    next.focus();
    next.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  function stops(column) {
    return Array.prototype.slice.call(column.querySelectorAll("[data-at]")).sort(function (one, other) {
      return Number(one.dataset.at) - Number(other.dataset.at);
    });
  }

  function nearest(column, at) {
    if (!column) return null;
    return stops(column).reduce(function (best, stop) {
      var closer = !best || Math.abs(stop.dataset.at - at) < Math.abs(best.dataset.at - at);
      return closer ? stop : best;
    }, null);
  }

  // By the place of the key, so that a Persian layout knows them too.
  document.addEventListener("keydown", function (event) {
    if (event.ctrlKey || event.altKey || event.metaKey || event.shiftKey || (dialog && dialog.open)) return;
    if (/^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName)) return;
    var letter = /^Key([A-Z])$/.exec(event.code);
    var link = letter && document.querySelector('[data-key="' + letter[1].toLowerCase() + '"]');
    if (!link) return;
    event.preventDefault();
    link.click();
  });

  // -- The present moment --------------------------------------------------------------------

  var line = calendar.querySelector(".cal-now");
  if (line) {
    // The server's clock moved on by this machine's: its own time and zone may be wrong.
    var began = performance.now();
    var row = Number(calendar.dataset.now);
    setInterval(function () {
      var at = row + Math.floor((performance.now() - began) / 60000 / ROW_MINUTES);
      if (at <= rows) line.className = "cal-now at-" + at;
    }, 30000);
  }

  function showWhatMatters() {
    var shownFirst = line || calendar.querySelector(".cal-block");
    if (!shownFirst) return;
    var box = shownFirst.getBoundingClientRect();
    calendar.scrollTop += box.top - calendar.getBoundingClientRect().top - 160;
    var today = calendar.querySelector(".cal-col.is-today");
    if (!today || calendar.querySelectorAll(".cal-col.is-today").length > 1) return;
    // Of a week on a narrow screen, right beside the hours, so that no day is cut there; by hand,
    // because `scrollIntoView` would move the page as well.
    var hours = calendar.querySelector(".cal-hours").getBoundingClientRect();
    var place = today.getBoundingClientRect();
    calendar.scrollLeft += rightToLeft ? place.right - hours.left : place.left - hours.right;
  }
  showWhatMatters();
})();

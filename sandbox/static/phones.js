// Asks for the phones again every few seconds and changes only what differs, so that a reply being
// written, the focus and the place in a long conversation are left alone.
"use strict";

const EVERY = 3000;
const main = document.getElementById("phones");

function toEnd(talk) {
  talk.scrollTop = talk.scrollHeight;
}

function renew(phone, fresh) {
  const talk = phone.querySelector(".talk");
  const next = fresh.querySelector(".talk");
  if (talk.innerHTML === next.innerHTML) return;
  const grew = talk.children.length !== next.children.length;
  talk.replaceChildren(...next.children);
  if (grew) toEnd(talk);
}

function show(html) {
  const fresh = new DOMParser().parseFromString(html, "text/html");
  const row = main.querySelector(".row");
  const next = fresh.querySelector(".row");
  if (!row || !next) {
    if (row !== next) main.replaceChildren(...fresh.body.children);
    main.querySelectorAll(".talk").forEach(toEnd);
    return;
  }
  document.getElementById("count").textContent = fresh.getElementById("count").textContent;
  const known = new Map([...row.children].map((phone) => [phone.dataset.phone, phone]));
  const busy = row.contains(document.activeElement);
  [...next.children].forEach((each, place) => {
    const phone = known.get(each.dataset.phone);
    known.delete(each.dataset.phone);
    if (phone) renew(phone, each);
    const shown = phone || each;
    // Moving an element takes the focus from it: phones change places only when nobody writes.
    if (!phone || !busy) {
      if (row.children[place] !== shown) row.insertBefore(shown, row.children[place] || null);
    }
    if (!phone) toEnd(shown.querySelector(".talk"));
  });
  known.forEach((phone) => busy || phone.remove());
}

async function refresh() {
  if (document.hidden) return;
  try {
    const answer = await fetch("/phones" + location.search);
    if (answer.ok) show(await answer.text());
  } catch {
    // The gateway is being restarted: the next round finds it.
  }
}

main.addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  const data = new URLSearchParams(new FormData(form));
  const answer = await fetch(form.action, { method: "POST", body: data, redirect: "manual" });
  if (answer.ok || answer.type === "opaqueredirect") form.elements.text.value = "";
  refresh();
});

document.querySelectorAll(".talk").forEach(toEnd);
setInterval(refresh, EVERY);

// What every page needs: menus that close, filters that apply themselves, live pieces that wait their turn.

document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
  const copier = event.target.closest("[data-copies]");
  if (copier) navigator.clipboard?.writeText(document.querySelector(copier.dataset.copies).textContent.trim());
  const opener = event.target.closest("[data-opens]");
  if (opener) document.querySelector(opener.dataset.opens).showModal();
  const closer = event.target.closest("[data-closes]");
  if (closer) document.querySelector(closer.dataset.closes).close();
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

document.addEventListener("change", (event) => {
  const form = event.target.form;
  if (form?.hasAttribute("data-auto") && event.target.type !== "search") form.requestSubmit();
});

// A piece that looks again by itself is not replaced under somebody's hands.
document.addEventListener("htmx:beforeSwap", (event) => {
  const target = event.detail.target;
  if (!target?.hasAttribute?.("data-live")) return;
  const busy = target.querySelector("details[open], :checked") || (target.contains(document.activeElement) && document.activeElement.matches("input, select, textarea"));
  if (busy) event.detail.shouldSwap = false;
});

// Where the server cannot be reached, a page that looks by itself says so, until it can.
for (const [event, gone] of [["htmx:sendError", true], ["htmx:timeout", true], ["htmx:afterOnLoad", false]]) {
  document.addEventListener(event, ({ target }) => {
    const lost = document.getElementById("lost");
    if (lost && target.hasAttribute?.("data-live")) lost.hidden = !gone;
  });
}

// On a narrow screen the body scrolls above the bar: keys scroll it once it has the focus, and browsers remember the window's place alone.
if (getComputedStyle(document.body).overflowY === "auto" && document.activeElement === document.body && !document.querySelector("[autofocus]")) {
  document.body.tabIndex = -1;
  document.body.focus();
}
const at = `kicau:at:${location.href}`;
if (performance.getEntriesByType("navigation")[0]?.type !== "navigate" && !location.hash) document.body.scrollTop = Number(sessionStorage.getItem(at));
addEventListener("pagehide", () => { sessionStorage.setItem(at, document.body.scrollTop); });

// A first visitor's own zone.
for (const field of document.querySelectorAll("[data-own-zone]")) {
  field.value ||= Intl.DateTimeFormat().resolvedOptions().timeZone;
}

// What was kept in the browser for a post is not needed once the post stands on its own page.
const posted = location.pathname.match(/^\/posts\/([0-9a-f-]{36})$/);
if (posted) import("./kept.js").then(({ drop }) => drop(`kicau:draft:${posted[1]}`));

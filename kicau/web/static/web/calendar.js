// The calendar under the hands: dragging, keys, and the last move taken back.

const token = () => JSON.parse(document.body.getAttribute("hx-headers"));
const board = () => document.getElementById("deliveries");
const FOCUS = "kicau:moved";

async function move(card, values) {
  const form = new URLSearchParams({ verb: "reschedule", delivery: card.dataset.deliveries.trim(), next: board().dataset.here, ...values });
  try {
    await fetch(board().dataset.change, { method: "POST", headers: token(), body: form, redirect: "manual" });
  } catch { // nothing was moved
    document.getElementById("lost").hidden = false;
    document.getElementById("lost").scrollIntoView({ block: "nearest" });
    return;
  }
  sessionStorage.setItem(FOCUS, card.dataset.deliveries.trim());
  location.reload();
}

// Days take what is dragged onto them.
let dragged = null;
document.addEventListener("dragstart", (event) => {
  const card = event.target.closest?.("[data-deliveries]");
  if (!card) return;
  dragged = card;
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setData("text/plain", card.href);
});
document.addEventListener("dragend", () => {
  dragged = null;
  for (const day of document.querySelectorAll(".day.over")) day.classList.remove("over");
});
document.addEventListener("dragover", (event) => {
  const day = dragged && event.target.closest?.("[data-day]");
  if (!day) return;
  event.preventDefault();
  for (const other of document.querySelectorAll(".day.over")) if (other !== day) other.classList.remove("over");
  day.classList.add("over");
});
document.addEventListener("drop", (event) => {
  const day = dragged && event.target.closest?.("[data-day]");
  if (!day || dragged.closest("[data-day]") === day) return;
  event.preventDefault();
  move(dragged, { date: day.dataset.day });
});

// Alt and an arrow move what has the focus; arrows alone walk.
const month = Boolean(document.querySelector(".grid.month"));
const STEPS = month
  ? { ArrowLeft: { days: -1 }, ArrowRight: { days: 1 }, ArrowUp: { days: -7 }, ArrowDown: { days: 7 } }
  : { ArrowLeft: { days: -1 }, ArrowRight: { days: 1 }, ArrowUp: { minutes: -15 }, ArrowDown: { minutes: 15 } };

document.addEventListener("keydown", (event) => {
  if (event.target.matches("input, select, textarea")) return;
  if (event.key.toLowerCase() === "z" && !event.altKey) { document.getElementById("undo")?.click(); return; }
  const step = STEPS[event.key];
  const chip = event.target.closest?.(".chip");
  if (!step || !chip) return;
  if (event.altKey && chip.dataset.deliveries) {
    event.preventDefault();
    move(chip, step);
  } else if (!event.altKey) {
    const chips = [...document.querySelectorAll("#deliveries .chip")];
    const next = chips[chips.indexOf(chip) + (event.key === "ArrowUp" || event.key === "ArrowLeft" ? -1 : 1)];
    if (next) { event.preventDefault(); next.focus(); }
  }
});

// What was moved has the focus again, where it now stands.
const moved = sessionStorage.getItem(FOCUS);
sessionStorage.removeItem(FOCUS);
if (moved) {
  const chip = [...document.querySelectorAll("[data-deliveries]")].find((one) => one.dataset.deliveries.trim() === moved);
  (chip ?? document.getElementById("undo"))?.focus();
}

// In the list, all of the page or none of it.
document.addEventListener("click", (event) => {
  const all = event.target.closest?.("[data-choose-all]");
  if (!all && !event.target.closest?.("[data-choose-none]")) return;
  for (const box of document.querySelectorAll(".picking [name=delivery]")) box.checked = Boolean(all);
});

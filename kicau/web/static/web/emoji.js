// The emoji picker: our own short list, found by English and Indonesian names, walked with the arrow keys.

const dialog = document.getElementById("emoji");
const seek = dialog.querySelector(".seek");
const faces = dialog.querySelector(".faces");
const RECENT = "kicau:emoji";
let list = null, insert = null;

async function read() {
  const text = await (await fetch(dialog.dataset.list)).text();
  return text.split("\n").filter(Boolean).map((line) => { const at = line.indexOf(" "); return { sign: line.slice(0, at), names: line.slice(at + 1) }; });
}

function recent() {
  try { return JSON.parse(localStorage.getItem(RECENT)) ?? []; } catch { return []; }
}

function draw() {
  const words = seek.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
  let found = list.filter((one) => words.every((word) => one.names.includes(word)));
  if (!words.length) {
    const first = recent();
    found = [...first.map((sign) => list.find((one) => one.sign === sign)).filter(Boolean), ...found.filter((one) => !first.includes(one.sign))];
  }
  faces.replaceChildren(...found.map((one, n) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = one.sign;
    button.title = one.names;
    button.setAttribute("aria-label", one.names);
    button.tabIndex = n ? -1 : 0;
    return button;
  }));
  if (!found.length) faces.textContent = faces.dataset.none;
}

function take(sign) {
  localStorage.setItem(RECENT, JSON.stringify([sign, ...recent().filter((one) => one !== sign)].slice(0, 16)));
  dialog.close();
  insert(sign);
}

function columns() {
  const all = [...faces.children];
  return Math.max(1, all.findIndex((one) => one.offsetTop > all[0].offsetTop));
}

dialog.addEventListener("keydown", (event) => {
  const all = [...faces.querySelectorAll("button")];
  const at = all.indexOf(document.activeElement);
  if (event.key === "Enter" && document.activeElement === seek) { event.preventDefault(); if (all.length) take(all[0].textContent); return; }
  const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: at < 0 ? 1 : columns(), ArrowUp: -columns() }[event.key];
  if (!step || (at < 0 && event.key !== "ArrowDown")) return;
  event.preventDefault();
  if (at + step < 0) seek.focus();
  else all[Math.min(all.length - 1, at + step)]?.focus();
});
seek.addEventListener("input", () => { if (list) draw(); });
faces.addEventListener("click", (event) => { const button = event.target.closest("button"); if (button) take(button.textContent); });

export async function open(put) {
  insert = put;
  seek.value = "";
  dialog.showModal();
  seek.focus();
  list ??= await read(); // what is typed meanwhile stays
  draw();
}

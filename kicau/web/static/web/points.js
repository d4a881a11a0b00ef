// Focal points: pressed on each picture, or moved by the arrow keys. The field above holds them and can be written in too.

const STEP = { ArrowLeft: [-0.1, 0], ArrowRight: [0.1, 0], ArrowUp: [0, 0.1], ArrowDown: [0, -0.1] };
const within = (n) => Math.round(Math.min(1, Math.max(-1, n)) * 100) / 100;

function field(tile) { return document.getElementById(tile.closest("[data-points]").dataset.points); }
function place(tile) { return [...tile.parentElement.querySelectorAll("[data-point]")].indexOf(tile); }
function point(tile) {
  const said = (field(tile).value.split(";")[place(tile)] ?? "").split(",").map(Number);
  return said.length === 2 && said.every(Number.isFinite) ? said : null;
}

function put(tile, x, y) {
  const held = field(tile).value.split(";").map((one) => one.trim());
  while (held.length <= place(tile)) held.push("");
  held[place(tile)] = `${within(x)},${within(y)}`;
  field(tile).value = held.join(";");
  field(tile).dispatchEvent(new Event("input", { bubbles: true }));
  show(tile);
}

function show(tile) {
  const dot = tile.querySelector(".focal"), at = point(tile);
  if (!dot) return;
  dot.hidden = at === null;
  if (at) [dot.style.left, dot.style.top] = [`${(at[0] + 1) * 50}%`, `${(1 - at[1]) * 50}%`];
}

export function showAll() {
  document.querySelectorAll("button[data-point]").forEach(show);
  hear("[data-reads]", read);
}

// A file is chosen in a window of its own, which may stay open for long: an upload's answer that comes meanwhile puts
// another field in the place of the one that was pressed. So each is listened to itself, also when it is gone.
const heard = new WeakSet();
export function hear(which, act) {
  for (const input of document.querySelectorAll(which)) {
    if (heard.has(input)) continue;
    heard.add(input);
    input.addEventListener("change", () => { if (input.files.length) act(input); });
  }
}

async function read(input) {
  const text = await input.files[0].text();
  const target = document.getElementById(input.dataset.reads); // looked for now, since it may be another by now
  if (!target) return;
  target.value = text;
  target.dispatchEvent(new Event("input", { bubbles: true }));
}

document.addEventListener("click", (event) => {
  const tile = event.target.closest("button[data-point]");
  if (!tile || event.detail === 0) return; // by the keyboard: the arrows say where
  const box = tile.querySelector("img").getBoundingClientRect();
  put(tile, ((event.clientX - box.left) / box.width) * 2 - 1, 1 - ((event.clientY - box.top) / box.height) * 2);
});
document.addEventListener("keydown", (event) => {
  const tile = event.target.closest?.("button[data-point]"), step = STEP[event.key];
  if (!tile || !step) return;
  event.preventDefault();
  const [x, y] = point(tile) ?? [0, 0];
  put(tile, x + step[0], y + step[1]);
});
document.addEventListener("input", (event) => {
  for (const box of document.querySelectorAll("[data-points]"))
    if (box.dataset.points === event.target.id) box.querySelectorAll("button[data-point]").forEach(show);
});

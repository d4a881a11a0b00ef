// The composer's life: asks the server to look, keep and shape; keeps a copy in the browser until the server has it.

import { drop, find, put } from "./kept.js";
import { hear, showAll } from "./points.js";

const form = document.getElementById("composer");
const kept = document.getElementById("kept");
const looks = document.getElementById("look");
const clash = document.getElementById("clash");
const place = `kicau:draft:${form.dataset.composer}`;
const KEEP = 700, AGAIN = 5000; // milliseconds
const timers = {};
const found = find(place); // what a browser that died or went away left; nothing is put over it before it is read
let edits = 0;

function soon(name, wait, act) {
  timers[name] ??= setTimeout(() => { delete timers[name]; act(); }, wait);
}

function written() {
  return new URLSearchParams([...new FormData(form)].filter(([name, value]) => typeof value === "string" && name !== "csrfmiddlewaretoken")).toString();
}

function touched() {
  edits += 1;
  const edit = edits;
  form.dataset.onDisk = "";
  found.then(() => put(place, written())).then(() => { if (edit === edits) form.dataset.onDisk = edit; });
  look();
  soon("keep", KEEP, keep);
}

form.addEventListener("input", touched);
form.addEventListener("change", touched);
document.addEventListener("shaped", touched);

// Looking: at once, and never two at a time; what is typed meanwhile is looked at right after.

let looking = false, stale = false;
function look() {
  if (looking) { stale = true; return; }
  looking = true;
  htmx.trigger(looks, "look");
}
looks.addEventListener("htmx:afterRequest", () => {
  looking = false;
  if (stale) { stale = false; look(); }
});

// The tick of a confirmation is the hand's: an answer that was on its way does not undo it.
let confirmed;
document.addEventListener("htmx:oobBeforeSwap", () => { confirmed = document.getElementById("confirm")?.checked; });
document.addEventListener("htmx:oobAfterSwap", () => {
  const box = document.getElementById("confirm");
  if (box && confirmed !== undefined) box.checked = confirmed;
});

let only = "", scheme = "";
function arrange() {
  const cards = [...looks.querySelectorAll("[data-look]")];
  if (only && !cards.some((card) => card.dataset.look === only)) only = "";
  for (const card of cards) card.hidden = Boolean(only) && card.dataset.look !== only;
  for (const tab of looks.querySelectorAll("[data-only]")) tab.setAttribute("aria-pressed", String(tab.dataset.only === only));
}
looks.addEventListener("htmx:afterSwap", arrange);
if (matchMedia("(max-width: 62rem)").matches) { only = looks.querySelector("[data-look]")?.dataset.look ?? ""; arrange(); } // one at a time where they would stand below each other
looks.addEventListener("click", (event) => {
  const tab = event.target.closest("[data-only]");
  if (tab) { only = tab.dataset.only; arrange(); }
  if (event.target.closest("[data-scheme]")) {
    const dark = (scheme || getComputedStyle(document.documentElement).colorScheme) === "dark" || (!scheme && matchMedia("(prefers-color-scheme: dark)").matches && document.documentElement.dataset.theme === "auto");
    scheme = dark ? "light" : "dark";
    looks.dataset.brightness = scheme;
  }
});

// Keeping

let asked = 0, clashed = !clash.hidden;
function keep() { if (!clashed) htmx.trigger(kept, "keep"); }
function told_of_clash() { clashed = true; clash.hidden = false; clash.scrollIntoView({ block: "nearest" }); }
kept.addEventListener("htmx:beforeRequest", () => { asked = edits; });
kept.addEventListener("htmx:afterRequest", (event) => {
  const status = event.detail.xhr?.status ?? 0;
  if (event.detail.successful) {
    if (asked === edits) drop(place);
  } else if (status === 409) {
    told_of_clash();
  } else if (status !== 422) {
    if (!status) kept.textContent = kept.dataset.offline;
    soon("keep", AGAIN, keep);
  }
});
document.addEventListener("visibilitychange", () => { if (document.hidden && asked !== edits) keep(); });
addEventListener("pagehide", () => {
  const gone = new FormData();
  for (const name of ["draft", "hand", "csrfmiddlewaretoken"]) gone.set(name, form.elements[name].value);
  navigator.sendBeacon(document.getElementById("present").dataset.leave, gone);
});

// Shaping: what is typed while the answer is on its way is put back into the new editor.

let before = new Map(), begun = null;
const typed = (field) => (field.type === "checkbox" ? field.checked : field.value);

function snapshot() {
  return new Map([...document.querySelectorAll("#editor [id][name]")].filter((f) => f.type !== "file").map((f) => [f.id, typed(f)]));
}

// One request at a time: each is sent with what the answer before it made of the editor, so no answer undoes another.
let shaping = Promise.resolve();
function inTurn(send) {
  const active = document.activeElement;
  shaping = shaping.then(() => {
    before = snapshot();
    begun = active?.isConnected ? active : document.activeElement;
    return send();
  }).catch(() => {}); // a request that got no answer holds up none of those behind it
  return shaping;
}

function shape(act, source = "#shaper", more = {}) {
  return inTurn(() => htmx.ajax("POST", form.dataset.shape, { source, target: "#editor", swap: "innerHTML", values: { act, ...more } }));
}

let meanwhile = new Map();
let opened = [], pressed = "", strayed = false, caret = null;
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.target?.id !== "editor" || event.detail.xhr.status >= 400) return;
  opened = [...document.querySelectorAll("#editor details[open]")].map((one) => one.id);
  const active = document.activeElement;
  pressed = active?.dataset?.act ?? active?.id ?? "";
  strayed = active !== begun && active !== document.body;
  caret = active?.id && active.selectionStart != null ? [active.id, active.selectionStart, active.selectionEnd] : null;
  meanwhile = new Map([...snapshot()].filter(([id, value]) => before.has(id) && before.get(id) !== value));
});
document.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target?.id !== "editor") return;
  for (const [id, value] of meanwhile) {
    const field = document.getElementById(id);
    if (field && field.type === "checkbox") field.checked = value;
    else if (field) field.value = value;
  }
  meanwhile.clear();
  if (caret && document.activeElement.id === caret[0]) document.activeElement.setSelectionRange(caret[1], caret[2]); // a value put back moves it to the end
  listen();
  for (const id of opened) document.getElementById(id)?.setAttribute("open", "");
  const again = pressed && (document.querySelector(`#editor [data-act="${CSS.escape(pressed)}"]:not([disabled])`) ?? document.getElementById(pressed));
  const wanted = document.querySelector("#editor [data-focus]");
  if (wanted && !strayed && wanted !== document.activeElement) { // who has gone on to another field stays there
    wanted.focus();
    wanted.setSelectionRange(wanted.value.length, wanted.value.length);
  } else if (again && document.activeElement === document.body) again.focus();
});

document.addEventListener("click", (event) => {
  const act = event.target.closest("button[data-act]")?.dataset.act;
  if (act?.startsWith("crop:")) frame(...act.split(":").slice(1));
  else if (act?.startsWith("cover:")) cover(...act.split(":").slice(1));
  else if (act) shape(act);
  const here = event.target.closest("[data-split-here]");
  if (here) {
    const field = document.getElementById(`text-${here.dataset.splitHere}`);
    shape(`split-here:${here.dataset.splitHere}:${[...field.value.slice(0, field.selectionStart)].length}`);
  }
  const choice = event.target.closest("[data-choose]");
  if (choice) {
    const keys = choice.dataset.choose.split(" ");
    for (const box of form.querySelectorAll("[name=channel]")) box.checked = keys[0] === "*" || keys.includes(box.value);
    shape("channels");
  }
});
form.addEventListener("change", (event) => {
  if (event.target.dataset.act) shape(event.target.dataset.act);
});

// A button that is pressed as the editor comes anew is let go on its like, which is no click to a browser.
let held = null;
form.addEventListener("pointerdown", (event) => { held = event.pointerType === "mouse" && pressable(event); });
form.addEventListener("pointerup", (event) => {
  const now = pressable(event);
  if (held && !held.isConnected && now?.isEqualNode(held)) now.click();
  held = null;
});
function pressable(event) { return event.target.closest("#editor :is(button, label, summary)"); }
document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter") return;
  if (event.ctrlKey || event.metaKey) document.querySelector("#schedule, .when .first")?.click();
  else if (event.target.matches("#composer input, dialog input")) event.preventDefault(); // a line's end is no decision to publish
});

// The time: typed as one says it, or picked from the browser's own calendar.

const at = document.getElementById("at"), pick = document.getElementById("pick"), picker = document.querySelector("[data-picker]");
at.addEventListener("focus", () => at.select());
pick.addEventListener("input", () => {
  if (!pick.value) return;
  at.value = pick.value.replace("T", " ");
  at.dispatchEvent(new Event("input", { bubbles: true }));
});
picker.addEventListener("toggle", () => {
  if (!picker.open) return;
  const { date, time } = form.elements;
  if (date.value) pick.value = `${date.value}T${(time.value || "00:00").slice(0, 5)}`;
  pick.focus();
  try { pick.showPicker(); } catch { /* without a press, or not known here: the field itself is there */ }
});

// Files: chosen, dropped or pasted; pieces moved within a part and between parts.

function listen() {
  showAll();
  hear("[data-upload]", (input) => upload(input.dataset.upload, input.files));
  hear("[data-card-file]", (input) => shape("link:picture", "#uploader", { file: input.files[0] }));
}

function upload(key, files) {
  if (files.length) shape(`upload:${key}`, "#uploader", { file: [...files] });
}

document.getElementById("uploader").addEventListener("htmx:xhr:progress", (event) => {
  for (const bar of document.querySelectorAll("[data-progress]")) {
    bar.classList.add("showing");
    bar.value = event.detail.lengthComputable ? event.detail.loaded / event.detail.total : 0;
  }
});

form.addEventListener("paste", (event) => {
  const leaf = event.target.closest("[data-drop]");
  if (leaf && event.clipboardData.files.length) {
    event.preventDefault();
    upload(leaf.dataset.drop, event.clipboardData.files);
  }
});

let moved = null;
form.addEventListener("dragstart", (event) => { moved = event.target.closest?.("[data-piece]"); });
form.addEventListener("dragend", () => { moved = null; });
for (const kind of ["dragover", "dragleave", "drop"]) {
  form.addEventListener(kind, (event) => {
    const leaf = event.target.closest("[data-drop]");
    const files = [...(event.dataTransfer?.types ?? [])].includes("Files");
    if (!leaf || !(files || moved)) return;
    event.preventDefault();
    leaf.classList.toggle("over", kind === "dragover");
    if (kind !== "drop") return;
    if (moved) {
      const pieces = [...leaf.querySelectorAll("[data-piece]")].filter((one) => one !== moved);
      const on = event.target.closest("[data-piece]");
      const right = on && event.offsetX > on.clientWidth / 2 ? 1 : 0;
      const at = on && on !== moved ? pieces.indexOf(on) + right : pieces.length;
      shape(`put:${moved.dataset.piece}:${leaf.dataset.drop}:${at}`);
    } else upload(leaf.dataset.drop, event.dataTransfer.files);
  });
}

// Emoji, saved texts and the frame: fetched when they are first wanted.

let fieldId = ""; // not the field itself: the editor may come anew while a dialog is open
const fieldInUse = () => document.getElementById(fieldId);
export function insert(text, { atEnd = false } = {}) {
  const field = fieldInUse();
  if (!field) return;
  field.focus();
  if (atEnd) field.setSelectionRange(field.value.length, field.value.length);
  if (!document.execCommand("insertText", false, text)) {
    field.setRangeText(text, field.selectionStart, field.selectionEnd, "end");
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }
}

document.addEventListener("click", async (event) => {
  const opener = event.target.closest("[data-emoji], [data-texts]");
  if (opener) fieldId = opener.dataset.emoji ?? opener.dataset.texts;
  if (opener?.dataset.emoji) (await import("./emoji.js")).open(insert);
  const saved = event.target.closest("[data-insert]");
  if (!saved) return;
  saved.closest("dialog").close();
  const field = fieldInUse(), text = saved.dataset.insert, end = saved.dataset.kind !== "template";
  const gap = end && field?.value.trim() ? (saved.dataset.kind === "signature" ? "\n\n" : field.value.includes("\n") ? "\n" : " ") : "";
  insert(gap + text, { atEnd: end });
});
document.getElementById("texts").addEventListener("htmx:afterSwap", () => {
  const field = fieldInUse(), wanted = document.querySelector("#texts [data-selected]");
  if (wanted && !wanted.value && field) wanted.value = field.value.slice(field.selectionStart, field.selectionEnd) || field.value;
});

// A dialog is shown when it hears: what is pressed in it at once counts.
async function ask(name, query, code, done) {
  for (const box of form.querySelectorAll("[name=channel]:checked")) query.append("channel", box.value);
  const dialog = document.getElementById(name);
  dialog.replaceChildren(); // what it showed last is another file's
  const [{ start }] = await Promise.all([code, htmx.ajax("GET", `${form.dataset[name]}?${query}`, { target: dialog, swap: "innerHTML" })]);
  if (!dialog.childElementCount) return; // no answer came: the button waits for another try
  start(dialog, (chosen) => { dialog.close(); done(chosen); });
  dialog.showModal();
}

function cover(key, medium) {
  const at = form.elements[`cover-at:${key}:${medium}`]?.value ?? "", picture = form.elements[`cover:${key}:${medium}`]?.value ?? "";
  return ask("cover", new URLSearchParams({ key, medium, at, picture }), import("./cover.js"), (chosen) => shape(`cover:${key}:${medium}`, chosen.file ? "#uploader" : "#shaper", chosen));
}

function frame(key, medium) {
  return ask("frame", new URLSearchParams({ key, medium }), import("./frame.js"), (part) => shape(`crop:${key}:${medium}`, "#shaper", part));
}

// Whom to mention, and which hashtags: offered as one types, by a module that comes with the first of them.

const NAMING = /(?:^|[\s(“"])([@#])([^\s@#]*(?:@[^\s@#]*)?)$/;
form.addEventListener("input", async (event) => {
  const text = event.target.matches("textarea.say") && event.target.value.slice(0, event.target.selectionStart);
  if (text && NAMING.test(text)) (await import("./people.js")).offer(event.target, form, NAMING);
});
looks.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-ask-people]");
  if (!button) return;
  button.disabled = true;
  await htmx.ajax("POST", form.dataset.ask, { source: "#shaper", target: "#asked", swap: "innerHTML", values: { ask: button.dataset.askPeople, words: button.dataset.words } });
  look();
});

// What the browser kept when the server could not.

const same = (values) => { const kept = new URLSearchParams(values); for (const name of ["version", "hand"]) kept.delete(name); return kept.toString(); };
found.then((left) => {
  if (!left) return;
  if (same(left) === same(written())) { drop(place); return; }
  const values = {};
  for (const [name, value] of left) (values[name] ??= []).push(value);
  const others = Number(values.version?.[0] ?? 0) < Number(form.elements.version.value) && values.hand?.[0] !== form.dataset.lastHand;
  if ((values["time-before"]?.[0] ?? "") === (form.elements["time-before"]?.value ?? "")) { // a scheduled post that was moved since keeps its new time
    for (const name of ["at", "timezone", "date", "time", "zone", "at-read", "zone-read"]) if (values[name]) form.elements[name].value = values[name][0];
    for (const radio of form.querySelectorAll("[name=when]")) radio.checked = radio.value === values.when?.[0];
  }
  if (others) told_of_clash();
  inTurn(() => htmx.ajax("POST", form.dataset.shape, { source: "#restorer", target: "#editor", swap: "innerHTML", values: { ...values, act: "restore:" } })
    .then(() => { if (!others) kept.textContent = kept.dataset.restored; }));
});
const own = `/compose/${form.dataset.composer}`;
if (location.pathname !== own) history.replaceState(null, "", own);

// What was typed and chosen before this ran counts: on a slow line the hands are earlier than the script.
document.addEventListener("DOMContentLoaded", () => { // and the page's own requests are ready
  if ([...form.querySelectorAll("textarea")].some((field) => field.value !== field.defaultValue)) touched();
  for (const field of form.querySelectorAll("[data-upload]")) upload(field.dataset.upload, field.files);
});
listen();

// The composer's life: asks the server to look, keep and shape; keeps a copy in the browser until the server has it.

const form = document.getElementById("composer");
const kept = document.getElementById("kept");
const place = `kicau:draft:${form.dataset.composer}`;
const LOOK = 160, KEEP = 700, AGAIN = 5000; // milliseconds
const timers = {};
let edits = 0;

function later(name, wait, act) {
  clearTimeout(timers[name]);
  timers[name] = setTimeout(act, wait);
}

function written() {
  return new URLSearchParams([...new FormData(form)].filter(([, value]) => typeof value === "string")).toString();
}

function touched() {
  edits += 1;
  localStorage.setItem(place, written());
  later("look", LOOK, () => htmx.trigger("#look", "look"));
  later("keep", KEEP, () => htmx.trigger("#kept", "keep"));
}

form.addEventListener("input", touched);
form.addEventListener("change", touched);
document.addEventListener("shaped", touched);

// Keeping

let asked = 0;
kept.addEventListener("htmx:beforeRequest", () => { asked = edits; });
kept.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.successful) {
    if (asked === edits) localStorage.removeItem(place);
  } else if (!event.detail.xhr?.status) {
    kept.textContent = kept.dataset.offline;
    later("keep", AGAIN, () => htmx.trigger("#kept", "keep"));
  }
});

// Shaping: what is typed while the answer is on its way is put back into the new editor.

let before = new Map();
const typed = (field) => (field.type === "checkbox" ? field.checked : field.value);

function snapshot() {
  return new Map([...document.querySelectorAll("#editor [id][name]")].filter((f) => f.type !== "file").map((f) => [f.id, typed(f)]));
}

function shape(act, source = "#shaper", more = {}) {
  before = snapshot();
  return htmx.ajax("POST", form.dataset.shape, { source, target: "#editor", swap: "innerHTML", values: { act, ...more } });
}

let meanwhile = new Map();
let opened = [];
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.target?.id !== "editor" || event.detail.xhr.status >= 400) return;
  opened = [...document.querySelectorAll("#editor details[open]")].map((one) => one.id);
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
  for (const id of opened) document.getElementById(id)?.setAttribute("open", "");
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-act]");
  if (button) shape(button.dataset.act);
});
form.addEventListener("change", (event) => {
  if (event.target.dataset.act) shape(event.target.dataset.act);
  if (event.target.dataset.upload) upload(event.target.dataset.upload, event.target.files);
});

// Files: chosen, dropped or pasted.

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
for (const kind of ["dragover", "dragleave", "drop"]) {
  form.addEventListener(kind, (event) => {
    const leaf = event.target.closest("[data-drop]");
    if (!leaf || ![...(event.dataTransfer?.types ?? [])].includes("Files")) return;
    event.preventDefault();
    leaf.classList.toggle("over", kind === "dragover");
    if (kind === "drop") upload(leaf.dataset.drop, event.dataTransfer.files);
  });
}

// What the browser kept when the server could not.

const left = localStorage.getItem(place);
if (left && left !== written()) {
  const values = {};
  for (const [name, value] of new URLSearchParams(left)) (values[name] ??= []).push(value);
  for (const name of ["date", "time", "timezone"]) if (values[name]) form.elements[name].value = values[name][0];
  for (const radio of form.querySelectorAll("[name=when]")) radio.checked = radio.value === values.when?.[0];
  htmx.ajax("POST", form.dataset.shape, { source: "#restorer", target: "#editor", swap: "innerHTML", values: { ...values, act: "restore:" } })
    .then(() => { kept.textContent = kept.dataset.restored; });
}
const own = `/compose/${form.dataset.composer}`;
if (location.pathname !== own) history.replaceState(null, "", own);

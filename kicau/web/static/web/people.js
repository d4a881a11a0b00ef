// A list below the text while a mention or hashtag is typed: arrows move, Enter or Tab takes, Escape closes.

let field = null, form = null, naming = null, timer = 0, asked = "";
const box = document.createElement("div");
box.className = "offered";
box.id = "offered";

const words = () => field.value.slice(0, field.selectionStart).match(naming);
const options = () => [...box.querySelectorAll("[role=option]")];

export function offer(where, from, pattern) {
  if (field !== where) close();
  [field, form, naming] = [where, from, pattern];
  clearTimeout(timer);
  timer = setTimeout(fetchThem, 200);
}

function query(found) {
  const values = new URLSearchParams({ sign: found[1], words: found[2], network: field.dataset.network });
  for (const chosen of form.querySelectorAll("[name=channel]:checked")) values.append("channel", chosen.value);
  return values;
}

async function fetchThem() {
  const found = field.isConnected && words();
  if (!found || (found[1] === "#" && !found[2])) return close();
  asked = `${found[1]}${found[2]}`;
  const answer = await fetch(`${form.dataset.people}?${query(found)}`, { headers: { "HX-Request": "true" } });
  const still = field?.isConnected && words();
  if (answer.ok && still && `${still[1]}${still[2]}` === asked) show(await answer.text());
}

function show(html) {
  box.innerHTML = html;
  for (const one of options()) if (one.dataset.put === asked) one.remove(); // it stands there already
  if (!box.querySelector("[role=option], p")) return close();
  if (box.previousElementSibling !== field) field.after(box);
  options().forEach((one, n) => { one.id = `offered-${n}`; });
  field.setAttribute("aria-controls", box.id);
  field.setAttribute("aria-haspopup", "listbox");
  mark(-1);
}

function mark(n) {
  options().forEach((one, at) => one.setAttribute("aria-selected", String(at === n)));
  if (n < 0) field.removeAttribute("aria-activedescendant");
  else { field.setAttribute("aria-activedescendant", `offered-${n}`); options()[n].scrollIntoView({ block: "nearest" }); }
}

export function close() {
  clearTimeout(timer);
  box.remove();
  for (const name of ["aria-controls", "aria-haspopup", "aria-activedescendant"]) field?.removeAttribute(name);
}

async function take(one) {
  const found = words();
  if (!found) return close();
  if (one.dataset.ask) {
    const values = query(found);
    values.set("ask", one.dataset.ask);
    values.set("csrfmiddlewaretoken", form.elements.csrfmiddlewaretoken.value);
    const answer = await fetch(form.dataset.ask, { method: "POST", body: values, headers: { "HX-Request": "true" } });
    if (answer.ok) show(await answer.text());
    field.focus();
    return;
  }
  const start = field.selectionStart - found[1].length - found[2].length;
  field.focus();
  field.setSelectionRange(start, field.selectionStart);
  if (!document.execCommand("insertText", false, `${one.dataset.put} `)) {
    field.setRangeText(`${one.dataset.put} `, start, field.selectionEnd, "end");
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }
  close();
}

box.addEventListener("pointerdown", (event) => { event.preventDefault(); }); // the text keeps the cursor
box.addEventListener("click", (event) => { const one = event.target.closest("[role=option]"); if (one) take(one); });
document.addEventListener("keydown", (event) => {
  if (!box.isConnected || event.target !== field) return;
  const all = options(), now = all.findIndex((one) => one.getAttribute("aria-selected") === "true");
  if (event.key === "Escape") { event.preventDefault(); close(); }
  else if (event.key === "ArrowDown" && all.length) { event.preventDefault(); mark((now + 1) % all.length); }
  else if (event.key === "ArrowUp" && all.length) { event.preventDefault(); mark((now - 1 + all.length) % all.length); }
  else if ((event.key === "Enter" || event.key === "Tab") && now >= 0 && !event.ctrlKey && !event.metaKey) { event.preventDefault(); take(all[now]); }
}, true);
document.addEventListener("focusout", (event) => { if (event.target === field && !box.contains(event.relatedTarget)) setTimeout(() => { if (document.activeElement !== field) close(); }, 150); });

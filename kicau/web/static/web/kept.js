// Texts on this browser's disk, by name. The database's writes reach the disk at once, so that they outlive a browser that
// is killed; the local storage is written too, since it also holds what was typed in the moment in which a page goes away.

const AT = "kept"; // when, in milliseconds, within the text

const base = new Promise((done) => {
  try {
    const asked = indexedDB.open("kicau", 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore("kept");
    asked.onsuccess = () => done(asked.result);
    asked.onerror = asked.onblocked = () => done(null);
  } catch { done(null); } // forbidden here: the local storage alone
});

async function change(act) {
  const open = await base;
  if (!open) return undefined;
  return new Promise((done) => {
    const turn = open.transaction("kept", "readwrite", { durability: "strict" });
    const asked = act(turn.objectStore("kept"));
    turn.oncomplete = () => done(asked.result);
    turn.onerror = turn.onabort = () => done(undefined);
    turn.commit?.();
  });
}

/** Keeps a form's values; settled when they are on the disk. */
export function put(name, values) {
  const kept = new URLSearchParams(values);
  kept.set(AT, String(Date.now()));
  try { localStorage.setItem(name, kept.toString()); } catch { /* full or forbidden */ }
  return change((store) => store.put(kept.toString(), name));
}

/** The values that were kept last, or null. */
export async function find(name) {
  const found = [localStorage.getItem(name), await change((store) => store.get(name))].filter(Boolean).map((text) => new URLSearchParams(text));
  const last = found.sort((one, other) => Number(other.get(AT)) - Number(one.get(AT)))[0];
  last?.delete(AT);
  return last ?? null;
}

export function drop(name) {
  localStorage.removeItem(name);
  return change((store) => store.delete(name));
}

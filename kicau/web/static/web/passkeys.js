// Passkeys: the browser's own dialog, between two calls of the server.

const ready = window.PublicKeyCredential?.parseCreationOptionsFromJSON && window.isSecureContext;
const headers = { ...JSON.parse(document.body.getAttribute("hx-headers")), "Content-Type": "application/json" };

async function call(address, body) {
  const answer = await fetch(address, { method: "POST", headers, body: body && JSON.stringify(body) });
  const said = await answer.json();
  if (!answer.ok) throw new Refused(said.sentence);
  return said;
}
class Refused extends Error {}

for (const button of document.querySelectorAll("[data-passkey]")) {
  button.hidden = !ready;
  const says = button.closest("div, section").parentElement.querySelector("[data-passkey-says]");
  button.addEventListener("click", async () => {
    says.hidden = true;
    button.disabled = true;
    try {
      const options = await call(button.dataset.passkey);
      const named = button.dataset.named && document.querySelector(button.dataset.named).value;
      const made = "user" in options
        ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) })
        : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
      const done = await call(button.dataset.finish, { ...made.toJSON(), name: named });
      location.assign(done.to);
    } catch (error) {
      says.textContent = error instanceof Refused ? error.message : button.dataset.fails;
      says.hidden = false;
      button.disabled = false;
    }
  });
}

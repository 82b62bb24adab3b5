// Passkeys: a button asks the server for a challenge and the browser for its owner; the answer goes with the button's form.
// Without passkeys in the browser, the buttons stay hidden.

const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));
const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replace(/\+/g, "-")
    .replace(/\//g, "_")
    .replace(/=+$/, "");

/** The options as the browser wants them: challenge and ids in bytes. */
function ready(options) {
  options.challenge = bytes(options.challenge);
  if (options.user) options.user.id = bytes(options.user.id);
  for (const list of [options.excludeCredentials, options.allowCredentials]) {
    for (const known of list ?? []) known.id = bytes(known.id);
  }
  return options;
}

/** The browser's answer as JSON. */
function plain(credential) {
  const response = {};
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (credential.response[name]) response[name] = text(credential.response[name]);
  }
  return JSON.stringify({
    id: credential.id,
    rawId: text(credential.rawId),
    type: credential.type,
    response,
    clientExtensionResults: credential.getClientExtensionResults(),
  });
}

async function challenge(button) {
  const { value } = button.form.elements.csrfmiddlewaretoken;
  const answer = await fetch(button.dataset.options, { method: "POST", headers: { "X-CSRFToken": value } });
  if (!answer.ok) throw new Error(answer.status);
  return ready((await answer.json()).publicKey);
}

async function use(button) {
  const publicKey = await challenge(button);
  const credential = await navigator.credentials[button.dataset.passkey]({ publicKey });
  button.form.elements[button.dataset.field].value = plain(credential);
  button.form.requestSubmit();
}

const KINDS = { NotAllowedError: "cancelled", InvalidStateError: "known" };
const told = document.querySelector("[data-passkey-told]");
for (const button of document.querySelectorAll("[data-passkey]")) {
  button.hidden = !window.PublicKeyCredential;
  button.addEventListener("click", () => {
    if (!button.form.reportValidity()) return;
    told.textContent = "";
    button.disabled = true;
    use(button)
      .catch((wrong) => {
        told.textContent = told.dataset[KINDS[wrong.name]] ?? told.dataset.other;
      })
      .finally(() => (button.disabled = false));
  });
}

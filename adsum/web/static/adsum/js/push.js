// "Tell me on this phone": asks the browser for leave and for an address, and sends both with the form.
const form = document.querySelector("form[data-push]");
const button = form.querySelector("button");
const state = form.querySelector("[data-push-state]");
const say = (what) => (state.textContent = state.dataset[`text${what}`]);

const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));
const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replace(/\+/g, "-")
    .replace(/\//g, "_")
    .replace(/=+$/, "");

async function subscribe() {
  if ((await Notification.requestPermission()) !== "granted") return say("Denied");
  await navigator.serviceWorker.register("/worker.js", { scope: "/", updateViaCache: "none" });
  const { pushManager } = await navigator.serviceWorker.ready;
  const wanted = { userVisibleOnly: true, applicationServerKey: bytes(form.dataset.push) };
  // One that was made with an older key of ours has to go first.
  const address = await pushManager.subscribe(wanted).catch(async () => {
    await (await pushManager.getSubscription())?.unsubscribe();
    return pushManager.subscribe(wanted);
  });
  form.elements.endpoint.value = address.endpoint;
  form.elements.public.value = text(address.getKey("p256dh"));
  form.elements.secret.value = text(address.getKey("auth"));
  return form.submit();
}

if ("PushManager" in window && "Notification" in window && navigator.serviceWorker) button.hidden = false;
else say("None");

form.addEventListener("submit", (event) => {
  event.preventDefault();
  event.stopPropagation();
  button.disabled = true;
  subscribe()
    .catch(() => say("Failed"))
    .finally(() => (button.disabled = false));
});

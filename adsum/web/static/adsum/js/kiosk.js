import { stayAwake } from "./awake.js";

// The kiosk: an answer goes away by itself, and the next number always finds its field.
const kiosk = document.querySelector("[data-kiosk]");
const field = document.querySelector("#number");
const SHOWN = 8000;
let timer;

// Not while somebody types: each character, and each one taken back, gives them as long again.
function wait() {
  clearTimeout(timer);
  timer = setTimeout(() => (field?.value ? wait() : location.replace(kiosk.dataset.kiosk)), SHOWN);
}
if ("answered" in kiosk.dataset) {
  wait();
  field?.addEventListener("input", wait);
}

stayAwake();

// A card reader types without touching the screen.
document.addEventListener("keydown", (event) => {
  if (event.key.length === 1 && !event.ctrlKey && !event.metaKey && document.activeElement === document.body) field?.focus();
});

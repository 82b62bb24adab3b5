// The kiosk: an answer goes away by itself, and the next number always finds its field.
const kiosk = document.querySelector("[data-kiosk]");
const field = document.querySelector("#number");
const SHOWN = 8000;

function next() {
  if (field?.value) setTimeout(next, 1000); // somebody is typing
  else location.replace(kiosk.dataset.kiosk);
}
if ("answered" in kiosk.dataset) setTimeout(next, SHOWN);

// A card reader types without touching the screen.
document.addEventListener("keydown", (event) => {
  if (event.key.length === 1 && !event.ctrlKey && !event.metaKey && document.activeElement === document.body) field?.focus();
});

// Light, dark or the device's own choice. Loaded in <head> before the page is drawn, so that nothing flashes.
const KEY = "adsum-theme";

function chosenTheme() {
  try {
    return localStorage.getItem(KEY) || "";
  } catch {
    return ""; // storage may be refused; the device's choice is right then
  }
}

function applyTheme(theme) {
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
  for (const button of document.querySelectorAll("[data-set-theme]")) {
    button.setAttribute("aria-pressed", String(button.dataset.setTheme === theme));
  }
}

applyTheme(chosenTheme());

document.addEventListener("DOMContentLoaded", () => {
  for (const group of document.querySelectorAll("[data-theme-switch]")) group.hidden = false;
  applyTheme(chosenTheme());
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-set-theme]");
  if (!button) return;
  try {
    localStorage.setItem(KEY, button.dataset.setTheme);
  } catch {
    // kept for this page only
  }
  applyTheme(button.dataset.setTheme);
});

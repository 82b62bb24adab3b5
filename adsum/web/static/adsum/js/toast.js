// Short news at the foot of the page, read out politely. What matters must also stand on the page itself.

/** Show `text` for as long as it takes to read; at most three at once. */
export function toast(text) {
  const place = document.getElementById("toasts");
  const item = document.getElementById("toast").content.firstElementChild.cloneNode(true);
  item.querySelector("[data-toast-text]").textContent = text;
  const away = () => item.remove();
  item.querySelector("button").addEventListener("click", away);
  let timer = setTimeout(away, 4000 + 60 * text.length);
  item.addEventListener("pointerenter", () => clearTimeout(timer));
  item.addEventListener("pointerleave", () => (timer = setTimeout(away, 3000)));
  place.append(item);
  while (place.children.length > 3) place.firstElementChild.remove();
}

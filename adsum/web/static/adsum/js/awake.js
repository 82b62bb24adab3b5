// Keeps a screen or a tablet awake while its page is seen: with a wake lock, or, where the browser has none or refuses it, with
// a film of two pixels drawn here, since no device falls asleep over a film. The page says so where neither works.
let film;

async function lock() {
  if (document.visibilityState !== "visible") return;
  try {
    await navigator.wakeLock.request("screen");
  } catch {
    await show().catch(() => document.querySelector("[data-asleep]")?.removeAttribute("hidden"));
  }
}

async function show() {
  if (!film) {
    const canvas = Object.assign(document.createElement("canvas"), { width: 2, height: 2 });
    const brush = canvas.getContext("2d");
    setInterval(() => {
      brush.fillStyle = brush.fillStyle === "#000000" ? "#ffffff" : "#000000";
      brush.fillRect(0, 0, 2, 2);
    }, 500);
    film = Object.assign(document.createElement("video"), { className: "awake", muted: true, playsInline: true });
    film.setAttribute("aria-hidden", "true");
    film.srcObject = canvas.captureStream();
    document.body.append(film);
  }
  await film.play();
}

export function stayAwake() {
  document.addEventListener("visibilitychange", lock);
  lock();
}

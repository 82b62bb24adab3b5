// A tap on the wrist and a short tone when something is done, for those who want them. Off until somebody switches them on.
const WANTED = "adsum-signals";

export function wanted() {
  try {
    return localStorage.getItem(WANTED) === "yes";
  } catch {
    return false;
  }
}

function tone(pitch, seconds) {
  const audio = new AudioContext();
  const swing = audio.createOscillator();
  const loud = audio.createGain();
  swing.frequency.value = pitch;
  loud.gain.setValueAtTime(0.15, audio.currentTime);
  loud.gain.exponentialRampToValueAtTime(0.001, audio.currentTime + seconds);
  swing.connect(loud).connect(audio.destination);
  swing.start();
  swing.stop(audio.currentTime + seconds);
  swing.addEventListener("ended", () => audio.close());
}

function give(pattern, pitch) {
  if (!wanted()) return;
  navigator.vibrate?.(pattern);
  try {
    tone(pitch, 0.25);
  } catch {
    // no sound here; the page says it all the same
  }
}

/** The camera has read a code. */
export const found = () => give(40, 660);

/** The scan is recorded. */
export const arrived = () => give([60, 60, 120], 880);

const box = document.querySelector("[data-signals]");
if (box) {
  box.checked = wanted();
  box.closest("[hidden]")?.removeAttribute("hidden");
  box.addEventListener("change", () => {
    try {
      localStorage.setItem(WANTED, box.checked ? "yes" : "no");
    } catch {
      box.checked = false; // this browser keeps nothing
    }
    if (box.checked) found();
  });
}

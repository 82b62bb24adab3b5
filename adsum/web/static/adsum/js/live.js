// Server-sent events that come back by themselves: where they left off, not all at the same moment, and never silently.

const SILENCE = 40_000; // the server sends `beat` every 15 s
const FIRST_WAIT = 500;
const LONGEST_WAIT = 15_000;

/**
 * Listen to `url`. `handlers` maps event names to functions of the parsed data; `onstate` hears "live", "stale" (nothing
 * heard, or reconnecting), "ended" (the server sent `end`; nothing more will come) and "refused" (what was open to this
 * browser is so no more; nothing more will come either). Returns a function that stops it.
 */
export function listen(url, handlers, onstate = () => {}) {
  let source;
  let lastId = "";
  let wait = FIRST_WAIT;
  let retry;
  let silence;
  let ended = false;
  let welcome = false;

  const heard = () => {
    welcome = true;
    wait = FIRST_WAIT;
    clearTimeout(silence);
    silence = setTimeout(again, SILENCE);
    onstate("live");
  };

  const stop = () => {
    ended = true;
    clearTimeout(silence);
    clearTimeout(retry);
    source?.close();
  };

  function again() {
    if (ended) return;
    source?.close();
    clearTimeout(silence);
    clearTimeout(retry);
    onstate("stale");
    retry = setTimeout(open, wait * (0.5 + Math.random())); // a whole room must not return in the same second
    wait = Math.min(wait * 2, LONGEST_WAIT);
  }

  /** An event source does not say why it was sent away: ask once more, for the answer's status alone. */
  async function failed() {
    const sentAway = source.readyState === EventSource.CLOSED;
    again();
    if (!welcome || !sentAway) return;
    const asking = new AbortController();
    const { status } = await fetch(url, { signal: asking.signal, cache: "no-store" }).catch(() => ({}));
    asking.abort();
    if (status !== 403 || ended) return;
    stop();
    onstate("refused");
  }

  function open() {
    clearTimeout(retry);
    const address = new URL(url, location.href);
    if (lastId) address.searchParams.set("last_event_id", lastId);
    source = new EventSource(address);
    source.addEventListener("open", heard);
    source.addEventListener("error", failed);
    for (const name of new Set([...Object.keys(handlers), "beat", "end"])) {
      source.addEventListener(name, (event) => {
        if (event.lastEventId) lastId = event.lastEventId;
        heard();
        if (name === "end") stop();
        handlers[name]?.(JSON.parse(event.data || "{}"));
        if (name === "end") onstate("ended");
      });
    }
  }

  // A laptop that wakes up, or a network that returns, need not wait its turn.
  const wake = () => {
    if (document.visibilityState === "visible" && source?.readyState !== EventSource.OPEN) {
      wait = FIRST_WAIT;
      if (!ended) open();
    }
  };
  document.addEventListener("visibilitychange", wake);
  window.addEventListener("online", wake);
  open();
  return stop;
}

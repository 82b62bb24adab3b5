// Check-in pages: the code leaves the address bar, so that it is neither shared nor kept in the history; and when very
// many check in at once, the page tries again by itself, each phone at its own moment.
const { address } = document.querySelector("script[data-address]").dataset;
history.replaceState(null, "", address);

const busy = document.querySelector("form[data-retry]");
if (busy) setTimeout(() => busy.requestSubmit(), 2000 + 4000 * Math.random());

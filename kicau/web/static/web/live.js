// A piece that changes by itself: the server says when (server-sent events); where it cannot, the piece looks by the clock.

const piece = () => document.querySelector("[data-events]");
let source = null;
let timer = null;

function look() {
  const found = piece();
  if (found) htmx.trigger(found, "look");
  else stop();
}

function stop() {
  source?.close();
  source = null;
  clearInterval(timer);
}

function byTheClock() {
  clearInterval(timer);
  const every = Number(piece()?.dataset.every);
  if (every) timer = setInterval(look, every * 1000);
}

function listen() {
  stop();
  if (!piece()) return;
  source = new EventSource(piece().dataset.events);
  source.addEventListener("changed", look);
  source.addEventListener("open", () => clearInterval(timer));
  source.addEventListener("error", byTheClock);
}

// A page that nobody sees keeps no line open.
document.addEventListener("visibilitychange", () => (document.hidden ? stop() : listen()));
addEventListener("pagehide", stop);
listen();

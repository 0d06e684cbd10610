// Inside a frame of another site's page: its height goes out, to those alone who may embed, and nothing of what is asked.

const isKnown = (origin) => origin === window.location.origin || props.embedders.includes(origin);
const whole = document.documentElement;
const ROOM_TO_READ = 560;
let embedder = "";
let isFitting = false;
let told = 0;

const tell = (word) => window.parent.postMessage(word, embedder);

function tellSize() {
  if (!isFitting) return;
  const isOver = document.querySelector("dialog[open]") || !panel.hidden;
  const height = Math.max(Math.ceil(document.querySelector("gradio-app").getBoundingClientRect().height), isOver ? ROOM_TO_READ : 0);
  if (height !== told) tell({ visavis: "size", height });
  told = height;
}

function takeSeen({ above, below }) {
  whole.classList.add("vv-endless");
  whole.style.setProperty("--vv-above", `${above}px`);
  whole.style.setProperty("--vv-below", `${below}px`);
  fitPanel();
}

function meetEmbedder(event) {
  if (event.source !== window.parent || !isKnown(event.origin) || event.data?.visavis !== "hello") return;
  const isFirst = !embedder;
  embedder = event.origin;
  if (event.data.seen) takeSeen(event.data.seen);
  if (!isFirst) return;
  isFitting = Boolean(event.data.fits);
  whole.classList.toggle("vv-embedded", isFitting);
  if (!isFitting) tell({ visavis: "here" });
  const sizes = new ResizeObserver(tellSize);
  sizes.observe(document.querySelector("gradio-app"));
  const opened = new MutationObserver(tellSize);
  for (const one of [panel, ...element.querySelectorAll("dialog")]) opened.observe(one, { attributes: true, attributeFilter: ["open", "hidden"] });
  tellSize();
}

// Escape closes what is open here first, stops an answer next, and then the panel of the page around.
function tellEscape(event) {
  if (event.key !== "Escape" || !embedder || underway || !panel.hidden || document.querySelector("dialog[open], :popover-open")) return;
  tell({ visavis: "escape" });
}

// What the page around asks for beside a question: the language of the page, and a day with no question.
function readWishes() {
  const given = new URLSearchParams(window.location.hash.slice(1));
  const language = given.get("lang");
  if (language === null) return;
  if (Object.hasOwn(props.wordings, language) && !turns.size) memory.choices.language = language;
  given.delete("lang");
  if (!given.has("q")) {
    if (isDay(given.get("as_of") ?? "")) memory.day = given.get("as_of");
    given.delete("as_of");
  }
  const rest = given.size ? `#${given}` : "";
  window.history.replaceState(null, "", window.location.pathname + window.location.search + rest);
}

readWishes();
if (window.parent !== window) {
  window.addEventListener("message", meetEmbedder);
  document.addEventListener("keydown", tellEscape, true);
}

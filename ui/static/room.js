// The reading room in the browser: new turns are appended, citations open their passage beside the answer.
// Run once by gr.HTML with `element`, `trigger`, `props` and `watch`; nothing here ever makes HTML out of text.
const log = element.querySelector(".vv-log");
const panel = element.querySelector(".vv-panel");
const panelBody = element.querySelector(".vv-panel-body");
const spoken = element.querySelector(".vv-spoken");
let opener = null;

const isNarrow = () => window.matchMedia("(max-width: 60rem)").matches;

function showTurn(html) {
  const holder = document.createElement("template");
  holder.innerHTML = html;
  const turn = holder.content.firstElementChild;
  if (!turn) return;
  const earlier = document.getElementById(turn.id);
  for (const pending of log.querySelectorAll(".vv-pending")) if (pending !== earlier) pending.remove();
  if (earlier) earlier.replaceWith(turn);
  else log.append(turn);
  log.querySelector(".vv-welcome")?.classList.add("vv-visited");
  spoken.textContent = turn.dataset.announce;
  turn.scrollIntoView({ block: "start" });
}

function openPassage(button) {
  const passage = button.closest(".vv-turn")?.querySelector(`template[data-passage="${button.dataset.cite}"]`);
  if (!passage) return;
  if (!button.closest(".vv-panel")) {
    markOpener(false);
    opener = button;
    markOpener(true);
  }
  panelBody.replaceChildren(passage.content.cloneNode(true));
  panel.hidden = false;
  element.classList.add("vv-open");
  panelBody.querySelector(".vv-page-title").focus({ preventScroll: true });
  if (!isNarrow()) opener.scrollIntoView({ block: "nearest" });
  fitPanel();
  const print = panelBody.querySelector(".vv-print");
  const marked = print?.querySelector("mark");
  if (marked) print.scrollTop += marked.getBoundingClientRect().top - print.getBoundingClientRect().top - print.clientHeight / 4;
}

// Beside the answer the panel ends above the question's box, wherever the page is scrolled to.
function fitPanel() {
  if (panel.hidden) return;
  const foot = document.querySelector("#vv-composer").getBoundingClientRect().top;
  panel.style.maxHeight = isNarrow() ? "" : `${Math.max(foot - panel.getBoundingClientRect().top - 16, 240)}px`;
}

window.addEventListener("scroll", fitPanel, { passive: true });
window.addEventListener("resize", fitPanel);

function closePassage() {
  if (panel.hidden) return;
  panel.hidden = true;
  element.classList.remove("vv-open");
  markOpener(false);
  opener?.focus();
  opener = null;
}

function markOpener(open) {
  if (open) opener.setAttribute("aria-expanded", "true");
  else opener?.removeAttribute("aria-expanded");
}

element.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.ask) trigger("ask", { question: button.dataset.ask });
  else if (button.dataset.cite) openPassage(button);
  else if (button.classList.contains("vv-close")) closePassage();
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") closePassage();
});

watch("value", () => showTurn(props.value));

// How much the bars above and below take, so that sticky heads, the panel and scrolling keep clear of them.
const bars = [["#vv-state", "--vv-strip"], ["#vv-composer", "--vv-foot"]];
const measure = new ResizeObserver(() => {
  for (const [selector, name] of bars) {
    const height = document.querySelector(selector)?.getBoundingClientRect().height ?? 0;
    document.documentElement.style.setProperty(name, `${height}px`);
  }
});
for (const [selector] of bars) {
  const bar = document.querySelector(selector);
  if (bar) measure.observe(bar);
}

// The panel beside the answer: a citation opens its provision in it, and what that refers to opens there in turn.

const panel = element.querySelector(".vv-panel");
const panelBody = element.querySelector(".vv-panel-body");
const panelSaid = element.querySelector(".vv-panel-said");
const backButton = element.querySelector(".vv-back");
const KEPT_PASSAGES = 40;
const fetched = new Map();
let opener = null;
let trail = [];
let wanted = "";

const isNarrow = () => window.matchMedia("(max-width: 60rem)").matches;

function openPassage(button) {
  const passage = button.closest(".vv-turn")?.querySelector(`template[data-passage="${button.dataset.cite}"]`);
  if (!passage) return;
  markOpener(false);
  opener = button;
  markOpener(true);
  trail = [];
  panel.hidden = false;
  element.classList.add("vv-open");
  if (!isNarrow()) opener.scrollIntoView({ block: "nearest" });
  showPassage({ address: passage.dataset.href, scrolled: null });
}

async function showPassage(stop) {
  wanted = stop.address;
  panel.setAttribute("aria-busy", "true");
  const html = await fetchPassage(stop.address);
  if (wanted !== stop.address || panel.hidden) return;
  panel.removeAttribute("aria-busy");
  trail.push(stop);
  backButton.hidden = trail.length < 2;
  const holder = document.createElement("template");
  holder.innerHTML = html;
  panelBody.replaceChildren(holder.content);
  panelBody.querySelector(".vv-page-title")?.focus({ preventScroll: true });
  panelSaid.textContent = "";
  fitPanel();
  showMarked(stop.scrolled);
}

function showMarked(scrolled) {
  const leaf = panelBody.querySelector(".vv-leaf");
  const marked = leaf?.querySelector("mark");
  if (scrolled !== null && leaf) leaf.scrollTop = scrolled;
  else if (marked) leaf.scrollTop += marked.getBoundingClientRect().top - leaf.getBoundingClientRect().top - leaf.clientHeight / 4;
}

// What the server renders, or a line with a button that tries again; an answer that came is kept.
async function fetchPassage(plain) {
  const address = inLanguage(plain);
  if (fetched.has(address)) return fetched.get(address);
  try {
    const response = await fetch(new URL(address, window.location.href), { headers: { Accept: "text/html" } });
    if (!response.headers.get("Content-Type")?.startsWith("text/html")) throw new Error(String(response.status));
    const html = await response.text();
    if (response.ok) {
      if (fetched.size >= KEPT_PASSAGES) fetched.delete(fetched.keys().next().value);
      fetched.set(address, html);
    }
    return html;
  } catch {
    return `<article class="vv-page"><h2 tabindex="-1" class="vv-page-title">${say("passage_lost")}</h2>
      <p class="vv-line">${say("passage_lost_line")}</p>
      <p><button type="button" class="vv-again">${say("try_again")}</button></p></article>`;
  }
}

function leaveFor(address) {
  const here = trail.at(-1);
  if (here) here.scrolled = panelBody.querySelector(".vv-leaf")?.scrollTop ?? null;
  showPassage({ address, scrolled: null });
}

function reloadPassage() {
  const here = panel.hidden ? null : trail.pop();
  if (here) showPassage(here);
}

// A turn that is drawn anew has another button where the one stood that opened the panel.
function takeOpener({ turn, cite }) {
  opener = document.querySelector(`#turn-${turn} [data-cite="${cite}"]`) ?? opener;
  markOpener(true);
}

function goBack() {
  trail.pop();
  const before = trail.pop();
  if (before) showPassage(before);
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
  wanted = "";
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

panel.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-panel]");
  const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
  if (link?.dataset.panel && plain) {
    event.preventDefault();
    leaveFor(link.dataset.panel);
  } else if (event.target.closest(".vv-back")) goBack();
  else if (event.target.closest(".vv-again")) showPassage(trail.pop());
  else if (event.target.closest(".vv-close")) closePassage();
});

// The image of a page that cannot be drawn gives way to a line.
panel.addEventListener(
  "error",
  (event) => {
    if (event.target.tagName !== "IMG") return;
    const line = document.createElement("p");
    line.className = "vv-line";
    line.textContent = say("no_image");
    event.target.closest("a").replaceWith(line);
  },
  true,
);

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !document.querySelector(":popover-open, dialog[open]")) closePassage();
});

wireProvision(panel);

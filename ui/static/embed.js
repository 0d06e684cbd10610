// Places Visavis in a page of another site: in a frame that grows with what is in it, or behind a button.
// It takes nothing from the page but the attributes of its own script, and sets no inline style in markup.
(() => {
  const script = document.currentScript;
  if (!script) {
    console.error("Visavis: embed.js must be a script of its own; a page builder that joins scripts takes its attributes away.");
    return;
  }
  const WORDS = "$WORDS";
  const SHEET = `
    :host { display: block; }
    iframe { display: block; width: 100%; border: 0; }
    p { margin: 0; padding: 1rem; border: 1px solid; font: 1rem/1.4 system-ui, sans-serif; }
    .open { position: fixed; right: 1rem; bottom: 1rem; z-index: 2147483001; padding: 0.75rem 1.25rem; min-height: 3rem;
      background: #7a2331; color: #fff; border: 1px solid #fff; border-radius: 1.5rem; font: 600 1rem/1.2 system-ui, sans-serif; cursor: pointer; }
    .open:focus-visible { outline: 3px solid #7a2331; outline-offset: 2px; box-shadow: 0 0 0 2px #fff; }
    .panel { position: fixed; right: 1rem; bottom: 5rem; z-index: 2147483000; width: min(30rem, calc(100vw - 2rem));
      height: min(46rem, calc(100vh - 6.5rem)); background: #fff; border: 1px solid #575b62; border-radius: 0.5rem; overflow: hidden; box-shadow: 0 6px 30px rgb(0 0 0 / 0.3); }
    .panel[hidden] { display: none; }
    .panel iframe { height: 100%; }`;
  const GREETS_EVERY = 100;
  const GREETS_FOR = 60_000;
  const { mode, title, label, language, question, asOf, token, tokenFrom, minHeight, maxHeight, into } = script.dataset;
  const home = new URL("./", script.src);
  const words = WORDS[language] ?? WORDS[document.documentElement.lang.slice(0, 2)] ?? WORDS.en;
  const least = Number.parseInt(minHeight, 10) || 420;
  const isButton = mode === "button";
  const isEndless = !isButton && maxHeight === "none";
  let wanted = least;
  let isLoaded = false;

  const make = (name, properties) => Object.assign(document.createElement(name), properties);
  const host = make("div", { className: "visavis" });
  const root = host.attachShadow({ mode: "open" });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(SHEET);
  root.adoptedStyleSheets = [sheet];
  const frame = make("iframe", { title: title || words.embed_title, allow: "clipboard-write", referrerPolicy: "no-referrer" });

  // The question stands behind "#": no server and no log sees it before its reader asks.
  function addressWith(pass) {
    const given = Object.entries({ token: pass, q: question, as_of: asOf, lang: language }).filter(([, value]) => value);
    const address = new URL(pass ? "embed" : "./", home);
    address.hash = new URLSearchParams(given);
    return address.href;
  }

  async function load() {
    try {
      const pass = tokenFrom ? await fetchToken() : token;
      frame.src = addressWith(pass);
    } catch {
      frame.replaceWith(make("p", { textContent: words.embed_failed }));
    }
  }

  async function fetchToken() {
    const response = await fetch(new URL(tokenFrom, document.baseURI), { credentials: "same-origin", cache: "no-store" });
    if (!response.ok) throw new Error(String(response.status));
    return (await response.text()).trim();
  }

  // Size: what the frame wants, within the limits that the page sets.
  function tallest() {
    if (isEndless) return Infinity;
    return Number.parseInt(maxHeight, 10) || Math.max(window.innerHeight - 32, least);
  }

  const fit = () => frame.style.setProperty("height", `${Math.min(Math.max(wanted, least), tallest())}px`);

  function greet() {
    if (!isLoaded) return;
    const { top, bottom } = frame.getBoundingClientRect();
    const seen = isEndless ? { above: Math.max(-top, 0), below: Math.max(bottom - window.innerHeight, 0) } : null;
    frame.contentWindow?.postMessage({ visavis: "hello", fits: !isButton, seen }, home.origin);
  }

  // A page of ours that does not measure itself, such as the library, has all the height there may be and scrolls.
  let greeting = 0;
  frame.addEventListener("load", () => {
    // An empty frame is loaded too, and is nobody's.
    if (!frame.src) return;
    isLoaded = true;
    clearInterval(greeting);
    const until = Date.now() + GREETS_FOR;
    greeting = setInterval(() => (Date.now() < until ? greet() : clearInterval(greeting)), GREETS_EVERY);
    wanted = Math.max(wanted, window.innerHeight);
    if (!isButton) fit();
  });

  window.addEventListener("message", (event) => {
    if (event.source !== frame.contentWindow || event.origin !== home.origin) return;
    const { visavis, height } = event.data ?? {};
    if (visavis === "size" && Number.isFinite(height) && !isButton) {
      clearInterval(greeting);
      wanted = Math.ceil(height);
      fit();
      if (isEndless) greet();
    }
    if (visavis === "here") clearInterval(greeting);
    if (visavis === "escape" && isButton) show(false);
  });

  // A button and what it opens
  const opener = make("button", { type: "button", className: "open", textContent: label || words.embed_open });
  const panel = make("div", { id: "panel", className: "panel", hidden: true });

  function show(isOpen) {
    if (panel.hidden === !isOpen) return;
    panel.hidden = !isOpen;
    opener.setAttribute("aria-expanded", String(isOpen));
    if (isOpen && !frame.src) load();
    (isOpen ? frame : opener).focus();
  }

  function placeButton() {
    opener.setAttribute("aria-expanded", "false");
    opener.setAttribute("aria-controls", "panel");
    panel.setAttribute("role", "dialog");
    panel.setAttribute("aria-label", frame.title);
    panel.append(frame);
    root.append(opener, panel);
    document.body.append(host);
    opener.addEventListener("click", () => show(panel.hidden));
    document.addEventListener("keydown", (event) => event.key === "Escape" && show(false));
  }

  function placeFrame() {
    const place = into && document.querySelector(into);
    root.append(frame);
    if (place) place.append(host);
    else if (document.body.contains(script)) script.after(host);
    else document.body.append(host);
    fit();
    window.addEventListener("resize", fit);
    if (isEndless) for (const kind of ["scroll", "resize"]) window.addEventListener(kind, greet, { passive: true, capture: true });
    load();
  }

  const place = isButton ? placeButton : placeFrame;
  if (document.body && (document.body.contains(script) || document.readyState !== "loading") && !into) place();
  else document.addEventListener("DOMContentLoaded", place);
})();

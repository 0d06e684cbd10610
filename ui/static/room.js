// The reading room in the browser: questions are asked, turns appear and grow, citations open beside the answer.
// Run once by gr.HTML with `element`, `trigger`, `props` and `watch`; no text ever becomes HTML here.

const log = element.querySelector(".vv-turns");
const welcome = element.querySelector(".vv-welcome");
const spoken = element.querySelector(".vv-spoken");
const waiting = element.querySelector(".vv-waiting").content.firstElementChild;
const STOPS_WITHIN = 4000;
const ASKS_AFTER_HEALTH = 2500;
const CUT_SHORT = {
  interrupted: { part: "interrupted_part", empty: "interrupted_empty" },
  stopped: { part: "stopped_part", empty: "stopped_empty" },
};
let underway = "";

// The page's words in the reader's language.
function say(key, values = {}) {
  const phrase = (props.wordings[memory.choices.language] ?? props.wordings.en)[key] ?? key;
  return phrase.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

function count(key, n) {
  const isOne = memory.choices.language === "fr" ? n < 2 : n === 1;
  return say(`${key}_${isOne ? "one" : "many"}`, { n });
}

// An address of this house, in the reader's language; English needs no name.
function inLanguage(address) {
  const { language } = memory.choices;
  return language === "en" ? address : `${address}${address.includes("?") ? "&" : "?"}lang=${language}`;
}

function speakLanguage() {
  document.documentElement.lang = memory.choices.language;
  for (const one of document.querySelectorAll("[data-say]")) {
    one.textContent = say(one.dataset.say, one.dataset);
    if (one.classList.contains("vv-note")) one.hidden = !one.textContent;
  }
  for (const one of document.querySelectorAll("[data-say-label]")) one.setAttribute("aria-label", say(one.dataset.sayLabel));
  for (const one of document.querySelectorAll("[data-say-title]")) one.title = say(one.dataset.sayTitle);
  for (const one of element.querySelectorAll("[data-say-placeholder]")) one.placeholder = say(one.dataset.sayPlaceholder);
  for (const one of document.querySelectorAll("[data-house]")) one.setAttribute("href", inLanguage(one.dataset.house));
  for (const one of element.querySelectorAll("[data-language]")) one.textContent = props.wordings[one.dataset.language].language;
}

// Asking

function askQuestion(question, replaced = "", sending = "guarded") {
  if (underway) {
    hint("busy");
    return false;
  }
  const conversation = openConversation();
  dropFrom(replaced);
  const before = openTurns().filter((one) => one.state === "answered").map((one) => one.question);
  const turn = { id: newId(), question, state: "pending", html: "", asOf: "", day: memory.day, ticks: [], sending };
  conversation.turns.push(turn.id);
  keepTurn(turn);
  underway = turn.id;
  hint("");
  showBusy();
  drawTurn(turn).scrollIntoView({ block: "start" });
  spoken.textContent = say("looking");
  trigger("put", { turn: { id: turn.id, question, history: before, choices: sentChoices(), sending } });
  watchServer(turn.id);
  keepMemory();
  return true;
}

function sentChoices() {
  const { instruments, commentary, language, length } = memory.choices;
  return { day: memory.day, instruments: instruments ?? offered(), commentary, language, length };
}

// An earlier question that is asked anew takes its turn and those after it away.
function dropFrom(id) {
  if (id === memory.editing) memory.editing = "";
  const conversation = openConversation();
  const at = conversation.turns.indexOf(id);
  if (at < 0) return;
  closePassage();
  for (const gone of conversation.turns.splice(at)) {
    document.getElementById(`turn-${gone}`)?.remove();
    forgetTurn(gone);
  }
}

function stopAnswer() {
  const turn = turns.get(underway);
  if (!turn) return;
  trigger("halt", { turn: turn.id });
  turn.halted = true;
  hint("stopped");
  if (turn.state === "pending") interrupt(turn.id);
  else setTimeout(() => underway === turn.id && interrupt(turn.id), STOPS_WITHIN);
}

// Turns as they come

function takeTurn(html) {
  const holder = document.createElement("template");
  holder.innerHTML = html;
  const shown = holder.content.firstElementChild;
  if (!shown) return;
  const turn = turns.get(shown.dataset.turn || underway);
  const isLate = shown.dataset.state === "growing" && turn?.id !== underway;
  if (!turn || isLate || turn.state === "stopped") return;
  const isFirst = turn.state === "pending";
  shown.id = `turn-${turn.id}`;
  if (!shown.querySelector(".vv-asked")) shown.prepend(askedOf(turn));
  Object.assign(turn, { state: shown.dataset.state, html: shown.outerHTML, asOf: shown.dataset.asof ?? "" });
  if (turn.state === "growing") {
    keepTurn(turn);
    hint("writing");
  } else finish(turn);
  if (openConversation().turns.includes(turn.id)) {
    const standing = drawTurn(turn);
    if (isFirst) standing.scrollIntoView({ block: "start" });
  }
  spoken.textContent = shown.dataset.announce;
}

function finish(turn) {
  if (underway === turn.id) underway = "";
  if (!keepTurn(turn)) hint("kept_less");
  else hint("");
  if (isWithheld(turn)) hintWithheld(turn);
  if (turn.state === "answered") emptyBox(turn.question);
  else refillBox(turn.question);
  if (turn.state === "answered") retellSoon();
  showBusy();
}

// A turn that nothing more will come for, or that its reader stopped: what comes all the same is not shown.
function interrupt(id) {
  const turn = turns.get(id);
  if (underway === id) underway = "";
  showBusy();
  if (!turn || !["pending", "growing"].includes(turn.state)) return;
  turn.state = turn.halted ? "stopped" : "interrupted";
  keepTurn(turn);
  if (openConversation().turns.includes(id)) drawTurn(turn);
  refillBox(turn.question);
}

function askedOf(turn) {
  const header = waiting.querySelector(".vv-asked").cloneNode(true);
  header.querySelector(".vv-who").textContent = say("asked");
  header.querySelector(".vv-question").textContent = turn.question;
  return header;
}

function elementOf(turn) {
  if (turn.html) {
    const holder = document.createElement("template");
    holder.innerHTML = turn.html;
    return holder.content.firstElementChild;
  }
  const section = waiting.cloneNode(true);
  section.id = `turn-${turn.id}`;
  section.dataset.turn = turn.id;
  section.querySelector(".vv-asked").replaceWith(askedOf(turn));
  section.querySelector(".vv-looking").textContent = turn.state === "answered" ? say("forgotten") : say("looking");
  const tools = section.querySelector(".vv-tools");
  for (const tool of tools.children) tool.textContent = say(tool.dataset.tool);
  tools.hidden = turn.state === "pending";
  return section;
}

// What is ours in a turn that the server does not tell anew.
function speakTools(section) {
  const spell = (one, key) => Object.assign(one, { textContent: say(key), lang: memory.choices.language });
  for (const one of section.querySelectorAll(".vv-who")) spell(one, "asked");
  for (const one of section.querySelectorAll(".vv-tools > :is([data-tool=edit], [data-tool=again])")) spell(one, one.dataset.tool);
}

function drawTurn(turn) {
  const drawn = elementOf(turn);
  if (turn.state in CUT_SHORT) {
    drawn.querySelector(".vv-looking")?.remove();
    drawn.classList.replace("vv-pending", "vv-trouble");
    const line = document.createElement("p");
    line.className = "vv-line";
    line.textContent = say(CUT_SHORT[turn.state][turn.html ? "part" : "empty"]);
    drawn.querySelector(".vv-asked").after(line);
  }
  if (turn.state !== "answered") speakTools(drawn);
  welcome.classList.add("vv-visited");
  const before = document.getElementById(drawn.id);
  if (!before) log.append(drawn);
  else if (before.dataset.state === "growing" && drawn.querySelector("[data-part]")) grow(before, drawn);
  else before.replaceWith(drawn);
  const standing = document.getElementById(`turn-${turn.id}`);
  showTicks(standing, turn);
  showFeedback(standing, turn);
  return standing;
}

// What has not changed stays as it is, with the focus that may be in it; what is new takes its place in the order.
function grow(before, after) {
  before.className = after.className;
  Object.assign(before.dataset, after.dataset);
  let place = null;
  for (const part of [...after.children]) {
    const standing = [...before.children].find((one) => part.dataset.part && one.dataset.part === part.dataset.part);
    if (standing && standing.isEqualNode(part)) place = standing;
    else {
      if (standing) standing.replaceWith(part);
      else if (place) place.after(part);
      else before.prepend(part);
      place = part;
    }
  }
}

function drawConversation() {
  closePassage();
  log.replaceChildren();
  welcome.classList.remove("vv-visited");
  for (const turn of openTurns()) drawTurn(turn);
  showCount();
  retell();
}

// A server that goes away in the middle of an answer, or that takes no more questions: Gradio says that in a corner.

async function watchServer(id) {
  await new Promise((done) => setTimeout(done, ASKS_AFTER_HEALTH));
  if (underway !== id && !memory.away) return;
  const isThere = await fetch(new URL("healthz", window.location.href), { cache: "no-store", signal: AbortSignal.timeout(8000) }).then(
    (response) => response.ok,
    () => false,
  );
  if (!isThere) {
    memory.away = true;
    keepMemory();
    hint("away");
  } else if (memory.away) {
    Object.assign(memory, { away: false, returned: Date.now() });
    keepMemory();
    interrupt(id);
    hint("returned");
  } else if (document.querySelector(".toast-body.error")) interrupt(id);
  if (underway === id || memory.away) watchServer(id);
}

watch("value", () => takeTurn(props.value));

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

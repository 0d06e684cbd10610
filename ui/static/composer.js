// The question's box, the choices, the conversations and the keys.

const composer = element.querySelector("#vv-composer");
const box = composer.elements.question;
const dayBox = composer.elements.day;
const choiceForm = element.querySelector("#vv-choices form");
const takesLinks = composer.dataset.links === "on";
const TALLEST = 168;

const offered = () => [...choiceForm.querySelectorAll("[name=instruments]")].map((one) => one.value);
const dialog = (name) => element.querySelector(`#vv-${name}`);
const openDialog = (name) => !document.querySelector("dialog[open]") && dialog(name).showModal();

// The line above the box: what happened, in words, with a way out where there is one.
function hint(key, values = {}, text = key ? say(key, values) : "") {
  const line = composer.querySelector(".vv-hint");
  line.textContent = text;
  if (!memory.editing || text) return;
  line.textContent = `${say("editing")} `;
  const cancel = document.createElement("button");
  cancel.type = "button";
  cancel.dataset.do = "cancel";
  cancel.textContent = say("cancel");
  line.append(cancel);
}

// A question that stays here until its reader says so: what to do about it stands above the box too.

const isWithheld = (turn) => turn.html.includes('data-part="withheld"');

function hintWithheld(turn) {
  hint("withheld_hint");
  const line = composer.querySelector(".vv-hint");
  for (const tool of ["send", "edit"]) {
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.tool = tool;
    button.dataset.of = turn.id;
    button.textContent = say(tool);
    line.append(" ", button);
  }
}

function fitBox() {
  box.style.height = "auto";
  if (!box.value) return;
  box.style.height = `${Math.min(box.scrollHeight + 2, TALLEST)}px`;
  box.style.overflowY = box.scrollHeight > TALLEST ? "auto" : "hidden";
}

function fillBox(text) {
  box.value = text;
  memory.draft = text;
  fitBox();
  keepMemory();
}

// The box is emptied of a question once it is answered, and of nothing else.
function emptyBox(question) {
  if (box.value === question) fillBox(memory.stash);
  memory.stash = "";
}

function refillBox(question) {
  if (!box.value) fillBox(question);
}

function showBusy() {
  composer.querySelector(".vv-send").hidden = Boolean(underway);
  composer.querySelector(".vv-halt").hidden = !underway;
  log.toggleAttribute("aria-busy", Boolean(underway));
}

composer.addEventListener("submit", (event) => {
  event.preventDefault();
  askQuestion(box.value, memory.editing);
});
box.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  askQuestion(box.value, memory.editing);
});
box.addEventListener("input", () => {
  memory.draft = box.value;
  fitBox();
  keepMemory();
});
dayBox.addEventListener("change", () => {
  memory.day = dayBox.value;
  keepMemory();
  lookAtDay();
});
dayBox.addEventListener("input", () => {
  memory.day = dayBox.value;
});
dayBox.addEventListener("keydown", (event) => {
  if (event.key !== "Enter") return;
  event.preventDefault();
  lookAtDay();
});

// Looks may come back in any order: where the strip shows another than the last one, that one is taken again, once.
let lastLook = {};
let isLookedAgain = false;

function lookAtDay() {
  lastLook = sentChoices();
  isLookedAgain = false;
  trigger("look", { choices: lastLook });
}

function checkLook() {
  const shown = document.querySelector("#vv-state .vv-state");
  if (!shown || shown.dataset.of === `${lastLook.language} ${lastLook.day}` || isLookedAgain) return;
  isLookedAgain = true;
  trigger("look", { choices: lastLook });
}
const strip = document.querySelector("#vv-state");
if (strip) new MutationObserver(checkLook).observe(strip, { childList: true, subtree: true });

// Choices

function showChoices() {
  const { instruments, commentary, language, length } = memory.choices;
  for (const one of choiceForm.elements) {
    if (one.name === "instruments") one.checked = !instruments || instruments.includes(one.value);
    if (one.name === "language" || one.name === "length") one.checked = one.value === { language, length }[one.name];
  }
  choiceForm.elements.commentary.checked = commentary;
  const changed = [instruments, !commentary, length === "short"].filter(Boolean).length;
  composer.querySelector(".vv-choose").dataset.changed = changed ? ` (${changed})` : "";
}

choiceForm.addEventListener("change", (event) => {
  const ticked = [...choiceForm.querySelectorAll("[name=instruments]:checked")].map((one) => one.value);
  const line = choiceForm.querySelector(".vv-hint");
  line.textContent = "";
  if (!ticked.length) {
    event.target.checked = true;
    line.textContent = say("none_chosen", { name: event.target.closest("label").innerText.trim() });
    return;
  }
  memory.choices = {
    instruments: ticked.length === offered().length ? null : ticked,
    commentary: choiceForm.elements.commentary.checked,
    language: choiceForm.elements.language.value,
    length: choiceForm.elements.namedItem("length").value,
  };
  keepMemory();
  showChoices();
  if (event.target.name === "language") {
    speakLanguage();
    showCount();
    speakTurns();
    lookAtDay();
  }
});

// Conversations

function beginConversation() {
  leaveConversation();
  if (openConversation().turns.length) {
    const begun = newConversation();
    memory.conversations.push(begun);
    memory.open = begun.id;
  }
  keepMemory();
  drawConversation();
  hint("begun");
  window.scrollTo(0, 0);
  box.focus();
}

function leaveConversation() {
  stopAnswer();
  if (underway) interrupt(underway);
  if (memory.editing) cancelEditing();
}

function switchTo(id) {
  if (id === memory.open) return;
  leaveConversation();
  memory.open = id;
  keepMemory();
  drawConversation();
  hint("opened", { title: titleOf(openConversation()) || say("untitled") });
  document.documentElement.scrollTop = document.documentElement.scrollHeight;
}

function deleteConversation(id) {
  if (id === memory.open) leaveConversation();
  const gone = memory.conversations.find((one) => one.id === id);
  gone.turns.forEach(forgetTurn);
  memory.conversations = memory.conversations.filter((one) => one !== gone);
  if (!memory.conversations.length) memory.conversations.push(newConversation());
  if (memory.open === id) memory.open = memory.conversations.at(-1).id;
  keepMemory();
  drawConversation();
  showConversations();
  hint("deleted");
}

function showCount() {
  const number = memory.conversations.filter((one) => one.turns.length).length;
  element.querySelector(".vv-count").textContent = number > 1 ? `(${number})` : "";
}

function showConversations() {
  const list = dialog("list").querySelector(".vv-conversations");
  list.replaceChildren(...[...memory.conversations].reverse().map(entryOf));
}

function entryOf(conversation) {
  const entry = document.createElement("li");
  const title = titleOf(conversation) || say("untitled");
  const open = document.createElement("button");
  Object.assign(open, { type: "button", className: "vv-switch", textContent: title, dir: "auto" });
  open.dataset.open = conversation.id;
  const facts = document.createElement("span");
  facts.className = "vv-soft";
  facts.textContent = [count("turns", conversation.turns.length), conversation.id === memory.open && say("current")].filter(Boolean).join(" · ");
  if (conversation.id === memory.open) open.setAttribute("aria-current", "true");
  open.append(document.createElement("br"), facts);
  const remove = document.createElement("button");
  Object.assign(remove, { type: "button", className: "vv-plain", textContent: say("delete") });
  remove.setAttribute("aria-label", say("delete_named", { title }));
  remove.dataset.delete = conversation.id;
  entry.append(open, remove);
  return entry;
}

// Editing an earlier question

function editTurn(turn) {
  memory.stash = memory.editing ? memory.stash : box.value;
  memory.editing = turn.id;
  fillBox(turn.question);
  hint("");
  box.focus();
}

function cancelEditing() {
  memory.editing = "";
  fillBox(memory.stash);
  memory.stash = "";
  hint("");
}

const TOOLS = {
  edit: editTurn,
  again: (turn) => {
    const isLast = openConversation().turns.at(-1) === turn.id;
    if (askQuestion(turn.question, isLast ? turn.id : "") && box.value === turn.question) fillBox("");
  },
  send: (turn) => {
    const isLast = openConversation().turns.at(-1) === turn.id;
    if (askQuestion(turn.question, isLast ? turn.id : "", "cleared")) box.focus();
  },
  link: copyLink,
  save: (turn) => openSaving([turn]),
};

const ACTS = {
  new: () => {
    dialog("list").close();
    beginConversation();
  },
  list: () => {
    showConversations();
    openDialog("list");
  },
  keys: () => openDialog("keys"),
  choices: () => openDialog("choices"),
  halt: stopAnswer,
  cancel: cancelEditing,
  save: () => openSaving(openTurns().filter((one) => one.state === "answered")),
  "save-now": () => saveNow(),
  shut: (event) => event.target.closest("dialog").close(),
  sign: () => sign(),
};

element.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  const { ask, cite, tool, do: act, open, delete: gone } = button.dataset;
  if (ask) askQuestion(ask);
  else if (cite) openPassage(button);
  else if (tool) TOOLS[tool](turns.get(button.dataset.of ?? button.closest(".vv-turn").dataset.turn));
  else if (act) ACTS[act](event);
  else if (gone) deleteConversation(gone);
  else if (open) {
    dialog("list").close();
    switchTo(open);
  }
});

// A permanent link holds its question behind "#": it is read here, reaches no server's log, and is asked by its reader.

async function copyLink(turn) {
  const link = new URL(window.location.pathname, window.location.href);
  link.hash = new URLSearchParams({ q: turn.question, as_of: turn.asOf });
  const key = (await put(link.href)) ? "copied" : "not_copied";
  hint(key, { link: link.href });
}

function readLink() {
  const given = new URLSearchParams(window.location.hash.slice(1));
  if (!given.has("q") && !given.has("as_of")) return false;
  window.history.replaceState(null, "", window.location.pathname + window.location.search);
  if (!takesLinks) return false;
  const question = given.get("q") ?? "";
  const day = given.get("as_of") ?? "";
  if (!question.trim() || question.includes("\ufffd")) {
    hint("broken_link");
    return true;
  }
  if (memory.editing) cancelEditing();
  fillBox(question);
  memory.day = isDay(day) ? day : "";
  dayBox.value = memory.day;
  if (day && !isDay(day)) hint("broken_day", { day: day.slice(0, 40) });
  else hint("linked");
  lookAtDay();
  box.focus();
  return true;
}

function isDay(text) {
  const at = new Date(`${text}T00:00:00Z`);
  return /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(at.valueOf()) && at.toISOString().startsWith(text);
}

window.addEventListener("hashchange", readLink);

// Keys: with Alt, so that none is in the way of typing.

function stepCitation(step) {
  const all = [...log.querySelectorAll(".vv-cite")].filter((one) => one.offsetParent);
  if (!all.length) return hint("no_citation");
  const here = all.indexOf(panel.hidden ? document.activeElement : opener);
  const lastTurn = log.lastElementChild;
  const first = all.findIndex((one) => lastTurn.contains(one));
  const next = all[here < 0 ? Math.max(first, 0) : (here + step + all.length) % all.length];
  next.focus({ preventScroll: true });
  next.scrollIntoView({ block: "center" });
  if (!panel.hidden) openPassage(next);
}

const KEYS = {
  ArrowDown: () => stepCitation(1),
  ArrowUp: () => stepCitation(-1),
  KeyQ: () => box.focus(),
  KeyN: () => ACTS.new(),
  KeyL: () => ACTS.list(),
  KeyO: () => ACTS.choices(),
  KeyK: () => ACTS.keys(),
};

document.addEventListener("keydown", (event) => {
  const isFree = !document.querySelector("dialog[open]");
  if (event.key === "Escape" && isFree && panel.hidden) stopAnswer();
  const act = KEYS[event.code];
  if (!act || !event.altKey || event.ctrlKey || event.metaKey || event.shiftKey || !isFree) return;
  event.preventDefault();
  act();
});

document.addEventListener("click", (event) => {
  if (!event.target.closest(".vv-masthead h1 a") || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  beginConversation();
});

// A click beside a dialog closes it.
for (const one of element.querySelectorAll("dialog")) one.addEventListener("click", (event) => event.target === one && one.close());

window.addEventListener("beforeprint", () => {
  for (const fold of log.querySelectorAll("details.vv-more:not([open])")) fold.dataset.printed = fold.open = true;
});
window.addEventListener("afterprint", () => {
  for (const fold of log.querySelectorAll("details.vv-more[data-printed]")) {
    fold.open = false;
    delete fold.dataset.printed;
  }
});

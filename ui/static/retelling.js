// Answers that stand in the page are told anew in the language that the reader chooses; what the server no longer holds
// stays as it was.

const RETOLD_AT_ONCE = 10;
const HOLDS_WITHIN = 1000;
const sought = new Map();

function retell() {
  const { language } = memory.choices;
  const others = openTurns().filter((one) => one.state === "answered" && one.html && ![languageOf(one), sought.get(one.id)].includes(language));
  const last = others.slice(-RETOLD_AT_ONCE);
  if (!last.length) return;
  for (const one of last) sought.set(one.id, language);
  const withheld = last.filter(isWithheld).map((one) => one.id);
  trigger("retell", { standing: { turns: last.map((one) => one.id), withheld, choices: sentChoices() } });
}

const languageOf = (turn) => elementOf(turn).lang || "en";

function takeRetold(html) {
  const holder = document.createElement("template");
  holder.innerHTML = html;
  const shown = holder.content.firstElementChild;
  const turn = turns.get(shown.dataset.turn);
  if (turn?.state !== "answered") return;
  turn.html = shown.outerHTML;
  sought.delete(turn.id);
  keepTurn(turn);
  if (openConversation().turns.includes(turn.id)) drawTurn(turn);
}

// An answer that came in the language in which it was asked for, once the server holds it.
function retellSoon() {
  setTimeout(retell, HOLDS_WITHIN);
}

watch("retold", () => {
  if (!props.retold) return;
  const holder = opener && { turn: opener.closest(".vv-turn")?.dataset.turn, cite: opener.dataset.cite };
  JSON.parse(props.retold).turns.forEach(takeRetold);
  if (holder) takeOpener(holder);
  retell();
});

// Before the server answers: the turns that nobody will tell anew, the line above the box, and the panel.
function speakTurns() {
  for (const one of openTurns()) if (one.state !== "answered" && one.state !== "growing") drawTurn(one);
  spoken.textContent = "";
  const last = openTurns().at(-1);
  if (composer.querySelector(".vv-hint").textContent && last && isWithheld(last)) hintWithheld(last);
  else hint("");
  reloadPassage();
  retell();
}

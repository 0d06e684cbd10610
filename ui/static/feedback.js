// What the reader says of an answer: right, a wrong citation, something missing; a line says that it arrived.

const feedbackForm = dialog("feedback")?.querySelector("form");
const SAYING = "data-feedback";
const TITLES = { right: "feedback_right", wrong_citation: "feedback_wrong_citation", missing: "feedback_missing" };
let toSay = null;

element.addEventListener("click", (event) => {
  const button = event.target.closest(`button[${SAYING}]`);
  if (button) openFeedback(turns.get(button.closest(".vv-turn").dataset.turn), button.getAttribute(SAYING));
});

function openFeedback(turn, kind) {
  toSay = { turn, kind };
  dialog("feedback").querySelector("h2").textContent = say(TITLES[kind]);
  const which = feedbackForm.elements.citation;
  const cited = document.getElementById(`turn-${turn.id}`).querySelectorAll("[data-citation]");
  which.replaceChildren(new Option(say("citation_any"), ""), ...[...cited].map(citationOption));
  which.closest("label").hidden = kind !== "wrong_citation" || !cited.length;
  feedbackForm.elements.comment.value = "";
  feedbackForm.querySelector(".vv-hint").textContent = "";
  openDialog("feedback");
}

function citationOption(entry) {
  const n = entry.dataset.citation;
  return new Option(`[${n}] ${entry.querySelector(".vv-label").textContent}`, n);
}

function sendFeedback() {
  const { turn, kind } = toSay;
  const { citation, comment } = feedbackForm.elements;
  feedbackForm.querySelector(".vv-hint").textContent = say("feedback_sending");
  const which = kind === "wrong_citation" && citation.value ? Number(citation.value) : null;
  trigger("comment", { said: { turn: turn.id, kind, citation: which, comment: comment.value } });
}

feedbackForm?.addEventListener("submit", (event) => {
  event.preventDefault();
  sendFeedback();
});

function takeThanks(thanked) {
  const turn = turns.get(thanked.turn);
  if (thanked.line || !turn) {
    feedbackForm.querySelector(".vv-hint").textContent = say("feedback_not", { line: thanked.line ?? "" });
    return;
  }
  turn.said = toSay?.kind;
  keepTurn(turn);
  dialog("feedback").close();
  const section = document.getElementById(`turn-${turn.id}`);
  if (section) showFeedback(section, turn);
}

function showFeedback(section, turn) {
  const line = section.querySelector(".vv-thanks");
  if (!line) return;
  for (const one of section.querySelectorAll(`[${SAYING}]`)) one.setAttribute("aria-pressed", String(one.getAttribute(SAYING) === turn.said));
  line.textContent = turn.said ? say("feedback_thanks") : "";
}

watch("thanked", () => props.thanked && takeThanks(JSON.parse(props.thanked)));

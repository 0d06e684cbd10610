// Citations ticked as checked, and answers saved to a file.

const initialsForm = dialog("initials").querySelector("form");
const savingForm = dialog("save").querySelector("form");
const INITIALS = /^[\p{L}\p{N}][\p{L}\p{N}.-]{0,7}$/u;
// How a language writes a day: English as in Europe, for the law here is.
const LOCALES = { en: "en-GB", fr: "fr-FR", de: "de-DE" };
let toTick = null;
let toSave = [];

element.addEventListener("change", (event) => {
  const n = Number(event.target.dataset?.tick);
  if (!n) return;
  const turn = turns.get(event.target.closest(".vv-turn").dataset.turn);
  if (!event.target.checked) tick(turn, n, "");
  else if (memory.initials) tick(turn, n, memory.initials);
  else {
    event.target.checked = false;
    toTick = { turn, n };
    openDialog("initials");
  }
});

function tick(turn, n, initials) {
  const others = turn.ticks.filter((one) => one.n !== n);
  const at = new Date().toISOString().replace(/\.\d+/, "");
  turn.ticks = initials ? [...others, { n, initials, at }] : others;
  keepTurn(turn);
  trigger("tick", { tick: { turn: turn.id, n, initials, at } });
  showTicks(document.getElementById(`turn-${turn.id}`), turn);
}

function sign() {
  const initials = initialsForm.elements.initials.value.trim();
  const isGood = INITIALS.test(initials);
  initialsForm.querySelector(".vv-hint").textContent = isGood ? "" : say("initials_wrong");
  if (!isGood) return;
  memory.initials = initials;
  keepMemory();
  dialog("initials").close();
  tick(toTick.turn, toTick.n, initials);
}

for (const [form, act] of [[initialsForm, sign], [savingForm, saveNow]]) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    act();
  });
}

function showTicks(section, turn) {
  const boxes = [...section.querySelectorAll("[data-tick]")];
  for (const one of boxes) {
    const found = turn.ticks.find((tick) => tick.n === Number(one.dataset.tick));
    one.checked = Boolean(found);
    const at = found && new Date(found.at).toLocaleString(LOCALES[memory.choices.language], { dateStyle: "medium", timeStyle: "short" });
    const words = one.nextElementSibling;
    words.dataset.plain ??= words.textContent;
    words.textContent = found ? say("ticked_by", { initials: found.initials, at }) : words.dataset.plain;
  }
  const line = section.querySelector(".vv-ticked");
  if (!line) return;
  const left = boxes.length - turn.ticks.length;
  line.hidden = turn.state !== "answered";
  line.textContent = left ? count("unchecked", left) : say("all_checked");
}

function openSaving(chosen) {
  toSave = chosen;
  const title = savingForm.querySelector("h2 [data-say]");
  title.dataset.say = chosen.length === 1 ? "save" : "save_conversation";
  title.textContent = say(title.dataset.say);
  const what = chosen.length === 1 ? say("save_one", { question: chosen[0].question.slice(0, 120) }) : say("save_whole", { turns: count("turns", chosen.length) });
  savingForm.querySelector(".vv-what").textContent = chosen.length ? what : say("save_nothing");
  savingForm.querySelector("[data-do=save-now]").disabled = !chosen.length;
  savingForm.querySelector(".vv-hint").textContent = "";
  openDialog("save");
}

function saveNow() {
  savingForm.querySelector(".vv-hint").textContent = say("saving");
  const { format, citations } = savingForm.elements;
  const wanted = toSave.map(({ id, ticks }) => ({ id, ticks }));
  trigger("save", { saving: { format: format.value, citations: citations.checked, language: memory.choices.language, turns: wanted } });
}

// What the server still holds of this tab comes back as it was shown; after a restart it asks the same questions anew.
async function takeFile(made) {
  const line = savingForm.querySelector(".vv-hint");
  try {
    const [name, blob] = made.again ? await askForFile() : [made.name, blobOf(made)];
    if (made.line) throw new Error(made.line);
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
    dialog("save").close();
    hint("saved", { name });
  } catch (error) {
    line.textContent = say("not_saved", { line: error.message });
  }
}

const blobOf = (made) => made.base64 && new Blob([Uint8Array.from(atob(made.base64), (one) => one.charCodeAt(0))], { type: made.media_type });

async function askForFile() {
  const body = {
    format: savingForm.elements.format.value,
    citations: savingForm.elements.citations.checked,
    language: memory.choices.language,
    questions: toSave.map((one) => ({ question: one.question, as_of: one.asOf, checked: one.ticks, sending: one.sending })),
  };
  const response = await fetch(new URL("save", window.location.href), { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
  if (!response.ok) throw new Error((await response.json()).detail ?? String(response.status));
  const name = /filename="?([^";]+)/.exec(response.headers.get("content-disposition") ?? "")?.[1] ?? `visavis.${body.format}`;
  return [name, await response.blob()];
}

watch("made", () => props.made && takeFile(JSON.parse(props.made)));

// What this tab remembers, in its own storage and nowhere else: conversations, choices, what is being typed.

const MEMORY = "visavis";
const turnKey = (id) => `${MEMORY}.turn.${id}`;
const newId = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
const newConversation = () => ({ id: newId(), turns: [] });
const turns = new Map();
const memory = readMemory();

function readMemory() {
  const first = newConversation();
  const blank = {
    conversations: [first],
    open: first.id,
    choices: { instruments: null, commentary: true, language: "en", length: "full" },
    day: "",
    draft: "",
    stash: "",
    editing: "",
    initials: "",
    away: false,
    returned: 0,
  };
  const kept = { ...blank, ...readJson(MEMORY) };
  const asked = languageAsked();
  if (asked) kept.choices = { ...kept.choices, language: asked };
  for (const one of kept.conversations) {
    one.turns = one.turns.filter((id) => {
      const turn = readJson(turnKey(id));
      if (turn) turns.set(id, turn);
      return turn;
    });
  }
  if (!kept.conversations.some((one) => one.id === kept.open)) Object.assign(kept, { conversations: [...kept.conversations, first], open: first.id });
  return kept;
}

// A page of the library leads back here in its own language: that is taken up once and leaves the address.
function languageAsked() {
  const address = new URL(window.location.href);
  const asked = address.searchParams.get("lang") ?? "";
  if (!asked) return "";
  address.searchParams.delete("lang");
  window.history.replaceState(null, "", address);
  return Object.hasOwn(props.wordings, asked) ? asked : "";
}

function readJson(key) {
  try {
    return JSON.parse(window.sessionStorage.getItem(key));
  } catch {
    return null;
  }
}

// Gives whether it was kept: a browser may refuse all storage, and its room is limited.
function keep(key, value) {
  try {
    window.sessionStorage.setItem(key, JSON.stringify(value));
    return true;
  } catch {
    return false;
  }
}

const keepMemory = () => keep(MEMORY, memory);
// In a frame of another site's page a browser may refuse all storage: then none is short of room.
const isRefused = !keepMemory();

// The oldest answers give way to a new one where there is no more room; their questions stay.
function keepTurn(turn) {
  turns.set(turn.id, turn);
  if (isRefused || keep(turnKey(turn.id), turn)) return true;
  for (const older of turns.values()) {
    if (older.id === turn.id || !older.html) continue;
    keep(turnKey(older.id), { ...older, html: "" });
    if (keep(turnKey(turn.id), turn)) break;
  }
  return false;
}

function forgetTurn(id) {
  turns.delete(id);
  try {
    window.sessionStorage.removeItem(turnKey(id));
  } catch {
    // Where nothing can be stored, nothing is left.
  }
}

const openConversation = () => memory.conversations.find((one) => one.id === memory.open);
const openTurns = () => openConversation().turns.map((id) => turns.get(id));
const titleOf = (conversation) => turns.get(conversation.turns[0])?.question.trim().slice(0, 90) ?? "";

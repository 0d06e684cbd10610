// The room as it was left: its language, its choices, its conversation, what was being typed.

// Gradio loads the page anew once a server that was away answers again.
const RETURNED_WITHIN = 15_000;

element.classList.toggle("vv-linkless", !takesLinks);
speakLanguage();
showChoices();
// What a quick reader typed before this ran stays.
memory.day = dayBox.value ||= memory.day;
memory.draft = box.value ||= memory.draft;
for (const turn of turns.values()) interrupt(turn.id);
fitBox();
drawConversation();
if (memory.away || Date.now() - memory.returned < RETURNED_WITHIN) hint("returned");
else hint("");
memory.away = false;
keepMemory();
if (!readLink()) lookAtDay();
if (openConversation().turns.length) log.lastElementChild.scrollIntoView({ block: "start" });

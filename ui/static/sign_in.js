// Whoever signs out leaves nothing of theirs in this tab.

for (const key of Object.keys(window.sessionStorage)) {
  if (key === "visavis" || key.startsWith("visavis.")) window.sessionStorage.removeItem(key);
}

// A question that a link brought with it, "#q=…", is put into the box and left to the reader to ask.
(typed) => {
  const linked = new URLSearchParams(window.location.hash.slice(1)).get("q");
  if (!linked) return typed;
  window.history.replaceState(null, "", window.location.pathname + window.location.search);
  document.querySelector("#vv-question textarea")?.focus();
  return linked;
}

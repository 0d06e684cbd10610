// Takes the token from behind "#", where no server and no log sees it, exchanges it for a session, and goes on.
(async () => {
  const given = new URLSearchParams(window.location.hash.slice(1));
  const token = given.get("token") ?? "";
  given.delete("token");
  window.history.replaceState(null, "", window.location.pathname);
  const rest = given.size ? `#${given}` : "";
  if (window.parent === window) {
    // Outside a frame a link of anybody's could make the reader somebody else.
    window.location.replace(`./${rest}`);
    return;
  }
  const line = document.querySelector("[role=status]");
  try {
    const response = await fetch("embed/session", { method: "POST", body: token, headers: { "Content-Type": "text/plain" } });
    if (!response.ok) throw new Error((await response.json()).detail);
    window.location.replace(`./${rest}`);
  } catch (error) {
    line.textContent = error instanceof TypeError ? "The server does not answer at the moment; load the page again." : error.message;
  }
})();

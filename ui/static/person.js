// Who is signed in, at the end of the page's own links, with the way out; nothing where nobody has to sign in. When the
// session ends meanwhile, the way in.

{
  const LOOK_EVERY = 60_000;
  const NOBODY = 401;
  const house = new URL(".", document.currentScript?.src || window.location.href);
  const line = document.createElement("span");
  line.className = "vv-person";
  line.setAttribute("role", "status");
  let known = null;

  const button = (text) => Object.assign(document.createElement("button"), { textContent: text });
  const link = (text, href) => Object.assign(document.createElement("a"), { textContent: text, href });
  const words = (text) => Object.assign(document.createElement("span"), { textContent: text });

  function wayOut({ out, leave, post }) {
    if (!post) return link(out, leave);
    const form = Object.assign(document.createElement("form"), { method: "post", action: leave });
    form.append(button(out));
    return form;
  }

  function wayIn({ again }) {
    const here = window.location.pathname.slice(house.pathname.length - 1) + window.location.search;
    return link(again, new URL(`sign-in?next=${encodeURIComponent(here)}`, house));
  }

  async function showPerson() {
    const address = new URL(`person?language=${document.documentElement.lang}`, house);
    const answer = await fetch(address, { headers: { Accept: "application/json" } }).catch(() => null);
    const person = answer?.status === 200 ? await answer.json() : null;
    if (person) line.replaceChildren(words(person.said), ...(person.leave ? [" ", wayOut(person)] : []));
    else if (known && answer?.ok) line.replaceChildren(words(known.over), " ", wayIn(known));
    else return;
    known = person ?? known;
    if (!line.isConnected) document.querySelector(".vv-masthead nav, nav.pages > span")?.append(line);
  }

  showPerson().then(() => {
    if (!known) return;
    new MutationObserver(showPerson).observe(document.documentElement, { attributeFilter: ["lang"] });
    window.addEventListener("focus", showPerson);
    window.setInterval(showPerson, LOOK_EVERY);
    new PerformanceObserver((seen) => {
      if (seen.getEntries().some((one) => one.responseStatus === NOBODY)) showPerson();
    }).observe({ type: "resource" });
  });
}

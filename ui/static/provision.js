// Terms of a provision open their definition on hover and on focus, and citations are copied; on a page and in the panel.

const OPENS_AFTER = 120;
const CLOSES_AFTER = 250;

function wireProvision(scope) {
  let timer = 0;
  let shown = null;

  const definitionOf = (term) => document.getElementById(term.getAttribute("popovertarget"));
  const later = (act, wait) => {
    clearTimeout(timer);
    timer = setTimeout(act, wait);
  };

  function place() {
    if (!shown) return;
    const { term, definition } = shown;
    const at = term.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = definition;
    const below = at.bottom + 4;
    const top = below + height <= window.innerHeight || at.top < height ? below : at.top - height - 4;
    definition.style.left = `${Math.max(8, Math.min(at.left, window.innerWidth - width - 8))}px`;
    definition.style.top = `${Math.max(8, Math.min(top, window.innerHeight - height - 8))}px`;
  }

  function open(term) {
    clearTimeout(timer);
    const definition = definitionOf(term);
    if (!definition) return;
    if (!definition.matches(":popover-open")) definition.showPopover({ source: term });
    definition.classList.add("placed");
    shown = { term, definition };
    place();
  }

  function close() {
    if (shown?.definition.matches(":popover-open")) shown.definition.hidePopover();
    shown = null;
  }

  // Between a term and its definition the pointer or the focus may travel without closing it.
  const belongs = (target) => shown && target instanceof Node && (shown.term.contains(target) || shown.definition.contains(target));

  scope.addEventListener("pointerover", (event) => {
    if (event.pointerType !== "mouse") return;
    const term = event.target.closest(".term");
    if (term) later(() => open(term), OPENS_AFTER);
    else if (belongs(event.target)) clearTimeout(timer);
  });
  scope.addEventListener("pointerout", (event) => {
    if (event.pointerType !== "mouse" || belongs(event.relatedTarget)) return;
    if (!event.target.closest(".term, .definition")) return;
    later(() => belongs(document.activeElement) || close(), CLOSES_AFTER);
  });
  scope.addEventListener("focusin", (event) => {
    const term = event.target.closest(".term");
    if (term && event.target.matches(":focus-visible")) open(term);
  });
  scope.addEventListener("focusout", (event) => {
    if (shown && belongs(event.target) && !belongs(event.relatedTarget)) later(close, 0);
  });
  scope.addEventListener("click", (event) => {
    const term = event.target.closest(".term");
    if (term) {
      event.preventDefault();
      open(term);
    }
    const button = event.target.closest(".copy");
    if (button) copy(button);
  });
  document.addEventListener("scroll", place, { capture: true, passive: true });
  window.addEventListener("resize", place);
}

async function copy(button) {
  const said = button.closest(".copies").querySelector(".copied");
  said.textContent = "";
  const copied = await put(button.dataset.copy);
  said.textContent = copied ? `${said.dataset.word}: ${button.textContent.trim()}` : button.dataset.copy;
}

// The clipboard is refused on plain http; then the words are selected and copied the old way, or else shown.
async function put(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const holder = document.createElement("textarea");
    holder.value = text;
    holder.style.cssText = "position:fixed;opacity:0";
    document.body.append(holder);
    const before = document.activeElement;
    holder.select();
    const copied = document.execCommand("copy");
    holder.remove();
    before?.focus();
    return copied;
  }
}

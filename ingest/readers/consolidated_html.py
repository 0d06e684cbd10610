"""EUR-Lex's consolidated texts: their markup rewritten as the Official Journal's, so that one reader reads both.

A consolidated page has no recitals. Its points are grids of two columns, or paragraphs with a hanging number; what goes
on with a numbered paragraph stands after it, not in it; arrows (▼B, ►C2) say which act a passage is from.
"""

import re
from collections.abc import Iterable, Iterator

from lxml import etree

ARROWS = "oj-arrow"

_CLASSES = {
    "title-article-norm": "oj-ti-art",
    "stitle-article-norm": "oj-sti-art",
    "title-annex-1": "oj-doc-ti",
    "title-annex-2": "oj-doc-ti",
    "title-division-1": "oj-ti-section-1",
    "title-division-2": "oj-ti-section-2",
    "footnote": "oj-note",
    "arrow": ARROWS,
    "modref": ARROWS,
    "superscript": "oj-super",
}
_GROUP = "title-gr-seq-level-"
_ARTICLE_ID = re.compile(r"art_(?P<number>\d+)(?P<letters>[a-z]*)")
_LABEL = re.compile(r"\s*[‘“«„]?(?P<number>\d+)(?P<letters>[a-z]*)\.?\s*")
_ARROW = re.compile(r"\s*[▼►]\s*[A-Z]\d*\s*")
_ARROW_END = "◄"
_MARK = "oj-super oj-note-tag"
_BLOCKS = frozenset({"p", "div", "table"})


def is_consolidated(root: etree._Element) -> bool:
    """Whether a page has the markup of a consolidated text."""
    return root.find(".//p[@class='title-article-norm']") is not None


def rewrite_consolidated(root: etree._Element) -> None:
    """Give a consolidated page the Official Journal's markup, in place; no word of it is changed."""
    _rewrite_marks(root)
    for element in root.iter("p", "span"):
        _rename(element)
    for element in list(root.iter("div")):
        _rewrite_list(element)
    for element in list(root.iter("div")):
        label = element.find("span[@class='no-parag']")
        if label is not None:
            _number_paragraph(element, label)


def _rewrite_marks(root: etree._Element) -> None:
    """Class the marks of notes and the arrows that stand in a text, so that no provision has them."""
    for mark in list(root.iter("a")):
        if (mark.get("href") or "").startswith("#E"):
            _mark_note(mark)
        elif _ARROW.fullmatch("".join(map(str, mark.itertext()))):
            _mark_arrow(mark)
    for element in list(root.iter("p", "span", "div", "td")):
        _mark_ends(element)


def _rewrite_list(element: etree._Element) -> None:
    """Make a grid or a hanging paragraph a row of two cells, and wrap the heading of a chapter."""
    if "grid-list" in _classes(element):
        _make_row(element, [list(column) for column in element], [column.text for column in element])
    elif "text-indent" in (element.get("style") or ""):
        element.extend(list(_after_hanging(element)))
        _split_hanging(element)
    elif (element.get("id") or "").startswith("cpt_"):
        _title_container(element)


def _classes(element: etree._Element) -> list[str]:
    return (element.get("class") or "").split()


def _rename(element: etree._Element) -> None:
    names = _classes(element)
    renamed = [_CLASSES[name] for name in names if name in _CLASSES]
    if any(name.startswith(_GROUP) for name in names):
        renamed = ["oj-ti-grseq-1"]
    if renamed:
        element.set("class", " ".join(renamed))


def _mark_note(mark: etree._Element) -> None:
    """Take the brackets around a note's mark into its element, and class it as the mark of a note."""
    for span in mark.iter("span"):
        span.set("class", _MARK)
    before, above = mark.getprevious(), mark.getparent()
    opening = (before.tail if before is not None else above.text if above is not None else "") or ""
    closing = mark.tail or ""
    if not (opening.endswith("(") and closing.startswith(")")) or above is None:
        return
    if before is not None:
        before.tail = opening[:-1]
    else:
        above.text = opening[:-1]
    mark.text = f"({mark.text or ''}"
    mark[-1].tail = f"{mark[-1].tail or ''})"
    mark.tail = closing[1:]


def _mark_arrow(mark: etree._Element) -> None:
    """Class an arrow inside a text as a mark, which no text has."""
    span = etree.Element("span", {"class": _MARK})
    span.text, mark.text = mark.text, None
    span.extend(list(mark))
    mark.append(span)


def _mark_ends(element: etree._Element) -> None:
    """Class each arrow that ends a passage as a mark likewise."""
    parts = (element.text or "").split(_ARROW_END)
    element.text = parts[0]
    for part in reversed(parts[1:]):
        element.insert(0, _end_mark(part))
    for child in list(element):
        parts = (child.tail or "").split(_ARROW_END)
        child.tail = parts[0]
        for part in reversed(parts[1:]):
            element.insert(element.index(child) + 1, _end_mark(part))


def _end_mark(tail: str) -> etree._Element:
    mark = etree.Element("a")
    etree.SubElement(mark, "span", {"class": _MARK}).text = _ARROW_END
    mark.tail = tail
    return mark


def _make_row(element: etree._Element, cells: Iterable[Iterable[etree._Element]], texts: Iterable[str | None]) -> None:
    """Make an element a table of one row, with these cells."""
    tail = element.tail
    row = etree.Element("tr")
    for contents, text in zip(cells, texts, strict=True):
        cell = etree.SubElement(row, "td")
        cell.text = text
        cell.extend(list(contents))
    element.clear()
    element.tag, element.tail = "table", tail
    element.append(row)


def _after_hanging(element: etree._Element) -> Iterator[etree._Element]:
    """What goes on with a point that has a hanging number: grids, and paragraphs of its list."""
    for following in element.itersiblings():
        if not {"grid-list", "list"} & set(_classes(following)):
            return
        yield following


def _split_hanging(element: etree._Element) -> None:
    """Part the number of a hanging paragraph from its text: "3.1.<span/>Text" becomes a row of two cells."""
    first, *others = list(element)
    space = first.find("span[@style]")
    if space is None or not (first.text or "").strip():
        return
    label, first.text = first.text, space.tail
    space.tail = None
    first.remove(space)
    _make_row(element, [[], [first, *others]], [label, None])


def _title_container(element: etree._Element) -> None:
    """Wrap the heading of a chapter or section as the Official Journal does."""
    heading = element.find("p[@class='oj-ti-section-2']")
    if heading is not None:
        title = etree.Element("div", {"class": "eli-title"})
        heading.addprevious(title)
        title.append(heading)


def _number_paragraph(element: etree._Element, label: etree._Element) -> None:
    """Make a numbered paragraph an element with its id, what goes on with it inside."""
    match = _LABEL.fullmatch(label.text or "")
    article = next((one for one in element.iterancestors("div") if _ARTICLE_ID.fullmatch(one.get("id") or "")), None)
    if match is None or article is None:
        return
    following = [one for one in element.itersiblings() if one.tag in _BLOCKS]
    ends = next((n for n, one in enumerate(following) if one.find("span[@class='no-parag']") is not None), None)
    body = element.find("div")
    texts = [] if body is None else _body(body)
    if not texts:
        return
    texts[0].text = f"{(label.text or '').strip()} {(texts[0].text or '').lstrip()}"
    tail = element.tail
    element.clear()
    element.tail = tail
    element.set("id", f"{_padded(_ARTICLE_ID, article.get('id') or '')}.{_padded(_LABEL, match.group())}")
    element.extend([*texts, *following[:ends]])


def _body(body: etree._Element) -> list[etree._Element]:
    """The blocks of a paragraph's text; text without a block of its own becomes one."""
    if body.find("p") is not None and not (body.text or "").strip():
        return list(body)
    inline = etree.Element("p")
    inline.text = body.text
    blocks: list[etree._Element] = [inline]
    for child in list(body):
        (inline if child.tag not in _BLOCKS and len(blocks) == 1 else blocks).append(child)
    return blocks


def _padded(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.fullmatch(text)
    return f"{int(match['number']):03}{match['letters'].upper()}" if match else ""

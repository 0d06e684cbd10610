"""EUR-Lex HTML of the Official Journal: an act's page becomes entries, and these drafts.

The page's own markup tells what is what: `eli-subdivision` ids (`rct_1`, `art_6`, `anx_III`), one `<div id="006.001">`
for each numbered paragraph, and a table of two cells for each point. All else (header, navigation, scripts,
signatures, footnotes) is left aside.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from lxml import etree

from ingest.errors import SourceMissing, SourceUnreadable
from ingest.instrument import ProvisionKind, SourceSpan
from ingest.readers.accounting import Run, account
from ingest.readers.consolidated_html import ARROWS, is_consolidated, rewrite_consolidated
from ingest.readers.entries import (
    NUMBERED_ID,
    OPENING,
    Entry,
    Role,
    article_body,
    article_heading,
    assemble,
    draft_annex,
)
from ingest.readers.reading import FurnitureKind, Reading
from ingest.structure import Draft, normalise

LARGEST = 32_000_000  # bytes: twenty times the longest act seen
_DECLARED = re.compile(rb"(?:encoding|charset)\s*=\s*[\"']?\s*([A-Za-z0-9._:-]+)", re.IGNORECASE)
_DECLARED_WITHIN = 16_384  # bytes from the top

_DASH = re.compile(r"[—–\-•]")
_RECITAL = re.compile(r"(?P<printed>\(\d+[a-z]*\)) (?P<text>.*)")
_NUMBERED = re.compile(rf"(?P<printed>[{OPENING}]?\d+[a-z]*\.) (?P<text>.*)")
_UNIT_ID = re.compile(r"(?P<kind>rct|cit|art|anx)_(?P<label>[0-9A-Za-z]+)")
_CHAPTER_ID = re.compile(r"cpt_(?P<label>[0-9A-Za-z]+)")
_SECTION_ID = re.compile(r"cpt_[0-9A-Za-z]+\.sct_(?P<label>[0-9A-Za-z]+)")
_SUPERSCRIPTS = str.maketrans("0123456789+-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻")

_INLINE = frozenset({"a", "span", "b", "i", "em", "strong", "u", "sub", "sup", "br", "img", "q", "abbr", "font"})
_IGNORED = frozenset({"script", "style", "noscript", "col", "colgroup", "hr", "nav", "header", "footer", "form"})
_UNPRINTED = frozenset({"script", "style", "noscript"})


_FURNITURE = {
    "eli-main-title": FurnitureKind.TITLE,
    "oj-final": FurnitureKind.CLOSING,
    "oj-note": FurnitureKind.FOOTNOTE,
    ARROWS: FurnitureKind.MARKER,
}
_HEADINGS = frozenset(
    {"eli-title", "oj-ti-section-1", "oj-ti-section-2", "oj-ti-art", "oj-sti-art", "oj-doc-ti", "oj-ti-grseq-1"}
)
_BESIDE_UNITS = {"pbl_1": FurnitureKind.FORMULA, "enc_1": FurnitureKind.CLOSING, "fnp_1": FurnitureKind.CLOSING}
_JOURNAL = "oj-hd-"  # begins the classes of the Official Journal's own title

_ROLES = {
    "oj-ti-art": Role.ARTICLE,
    "oj-sti-art": Role.ARTICLE_HEADING,
    "oj-doc-ti": Role.DOCUMENT_HEADING,
    "oj-ti-grseq-1": Role.GROUP_HEADING,
}


@dataclass(frozen=True, slots=True)
class ActPage:
    """A saved page of an act, parsed."""

    file: str
    root: etree._Element

    def drafts(self) -> tuple[Draft, ...]:
        """Preamble citations, recitals, chapters with their articles, annexes."""
        found = (
            *(self._citation(element) for element in self._units("cit")),
            *(self._recital(element) for element in self._units("rct")),
            *self._divisions(self.root),
            *(self._annex(element) for element in self._units("anx")),
        )
        if not any(True for _ in self._units("art")):
            raise SourceUnreadable(
                f"{self.file}: has no element id like art_1; save the EUR-Lex page of the act's Official Journal text."
            )
        return found

    def articles(self) -> Mapping[str, tuple[Entry, ...]]:
        """What stands under the heading of each article, by the article's label."""
        return {_unit_label(element): article_body(tuple(_entries(element))) for element in self._units("art")}

    def runs(self) -> Iterator[Run]:
        """All that the page prints, in order, each run with what its markup says it is."""
        units = [element for element in self.root.iter("div") if _UNIT_ID.fullmatch(element.get("id", ""))]
        act = _common_ancestor(units)
        for element in self.root.iterchildren("body"):
            yield from _runs(element, act, "", None, FurnitureKind.NAVIGATION)

    def _units(self, kind: str) -> Iterator[etree._Element]:
        for element in self.root.iter("div"):
            match = _UNIT_ID.fullmatch(element.get("id", ""))
            if match is not None and match["kind"] == kind:
                yield element

    def _divisions(self, above: etree._Element) -> Iterator[Draft]:
        for element in above.iterchildren():
            anchor = element.get("id", "")
            chapter, section = _CHAPTER_ID.fullmatch(anchor), _SECTION_ID.fullmatch(anchor)
            unit = _UNIT_ID.fullmatch(anchor)
            if unit is not None:
                if unit["kind"] == "art":
                    yield self._article(element)
            elif chapter is not None:
                yield self._container(element, ProvisionKind.CHAPTER, chapter["label"])
            elif section is not None:
                yield self._container(element, ProvisionKind.SECTION, section["label"])
            elif isinstance(element.tag, str):
                yield from self._divisions(element)

    def _container(self, element: etree._Element, kind: ProvisionKind, label: str) -> Draft:
        heading = normalise(" ".join(_inline(p) for p in element.iterfind("div[@class='eli-title']/p")))
        children = tuple(self._divisions(element))
        return Draft(kind, label, heading=heading, children=children, source=self._source(element.get("id", "")))

    def _citation(self, element: etree._Element) -> Draft:
        text = " ".join(entry.text for entry in _entries(element))
        source = self._source(element.get("id", ""))
        return Draft(ProvisionKind.PREAMBLE_CITATION, _unit_label(element), text=text, source=source)

    def _recital(self, element: etree._Element) -> Draft:
        first, *rest = self._filled(element)
        match = _RECITAL.fullmatch(first.text)
        if first.role is Role.TEXT and match is not None:
            first = replace(first, printed=match["printed"], text=match["text"])
        draft = Draft(ProvisionKind.RECITAL, _unit_label(element), first.printed, source=self._source(first.anchor))
        text = (replace(first, role=Role.TEXT, printed="", within=()),) if first.text else ()
        return assemble(draft, (*text, *first.within, *rest))

    def _article(self, element: etree._Element) -> Draft:
        entries = tuple(_entries(element))
        source = self._source(element.get("id", ""))
        draft = Draft(ProvisionKind.ARTICLE, _unit_label(element), heading=article_heading(entries), source=source)
        return assemble(draft, article_body(entries))

    def _annex(self, element: etree._Element) -> Draft:
        return draft_annex(self._filled(element), self._source(element.get("id", "")))

    def _filled(self, element: etree._Element) -> tuple[Entry, ...]:
        entries = tuple(_entries(element))
        if not entries:
            raise SourceUnreadable(f"{self.file}: nothing is printed in {element.get('id')!r}; save the page again.")
        return entries

    def _source(self, anchor: str) -> SourceSpan:
        return SourceSpan(self.file, anchor=anchor)


def read_eurlex_html(path: Path) -> tuple[Draft, ...]:
    """The drafts of an act from its page in EUR-Lex HTML; raises SourceMissing or SourceUnreadable in one line."""
    return open_act_page(path).drafts()


def account_eurlex_html(path: Path) -> Reading:
    """The whole page, every character a draft's or named as furniture; raises SourceMissing or SourceUnreadable."""
    page = open_act_page(path)
    return account(page.drafts(), page.runs(), path.name)


def _common_ancestor(elements: Sequence[etree._Element]) -> etree._Element:
    """The innermost element that holds all of these."""
    shared = list(elements[0].iterancestors())
    for element in elements[1:]:
        above = set(element.iterancestors())
        shared = [one for one in shared if one in above]
    return shared[0]


def _runs(
    element: etree._Element,
    act: etree._Element,
    place: str,
    kind: FurnitureKind | None,
    otherwise: FurnitureKind | None,
) -> Iterator[Run]:
    """The runs of text in an element; outside `act` all is navigation, and beside its parts the journal's notice."""
    if element.tag in _UNPRINTED:
        return
    place = _anchor(element, place)
    kind = kind or _furniture_kind(element)
    if "eli-container" in _classes(element) or _UNIT_ID.fullmatch(element.get("id", "")):
        otherwise = None
    elif element is act:
        otherwise = FurnitureKind.NOTICE
    otherwise = otherwise or _otherwise(element)
    if kind is None and otherwise is FurnitureKind.HEADING and element.tag == "p":
        yield Run(_inline(element), place, None, otherwise)
        yield from (Run(mark, place, FurnitureKind.FOOTNOTE_MARK) for mark in _note_marks(element))
        return
    yield Run(element.text or "", place, kind, otherwise)
    for child in element:
        if isinstance(child.tag, str):
            yield from _runs(child, act, place, kind, otherwise)
        yield Run(child.tail or "", place, kind, otherwise)


def _furniture_kind(element: etree._Element) -> FurnitureKind | None:
    """What an element is by its markup, that is no provision's text for certain."""
    if element.tag == "a" and _is_note_mark(element):
        return FurnitureKind.FOOTNOTE_MARK
    names = (name for name in _classes(element) if name in _FURNITURE or name.startswith(_JOURNAL))
    return next((_FURNITURE.get(name, FurnitureKind.TITLE) for name in names), None)


def _otherwise(element: etree._Element) -> FurnitureKind | None:
    """What the print of an element of the act is where no draft has it: a heading that is not quoted, a formula."""
    if not _HEADINGS.isdisjoint(_classes(element)):
        return FurnitureKind.HEADING
    above = element.getparent()
    return _BESIDE_UNITS.get(above.get("id", "")) if element.tag == "p" and above is not None else None


def _classes(element: etree._Element) -> list[str]:
    return (element.get("class") or "").split()


def open_act_page(path: Path) -> ActPage:
    """Parse a page in the encoding that it declares; raises SourceMissing or SourceUnreadable."""
    try:
        size = path.stat().st_size
        if size > LARGEST:
            raise SourceUnreadable(f"{path.name}: has {size:,} bytes; an act's page has at most {LARGEST:,}.")
        content = path.read_bytes()
    except FileNotFoundError:
        raise SourceMissing(f"{path}: there is no such file; give a saved EUR-Lex page of the act.") from None
    except OSError as error:
        raise SourceUnreadable(f"{path.name}: cannot be read ({error.strerror}).") from None
    text = _decode(path.name, content)
    parser = etree.HTMLParser(encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True)
    root = etree.fromstring(text.encode(), parser) if text.strip() else None
    if root is None or "\0" in text:
        raise SourceUnreadable(f"{path.name}: is not HTML (empty, or binary); save the act's page again.")
    if any("depth" in str(error.message) for error in parser.error_log):
        raise SourceUnreadable(f"{path.name}: its elements are nested too deeply to be an act's page.")
    if is_consolidated(root):
        rewrite_consolidated(root)
    return ActPage(path.name, root)


def _decode(name: str, content: bytes) -> str:
    declared = _DECLARED.search(content[:_DECLARED_WITHIN])
    encoding = "utf-8-sig" if content.startswith(b"\xef\xbb\xbf") or declared is None else declared[1].decode("ascii")
    try:
        return content.decode(encoding)
    except LookupError:
        raise SourceUnreadable(f"{name}: declares {encoding!r}, which is no encoding; save it as UTF-8.") from None
    except UnicodeDecodeError as error:
        raise SourceUnreadable(f"{name}: byte {error.start:,} is not {encoding}; save the page again.") from None


def _unit_label(element: etree._Element) -> str:
    return element.get("id", "").partition("_")[2]


def _entries(element: etree._Element, anchor: str = "") -> Iterator[Entry]:
    """What an element prints, in order; `anchor` is the nearest id above it."""
    anchor = _anchor(element, anchor)
    run = element.text or ""
    for child in element:
        if not isinstance(child.tag, str) or child.tag in _INLINE:
            run = _append(run, child)
            continue
        yield from _text(run, anchor)
        yield from _block(child, anchor)
        run = child.tail or ""
    yield from _text(run, anchor)


def _anchor(element: etree._Element, anchor: str) -> str:
    own = element.get("id", "")
    return own if _UNIT_ID.fullmatch(own) or NUMBERED_ID.fullmatch(own) else anchor


def _text(run: str, anchor: str, role: Role = Role.TEXT) -> Iterator[Entry]:
    text = normalise(run)
    if text:
        yield Entry(role, text, anchor=anchor)


def _block(element: etree._Element, anchor: str) -> Iterator[Entry]:
    classes = _classes(element)
    if element.tag in _IGNORED or not _FURNITURE.keys().isdisjoint(classes):
        return
    if element.tag == "p":
        role = next((_ROLES[name] for name in classes if name in _ROLES), Role.TEXT)
        yield from _text(_inline(element), anchor, role)
    elif element.tag == "table" and "oj-table" in classes:
        yield from _rows(element, anchor)
    elif element.tag == "tr":
        yield from _labelled(tuple(element.iterchildren("td")), anchor)
    elif "oj-enumeration-spacing" in classes:
        yield from _labelled(tuple(element.iterchildren("p")), anchor)
    elif NUMBERED_ID.fullmatch(element.get("id", "")):
        yield from _numbered(tuple(_entries(element, anchor)))
    else:
        yield from _entries(element, anchor)


def _rows(table: etree._Element, anchor: str) -> Iterator[Entry]:
    """The rows of a table of print, each as one line."""
    for row in table.iter("tr"):
        cells = (entry.text for cell in row.iterchildren("td", "th") for entry in _entries(cell))
        yield from _text(" ".join(cells), anchor, Role.ROW)


def _labelled(cells: Sequence[etree._Element], anchor: str) -> Iterator[Entry]:
    """A point or an indent: its label in the first cell, its text and what lies under it in the second."""
    filled = [entries for entries in (tuple(_entries(cell, anchor)) for cell in cells) if entries]
    if len(filled) != 2:
        yield from chain.from_iterable(filled)
        return
    (label, *_), within = filled
    role = Role.INDENT if _DASH.fullmatch(label.text.lstrip(OPENING)) else Role.POINT
    text = ""
    if within[0].role is Role.TEXT:
        text, within = within[0].text, within[1:]
    yield Entry(role, text, label.text, within, anchor)


def _numbered(entries: tuple[Entry, ...]) -> Iterator[Entry]:
    """The entries of a numbered paragraph as one, when the first begins with a number."""
    match = _NUMBERED.fullmatch(entries[0].text) if entries and entries[0].role is Role.TEXT else None
    if match is None:
        yield from entries
    else:
        yield Entry(Role.PARAGRAPH, match["text"], match["printed"], entries[1:], entries[0].anchor)


def _inline(element: etree._Element) -> str:
    """The text of an element, footnote marks left out."""
    run = element.text or ""
    for child in element:
        run = _append(run, child)
    return run


def _append(run: str, child: etree._Element) -> str:
    """A run of text with one more inline element, and what follows that."""
    tail = child.tail or ""
    if not isinstance(child.tag, str):
        return run + tail
    if _is_note_mark(child):
        return run.rstrip() + tail
    if child.tag == "br":
        return f"{run} {tail}"
    inner = _inline(child)
    if "oj-super" in (child.get("class") or "") or child.tag == "sup":
        inner = inner.translate(_SUPERSCRIPTS)
    return run + inner + tail


def _note_marks(element: etree._Element) -> Iterator[str]:
    """The marks of notes in an element, as they are printed."""
    return ("".join(map(str, child.itertext())) for child in element.iter("a") if _is_note_mark(child))


def _is_note_mark(element: etree._Element) -> bool:
    return element.find(".//span[@class='oj-super oj-note-tag']") is not None

"""What a page of law prints, entry by entry, made into drafts; and what an amending act quotes, likewise."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import dropwhile, takewhile

from ingest.errors import SourceUnreadable
from ingest.instrument import ProvisionKind, SourceSpan
from ingest.structure import Draft, bare_label, counted_label, normalise

OPENING = "‘“«„"
NUMBERED_ID = re.compile(r"\d{3}[A-Z]*\.0*(?P<label>\d+[A-Z]*)")  # 005.001A is paragraph 1a of Article 5

_CLOSING = re.compile(r"\s*[’”»][\s;.,]*$")
_RAISED = str.maketrans("“”", "‘’")
_PUNCTUATION = re.compile(r"[\s;.,:]*")
_GROUP = re.compile(
    r"(?:(?:section|part|partie|afdeling|deel|abschnitt|teil)\s+(?P<section>[A-Z]|\d+|[IVXLC]+)\s*[.:—–-]?"
    r"|(?P<point>(?:\d+|[a-z])\.))(?:\s+(?P<heading>.*))?",
    re.IGNORECASE,
)


class Role(StrEnum):
    """What a piece of print is, by its markup."""

    TEXT = "text"
    PARAGRAPH = "paragraph"
    POINT = "point"
    INDENT = "indent"
    ROW = "row"
    ARTICLE = "article"
    ARTICLE_HEADING = "article heading"
    DOCUMENT_HEADING = "document heading"
    GROUP_HEADING = "group heading"


_ARTICLE_TOP = frozenset({Role.ARTICLE, Role.ARTICLE_HEADING})
_LABELLED = {
    Role.PARAGRAPH: ProvisionKind.PARAGRAPH,
    Role.POINT: ProvisionKind.POINT,
    Role.INDENT: ProvisionKind.INDENT,
}


@dataclass(frozen=True, slots=True)
class Entry:
    """A piece of print: its label where it has one, its text, and what is set under it."""

    role: Role
    text: str = ""
    printed: str = ""
    within: tuple["Entry", ...] = ()
    anchor: str = ""

    @property
    def begins(self) -> str:
        """Its first characters, label included."""
        return self.printed or self.text or (self.within[0].begins if self.within else "")


def article_body(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """The entries of an article after its number and heading."""
    return tuple(dropwhile(lambda entry: entry.role in _ARTICLE_TOP, entries))


def article_heading(entries: Iterable[Entry]) -> str:
    """An article's heading; the Official Journal's stray accent after that of Article 1 is left out."""
    top = takewhile(lambda entry: entry.role in _ARTICLE_TOP, entries)
    return " ".join(entry.text for entry in top if entry.role is Role.ARTICLE_HEADING).rstrip("`")


def assemble(draft: Draft, entries: Sequence[Entry]) -> Draft:
    """Give a draft its text and subdivisions; each further run of text begins a subparagraph."""
    parts = [draft]
    for place, entry in enumerate(entries):
        latest = parts[-1]
        if place and _opens_quotation(entry) and entries[place - 1].text.endswith(":"):
            parts[-1] = replace(latest, quoted=(*latest.quoted, *_lines(entries[place:])))
            break
        if entry.role is Role.ROW:
            parts[-1] = replace(latest, quoted=(*latest.quoted, entry.text))
        elif entry.role in _LABELLED:
            parts[-1] = replace(latest, children=(*latest.children, _subdivision(entry, draft.source)))
        elif len(parts) == 1 and not (latest.text or latest.children):
            parts[-1] = replace(latest, text=entry.text)
        else:
            source = replace(draft.source, anchor=entry.anchor or draft.source.anchor)
            parts.append(Draft(ProvisionKind.SUBPARAGRAPH, text=entry.text, source=source))
    own, *subparagraphs = parts
    return replace(own, children=(*own.children, *subparagraphs))


def _subdivision(entry: Entry, above: SourceSpan) -> Draft:
    source = replace(above, anchor=entry.anchor or above.anchor)
    kind = _LABELLED[entry.role]
    first = (Entry(Role.TEXT, entry.text, anchor=entry.anchor),) if entry.text else ()
    return assemble(Draft(kind, _label(entry), entry.printed, source=source), (*first, *entry.within))


def _label(entry: Entry) -> str:
    """The label of a subdivision; a paragraph's id is right where its print is not (Dutch Article 73 has two 11)."""
    if entry.role is Role.INDENT:
        return ""
    numbered = NUMBERED_ID.fullmatch(entry.anchor) if entry.role is Role.PARAGRAPH else None
    return numbered["label"].lower() if numbered else bare_label(entry.printed)


def _opens_quotation(entry: Entry) -> bool:
    return entry.begins.startswith(tuple(OPENING))


def _lines(entries: Iterable[Entry]) -> tuple[str, ...]:
    """What is quoted, line by line; punctuation that stands alone joins the line before it."""
    lines: list[str] = []
    for entry in entries:
        own = normalise(f"{entry.printed} {entry.text}")
        if lines and _PUNCTUATION.fullmatch(own):
            lines[-1] += own
        else:
            lines.append(own)
        lines.extend(_lines(entry.within))
    return tuple(lines)


def draft_annex(entries: Sequence[Entry], source: SourceSpan) -> Draft:
    """An annex from its number, its heading and the groups that headings part it into."""
    number, *rest = entries
    titles = [entry for entry in rest if entry.role is Role.DOCUMENT_HEADING]
    body = [entry for entry in rest if entry.role is not Role.DOCUMENT_HEADING]
    if not titles and len(body) > 1 and body[0].role is Role.TEXT and body[1].role is Role.GROUP_HEADING:
        titles, body = body[:1], body[1:]
    heading = " ".join(entry.text for entry in titles)
    _, _, label = number.text.rpartition(" ")
    draft = Draft(ProvisionKind.ANNEX, label, heading=heading, source=source)
    return _fill(draft, tuple(_join_headings(body)))


def _join_headings(entries: Iterable[Entry]) -> Iterator[Entry]:
    """Headings like "Section 1" joined with those under them; a heading without a label of its own is text."""
    before: Entry | None = None
    for entry in entries:
        if entry.role is Role.GROUP_HEADING and _GROUP.fullmatch(entry.text) is None:
            if before is not None and before.role is Role.GROUP_HEADING:
                before = replace(before, text=f"{before.text} {entry.text}")
                continue
            entry = replace(entry, role=Role.TEXT)
        if before is not None:
            yield before
        before = entry
    if before is not None:
        yield before


def _depth(heading: Entry) -> int:
    """How deep a group lies: sections hold numbered points, and these hold lettered ones."""
    match = _GROUP.fullmatch(heading.text)
    if match is None or match["section"]:
        return 0
    return 1 if match["point"][0].isdigit() else 2


def _fill(draft: Draft, entries: tuple[Entry, ...]) -> Draft:
    """Give a part of an annex its text, and a child for each of its outermost groups."""
    headings = [place for place, entry in enumerate(entries) if entry.role is Role.GROUP_HEADING]
    if not headings:
        return assemble(draft, entries)
    outermost = min(_depth(entries[place]) for place in headings)
    starts = [place for place in headings if _depth(entries[place]) == outermost]
    own = assemble(draft, entries[: starts[0]])
    ends = (*starts[1:], len(entries))
    groups = (_group(entries[start:end], draft.source) for start, end in zip(starts, ends, strict=True))
    return replace(own, children=(*own.children, *groups))


def _group(entries: tuple[Entry, ...], source: SourceSpan) -> Draft:
    match = _GROUP.fullmatch(entries[0].text)
    if match is None:
        raise SourceUnreadable(f"{source.file}: the heading {entries[0].text!r} has neither a number nor a section.")
    kind = ProvisionKind.ANNEX_SECTION if match["section"] else ProvisionKind.POINT
    label = match["section"] or bare_label(match["point"])
    return _fill(Draft(kind, label, heading=match["heading"] or "", source=source), entries[1:])


def is_quotation(entries: Sequence[Entry]) -> bool:
    """Whether the entries begin with a quotation mark."""
    return bool(entries) and _opens_quotation(entries[0])


def is_punctuation(entry: Entry) -> bool:
    """Whether an entry is nothing but the punctuation after a quotation."""
    return _PUNCTUATION.fullmatch(entry.begins) is not None


def strip_quotation(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """What stands between the quotation marks: these and the punctuation after them taken away.

    Double marks inside single ones become single, as they are printed where nothing is quoted around them.
    """
    kept = list(entries)
    while len(kept) > 1 and is_punctuation(kept[-1]):
        kept.pop()
    if kept[0].begins.startswith("‘"):
        kept = [_raise_marks(entry) for entry in kept]
    kept[0] = _strip_opening(kept[0])
    kept[-1] = _strip_closing(kept[-1])
    return tuple(kept)


def _raise_marks(entry: Entry) -> Entry:
    within = tuple(_raise_marks(one) for one in entry.within)
    return replace(entry, text=entry.text.translate(_RAISED), within=within)


def _strip_opening(entry: Entry) -> Entry:
    if entry.printed:
        return replace(entry, printed=entry.printed.lstrip(OPENING))
    if entry.text:
        return replace(entry, text=entry.text.lstrip(OPENING))
    return replace(entry, within=(_strip_opening(entry.within[0]), *entry.within[1:]))


def _strip_closing(entry: Entry) -> Entry:
    if entry.within:
        *before, last = entry.within
        if is_punctuation(last):
            return _strip_closing(replace(entry, within=tuple(before)))
        return replace(entry, within=(*before, _strip_closing(last)))
    return replace(entry, text=_CLOSING.sub("", entry.text))


def draft_quoted(entries: Sequence[Entry], source: SourceSpan) -> tuple[Draft, ...]:
    """The drafts that a quotation is of: articles, an annex, paragraphs, points, or a subparagraph with its points."""
    roles = [entry.role for entry in entries]
    if Role.DOCUMENT_HEADING in roles:
        return (draft_annex(entries, source),)
    if Role.ARTICLE in roles:
        starts = [place for place, role in enumerate(roles) if role is Role.ARTICLE]
        ends = (*starts[1:], len(entries))
        return tuple(_quoted_article(entries[a:b], source) for a, b in zip(starts, ends, strict=True))
    if roles == [Role.ARTICLE_HEADING]:
        return (Draft(ProvisionKind.ARTICLE, heading=entries[0].text, source=source),)
    whole = assemble(Draft(ProvisionKind.SUBPARAGRAPH, source=source), entries)
    own = replace(whole, children=tuple(c for c in whole.children if c.kind is not ProvisionKind.SUBPARAGRAPH))
    further = tuple(child for child in whole.children if child.kind is ProvisionKind.SUBPARAGRAPH)
    return (own, *further) if own.text else (*own.children, *further)


def _quoted_article(entries: Sequence[Entry], source: SourceSpan) -> Draft:
    label = counted_label(entries[0].text.split()[-1])
    return assemble(
        Draft(ProvisionKind.ARTICLE, label, heading=article_heading(entries), source=source), article_body(entries)
    )

"""Formex 4, the Publications Office's XML: the ACT file and its ANNEX files become drafts of provisions."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path

from lxml import etree

from ingest.errors import SourceMissing, SourceUnreadable
from ingest.instrument import ProvisionKind, SourceSpan
from ingest.readers.accounting import Run, account
from ingest.readers.reading import FurnitureKind, Reading
from ingest.structure import Draft, bare_label, counted_label, normalise

_SUPERSCRIPTS = str.maketrans("0123456789+-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻")
_DASH = "—"
_INLINE = frozenset({"HT", "DATE", "FT", "REF.DOC", "REF.DOC.OJ", "QUOT.START", "QUOT.END", "NOTE"})
_TRANSPARENT = frozenset({"P", "ALINEA", "TXT"})
_APART = frozenset({"NO.P", "NO.PARAG", "TITLE", "TI.ART", "STI.ART"})
_FURNITURE = {
    "BIB.INSTANCE": FurnitureKind.NOTICE,
    "PREAMBLE.INIT": FurnitureKind.FORMULA,
    "GR.CONSID.INIT": FurnitureKind.FORMULA,
    "PREAMBLE.FINAL": FurnitureKind.FORMULA,
    "TITLE": FurnitureKind.HEADING,
    "TI.ART": FurnitureKind.HEADING,
    "STI.ART": FurnitureKind.HEADING,
    "NOTE": FurnitureKind.FOOTNOTE,
    "FINAL": FurnitureKind.CLOSING,
}
_SECTION = re.compile(
    r"(?:section|partie|afdeling|deel)\s+(?P<label>\w+)\s*[.:—–-]?\s*(?P<heading>.*)", re.IGNORECASE | re.DOTALL
)
_DIVISION = re.compile(r"(?:(?P<chapter>chapter|chapitre|hoofdstuk)|section|afdeling)\s+(?P<label>\w+)", re.IGNORECASE)
_DIGITS = re.compile(r"\d{4,}")


def read_formex(paths: Sequence[Path]) -> tuple[Draft, ...]:
    """The drafts of an act and its annexes, ordered by their sequence number whatever the order of the files.

    Raises SourceMissing or SourceUnreadable, in one line that names the file.
    """
    files = sorted((_open(path) for path in paths), key=lambda one: one.sequence)
    return tuple(draft for one in files for draft in one.drafts())


def account_formex(paths: Sequence[Path]) -> Reading:
    """All of an act's files, every character a draft's or named as furniture; raises as `read_formex` does."""
    files = sorted((_open(path) for path in paths), key=lambda one: one.sequence)
    drafts = tuple(draft for one in files for draft in one.drafts())
    runs = (run for one in files for run in _runs(one.root, one.name, None))
    return account(drafts, runs, files[0].name)


def _runs(element: etree._Element, place: str, kind: FurnitureKind | None) -> Iterator[Run]:
    """The runs of text in an element, each with what its markup says it is."""
    place = element.get("IDENTIFIER", place)
    kind = kind or _furniture_kind(element)
    is_indent = element.tag == "ITEM" and element.find("NP") is None
    yield Run(_DASH if is_indent else _quotation_mark(element) or element.text or "", place, kind)
    for child in element:
        if isinstance(child.tag, str):
            yield from _runs(child, place, kind)
        yield Run(child.tail or "", place, kind)


def _furniture_kind(element: etree._Element) -> FurnitureKind | None:
    """What an element is that is no provision's text; the act's own title stands at the top."""
    above = element.getparent()
    if element.tag == "TITLE" and above is not None and above.tag == "ACT":
        return FurnitureKind.TITLE
    return _FURNITURE.get(element.tag)


def _open(path: Path) -> "_File":
    """Parse a file without entities, network or document type definition."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        tree = etree.fromstring(path.read_bytes(), parser).getroottree()
    except FileNotFoundError:
        raise SourceMissing(f"{path}: there is no such file; give the Formex files of the act.") from None
    except OSError as error:
        raise SourceUnreadable(f"{path}: cannot be read ({error.strerror}).") from None
    except etree.XMLSyntaxError as error:
        reason = str(error).splitlines()[0] if str(error) else "it is empty"
        raise SourceUnreadable(f"{path}: not well-formed XML ({reason}); fetch the file again.") from None
    if tree.docinfo.internalDTD is not None:
        raise SourceUnreadable(f"{path}: declares a document type, which Formex never does; it is not read.")
    root = tree.getroot()
    if root.tag not in ("ACT", "ANNEX"):
        raise SourceUnreadable(f"{path}: its root is <{root.tag}>; list only the files with <ACT> and <ANNEX>.")
    return _File(path.name, root, _find_pages(root))


def _find_pages(root: etree._Element) -> dict[etree._Element, int]:
    """The page of the Official Journal on which each element begins."""
    page = int(root.findtext("BIB.INSTANCE/PAGE.FIRST") or 0)
    pages = {}
    for node in root.iter():
        if isinstance(node, etree._ProcessingInstruction):
            number = re.search(r"\d+", node.text or "")
            page = int(number.group()) if node.target == "PAGE" and number else page
        pages[node] = page
    return pages


@dataclass(frozen=True, slots=True)
class _Text:
    """A run of text, and the element it begins in."""

    text: str
    element: etree._Element


@dataclass(frozen=True, slots=True)
class _Quotation:
    """What an amendment quotes, line by line: text, not structure; `tail` is the punctuation after it."""

    lines: tuple[str, ...]
    tail: str


_Piece = _Text | _Quotation | Draft


@dataclass(slots=True)
class _Holder:
    """A provision in the making: the text, quotation and subdivisions found so far."""

    draft: Draft
    children: list[Draft] = field(default_factory=list)

    def close(self) -> Draft:
        return replace(self.draft, children=tuple(self.children))


@dataclass(frozen=True, slots=True)
class _File:
    """One parsed file."""

    name: str
    root: etree._Element
    pages: Mapping[etree._Element, int]

    @property
    def sequence(self) -> tuple[str, ...]:
        """Its number in the publication: the act is 0001, its third annex 0001.0003."""
        return tuple((self.root.findtext("BIB.INSTANCE/NO.SEQ") or self.name).split("."))

    def drafts(self) -> Iterator[Draft]:
        if self.root.tag == "ANNEX":
            yield self._annex(self.root)
            return
        for number, visa in enumerate(self.root.iterfind("PREAMBLE/GR.VISA/VISA"), start=1):
            source = self._source(visa, f"cit_{number}")
            yield Draft(ProvisionKind.PREAMBLE_CITATION, str(number), text=_inline(visa), source=source)
        for consid in self.root.iterfind("PREAMBLE/GR.CONSID/CONSID"):
            yield self._recital(consid)
        for division in self.root.iterfind("ENACTING.TERMS/*"):
            yield self._division(division, "")

    def _recital(self, consid: etree._Element) -> Draft:
        printed = _inline(consid.find("NP/NO.P"))
        label = bare_label(printed)
        draft = Draft(ProvisionKind.RECITAL, label, printed, source=self._source(consid, f"rct_{label}"))
        return self._assemble(draft, chain.from_iterable(map(self._pieces, consid)))

    def _division(self, element: etree._Element, above: str) -> Draft:
        if element.tag == "ARTICLE":
            return self._article(element)
        title = element.find("TITLE")
        match = _DIVISION.fullmatch(_inline(None if title is None else title.find("TI")))
        if match is None:
            raise SourceUnreadable(f"{self.name}: a division is neither a chapter nor a section; it is not read.")
        kind = ProvisionKind.CHAPTER if match["chapter"] else ProvisionKind.SECTION
        anchor = f"{above}.sct_{match['label']}" if above else f"cpt_{match['label']}"
        children = tuple(self._division(child, anchor) for child in element if child.tag in ("ARTICLE", "DIVISION"))
        heading = _inline(element.find("TITLE/STI"))
        source = self._source(element, anchor)
        return Draft(kind, match["label"], heading=heading, children=children, source=source)

    def _article(self, element: etree._Element) -> Draft:
        label = counted_label(_inline(element.find("TI.ART")).split()[-1])
        heading = _inline(element.find("STI.ART")).rstrip("`")
        draft = Draft(ProvisionKind.ARTICLE, label, heading=heading, source=self._source(element, f"art_{label}"))
        return self._assemble(draft, self._pieces(element))

    def _annex(self, element: etree._Element) -> Draft:
        lines = [_inline(line) for line in element.iterfind("TITLE//P")]
        label = lines[0].split()[-1]
        source = self._source(element, f"anx_{label}")
        draft = Draft(ProvisionKind.ANNEX, label, heading=" ".join(lines[1:]), source=source)
        return self._assemble(draft, chain.from_iterable(map(self._pieces, element.iterfind("CONTENTS"))))

    def _titled(self, element: etree._Element, anchor: str) -> Draft:
        """A part of an annex under a title of its own: "Section A. …" or "3. Quality management system"."""
        source = self._source(element, anchor)
        number = element.find("TITLE/TI/NP/NO.P")
        if number is not None:
            heading = _inline(element.find("TITLE/TI/NP/TXT"))
            draft = Draft(ProvisionKind.POINT, bare_label(_inline(number)), heading=heading, source=source)
        else:
            match = _SECTION.fullmatch(_inline(element.find("TITLE/TI")))
            if match is None:
                raise SourceUnreadable(f"{self.name}: a part of the annex has neither number nor section; not read.")
            heading = f"{match['heading']} {_inline(element.find('TITLE/STI'))}"
            draft = Draft(ProvisionKind.ANNEX_SECTION, match["label"], heading=heading, source=source)
        return self._assemble(draft, self._pieces(element))

    def _numbered(self, element: etree._Element, number: etree._Element, anchor: str) -> Draft:
        """A paragraph (PARAG) or a point (NP) with its printed number."""
        printed = _inline(number)
        kind = ProvisionKind.PARAGRAPH if element.tag == "PARAG" else ProvisionKind.POINT
        draft = Draft(kind, bare_label(printed), printed, source=self._source(element, anchor))
        return self._assemble(draft, self._pieces(element))

    def _item(self, item: etree._Element) -> Draft:
        point = item.find("NP")
        if point is not None:
            return self._block(point)
        draft = Draft(ProvisionKind.INDENT, printed=_DASH, source=self._source(item, ""))
        return self._assemble(draft, self._pieces(item))

    def _block(self, element: etree._Element) -> Draft:
        """A subdivision that has a number or a title."""
        if element.tag == "GR.SEQ":
            return self._titled(element, "")
        number = element.find("NO.P" if element.tag == "NP" else "NO.PARAG")
        if number is None:
            raise SourceUnreadable(f"{self.name}: a <{element.tag}> has no number; it is not read.")
        return self._numbered(element, number, element.get("IDENTIFIER", ""))

    def _pieces(self, element: etree._Element) -> Iterator[_Piece]:
        """What an element holds, in order: runs of text, quotations, subdivisions; its number and title left out."""
        run = element.text or ""
        for child in element:
            if not isinstance(child.tag, str) or child.tag in _INLINE:
                run += _inline_one(child)
                continue
            if child.tag == "QUOT.S":
                yield from _text(run, element)
                yield _Quotation(self._quoted(child), normalise(child.tail or ""))
                run = ""
                continue
            yield from _text(run, element)
            yield from self._subdivision(child)
            run = child.tail or ""
        yield from _text(run, element)

    def _subdivision(self, child: etree._Element) -> Iterator[_Piece]:
        if child.tag in _TRANSPARENT:
            yield from self._pieces(child)
        elif child.tag == "LIST":
            yield from (self._item(item) for item in child.iterfind("ITEM"))
        elif child.tag in ("NP", "PARAG", "GR.SEQ"):
            yield self._block(child)
        elif child.tag not in _APART:
            raise SourceUnreadable(f"{self.name}: <{child.tag}> inside a provision is not known; it is not read.")

    def _quoted(self, quotation: etree._Element) -> tuple[str, ...]:
        whole = self._assemble(Draft(ProvisionKind.POINT), self._pieces(quotation)).whole()
        return tuple(whole.split("\n"))

    def _assemble(self, draft: Draft, pieces: Iterable[_Piece]) -> Draft:
        """Give a draft its text and subdivisions; each further run of text begins a subparagraph."""
        own = _Holder(draft)
        latest = own
        for piece in pieces:
            if isinstance(piece, Draft):
                latest.children.append(_with_anchor(piece, draft.source.anchor))
            elif isinstance(piece, _Quotation):
                latest.draft = replace(latest.draft, quoted=_with_tail(piece))
            elif latest is own and not own.draft.text and not own.children:
                own.draft = replace(own.draft, text=piece.text)
            else:
                if latest is not own:
                    own.children.append(latest.close())
                source = self._source(piece.element, draft.source.anchor)
                latest = _Holder(Draft(ProvisionKind.SUBPARAGRAPH, text=piece.text, source=source))
        if latest is not own:
            own.children.append(latest.close())
        return own.close()

    def _source(self, element: etree._Element, anchor: str) -> SourceSpan:
        return SourceSpan(self.name, self.pages[element], anchor)


def _with_anchor(draft: Draft, anchor: str) -> Draft:
    """The draft with the anchor of what holds it, where the published page has none for itself."""
    if draft.source.anchor:
        return draft
    children = tuple(_with_anchor(child, anchor) for child in draft.children)
    return replace(draft, source=replace(draft.source, anchor=anchor), children=children)


def _with_tail(quotation: _Quotation) -> tuple[str, ...]:
    *before, last = quotation.lines
    return (*before, last + quotation.tail)


def _text(run: str, element: etree._Element) -> Iterator[_Text]:
    """The run as a piece, where it is more than white space."""
    text = normalise(run)
    if text:
        yield _Text(text, element)


def _inline(element: etree._Element | None) -> str:
    """The text of an element, footnotes left out; empty without an element."""
    if element is None:
        return ""
    return normalise((element.text or "") + "".join(_inline_one(child) for child in element))


def _inline_one(element: etree._Element) -> str:
    """The text of one element in a run, with the text after it."""
    return _glyphs(element) + (element.tail or "")


def _glyphs(element: etree._Element) -> str:
    if not isinstance(element.tag, str) or element.tag == "NOTE":
        return ""
    mark = _quotation_mark(element)
    if mark:
        return mark
    text = (element.text or "") + "".join(_inline_one(child) for child in element)
    if element.tag == "FT" and element.get("TYPE") == "NUMBER":
        return _DIGITS.sub(lambda digits: f"{int(digits.group()):,}".replace(",", " "), text)
    if element.tag == "HT" and element.get("TYPE") == "SUP":
        return text.translate(_SUPERSCRIPTS)
    return text


def _quotation_mark(element: etree._Element) -> str:
    """The mark that an element stands for, or nothing."""
    is_mark = element.tag in ("QUOT.START", "QUOT.END")
    return chr(int(element.get("CODE", "2018"), 16)) if is_mark else ""

"""References in texts and questions, found in the house forms and bound to the instrument named with them.

A citation is read as places, each a tuple of parts from the outside in: "point 5(b) of Annex III" is (annex III,
point 5, point b). A place whose outermost part says where it stands (article, annex, recital) is a pinpoint; any other
is relative to the provision that holds it, and `references.py` resolves it. Printing is `Pinpoint.house`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import product

from ingest.identifiers import InstrumentId
from ingest.naming import AMENDING_ACT, InstrumentMention, find_instruments
from ingest.pinpoint import ORDINALS, Pinpoint, Step, StepKind

__all__ = [
    "AMENDING_ACT",
    "Citation",
    "InstrumentMention",
    "Level",
    "Part",
    "Place",
    "find_citations",
    "find_instruments",
]


class Level(StrEnum):
    """What a part of a citation names."""

    CHAPTER = "chapter"
    SECTION = "section"
    ARTICLE = "article"
    ANNEX = "annex"
    RECITAL = "recital"
    PREAMBLE = "preamble"
    CITATION = "citation"
    PAGE = "page"
    NUMBERED = "para"
    PARAGRAPH = "paragraph"
    SUBPARAGRAPH = "subparagraph"
    POINT = "point"
    INDENT = "indent"
    SENTENCE = "sentence"


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a citation; an empty label is "this article", the one that holds the citation."""

    level: Level
    label: str


Place = tuple[Part, ...]

_ROOTS = {
    Level.ARTICLE: StepKind.ARTICLE,
    Level.ANNEX: StepKind.ANNEX,
    Level.RECITAL: StepKind.RECITAL,
    Level.PREAMBLE: StepKind.PREAMBLE,
    Level.CITATION: StepKind.CITATION,
    Level.CHAPTER: StepKind.CHAPTER,
    Level.NUMBERED: StepKind.NUMBERED,
    Level.PAGE: StepKind.PAGE,
}
_BELOW = (Level.SUBPARAGRAPH, Level.POINT, Level.INDENT, Level.SENTENCE)
_INNER: dict[Level, tuple[Level, ...]] = {
    Level.CHAPTER: (Level.SECTION,),
    Level.SECTION: _BELOW,
    Level.ARTICLE: (Level.PARAGRAPH, *_BELOW),
    Level.ANNEX: (Level.SECTION, *_BELOW),
    Level.PAGE: (Level.NUMBERED, Level.PARAGRAPH),
    Level.PARAGRAPH: _BELOW,
    Level.SUBPARAGRAPH: (Level.POINT, Level.INDENT, Level.SENTENCE),
    Level.POINT: _BELOW,
    Level.INDENT: (Level.SENTENCE,),
}

_WORDS: tuple[tuple[Level, str], ...] = (
    (Level.PREAMBLE, r"preamble,?\s+para(?:graph)?s?|preambular\s+paragraphs?"),
    (Level.CITATION, r"preamble,?\s+citations?"),
    (Level.ARTICLE, r"articles?|arts?\.?|artikels?|artikelen|artikeln"),
    (Level.SUBPARAGRAPH, r"sub-?paragraphs?|alinéas?|unterabs(?:atz|ätze|\.)|alinea['’]?s?"),
    (Level.NUMBERED, r"paras?\.?"),
    (Level.PARAGRAPH, r"paragraphs?|paragraphes?|§|abs(?:atz|ätze|\.)|lid|leden"),
    (Level.POINT, r"points?|lit(?:t|era)?\.?|buchstaben?|nummern?|nr\.?|punt(?:en)?|lettres?"),
    (Level.INDENT, r"indents?|tirets?|gedankenstrich"),
    (Level.SENTENCE, r"sentences?|phrases?|satz"),
    (Level.ANNEX, r"annex(?:es?)?|anh(?:ang|änge)|bijlagen?"),
    (Level.SECTION, r"sections?|abschnitte?|afdeling(?:en)?"),
    (Level.CHAPTER, r"chapters?|chapitres?|kapitel|hoofdstuk(?:ken)?"),
    (Level.RECITAL, r"recitals?|considérants?|erwägungsgr(?:und|ünde)|overweging(?:en)?"),
    (Level.PAGE, r"pages?"),
)  # fmt: skip
_UNIT = re.compile(
    r"(?<![\w-])(?:" + "|".join(f"(?P<{level.name}>{words})" for level, words in _WORDS) + r")(?![\w-])", re.IGNORECASE
)
_PLURAL = re.compile(r"s\.?$|sätze$|änge$|ünde$|en$", re.IGNORECASE)
_ORDINAL = r"(?:" + "|".join(ORDINALS) + r"|last|\d{1,2}(?:st|nd|rd|th)|premi(?:er|ère)|deuxième|troisième)"
_ORDINALS = re.compile(
    rf"(?P<list>{_ORDINAL}(?:(?:\s*,\s*|\s+(?:and|or|to)\s+){_ORDINAL}){{0,9}})\s+"
    r"(?P<word>sub-?paragraphs?|paragraphs?|alinéas?|indents?|tirets?|sentences?|phrases?)(?!\w)",
    re.IGNORECASE,
)
_THIS = re.compile(
    r"(?<!\w)this\s+(?P<word>article|paragraph|sub-?paragraph|point|annex|section|chapter)(?!\w)", re.IGNORECASE
)
_FRENCH_ORDINALS = {"premier": 1, "première": 1, "deuxième": 2, "troisième": 3}
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_ONES = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_TEENS = ("ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen")
_SPELT = {word: n for n, word in enumerate(_ONES + _TEENS, start=1)}
_SPELT |= {word: 10 * n for n, word in enumerate(_TENS, start=2)}
_SPELT |= {f"{ten}-{one}": _SPELT[ten] + _SPELT[one] for ten in _TENS for one in _ONES}
_SPELT_WORD = "(?:" + "|".join(sorted(_SPELT, key=len, reverse=True)) + ")"

_SUB = r"(?:\s?\((?:\d{1,3}[a-z]{0,2}|[a-z]{1,5})\))"
_BARE = r"\((?:\d{1,3}[a-z]{0,2}|[a-z]{1,5})\)"
_ROMAN = r"(?-i:[IVXLC]+[a-z]?)(?![\w'’])"
_NOT_A_COUNT = (
    r"(?!\s*(?:%|January|February|March|April|May\s+\d|June|July|August|September|October|November|December|"
    r"years?\b|months?\b|days?\b|hours?\b))(?![\d/]|\s\d{3}\b)"
)
_LETTERS = (
    r"(?-i:(?!(?:of|is|in|it|an|to|by|as|at|or|on|we|be|do|if|so|no|my|up|us|me|en|et|ou|de|du|la|le|un|im|zu|op|te)\b)"
    r"(?:[b-hj-z]|[ai](?=\)|\s*(?:[?.,;:!]|$|and\b|or\b|of\b|to\b|et\b|und\b))|[a-z]{2}))\)?(?!\w)"
)
_ARABIC = rf"\d{{1,3}}(?-i:[a-z]{{1,2}})?(?!\w){_NOT_A_COUNT}"
_LETTERED = rf"{_ARABIC}(?:\.(?-i:[a-z])(?!\w))?"
_DOTTED = r"\d{1,2}\s[a-z]\)|\d{1,2}\.\d{1,2}(?:\.(?=,|\s(?:and|or)\b))?"
_ELEMENTS = {
    Level.ARTICLE: rf"(?:{_LETTERED}|{_SPELT_WORD}(?!\w)|premier(?!\w))(?:\(\s?\w{{1,5}}\)|{_SUB})*|{_BARE}{_SUB}*",
    Level.PARAGRAPH: rf"(?:{_LETTERED}|{_BARE}){_SUB}*",
    Level.POINT: rf"(?:{_DOTTED}|{_ARABIC}|{_BARE}|{_LETTERS}){_SUB}*",
    Level.SUBPARAGRAPH: rf"(?:{_BARE}|{_LETTERS}|\d(?!\w)){_SUB}*",
    Level.ANNEX: _ROMAN,
    Level.CHAPTER: rf"(?:{_ROMAN}|{_ARABIC})",
    Level.SECTION: rf"(?:(?-i:[A-Z])(?![\w'’])|{_ARABIC})",
    Level.RECITAL: rf"(?:\(\d{{1,3}}\)|{_ARABIC})",
    Level.NUMBERED: rf"(?:\(\d{{1,3}}\)|{_ARABIC})",
    Level.INDENT: r"\d{1,2}(?!\w)",
    Level.SENTENCE: r"\d(?!\w)",
    Level.PREAMBLE: _ARABIC,
    Level.CITATION: _ARABIC,
    Level.PAGE: _ARABIC,
}
_ELEMENT = {level: re.compile(pattern, re.IGNORECASE) for level, pattern in _ELEMENTS.items()}
_DEEPEST = 5
_MOST = 500
_RANGE = re.compile(r"\s*[–—]\s*|-(?=\(?\d)|\s+(?:to|through|bis|à|t/m)\s+", re.IGNORECASE)
_AND = re.compile(r"\s*,?\s+(?:and|or|et|ou|und|oder|en|of)\s+", re.IGNORECASE)
_COMMA = re.compile(r"\s*,\s*")
_INTO = re.compile(r"\s*,\s*|[^\S\n]+")
_OUT_OF = re.compile(
    r"\s*,?\s+(?:(?:of|in|to|under|des?|du|der|van)\s+(?:the\s+|der\s+|des\s+)?|(?:de\s+)?l['’])", re.IGNORECASE
)
_TO_NAME = re.compile(
    r"\s*\(|\s*,?\s+(?:(?:of|to|in|under|de(?:\s+la)?|du|der|des|van|from)\s+)?(?=\S)|,?\s+(?:de\s+)?l['’]",
    re.IGNORECASE,
)
_TITLE = re.compile(
    r"\s+of\s+(?P<name>Title\s+[IVX]+(?:\s+of\s+Part\s+\w+)?)(?:\s+of)?\s*(?=the\s|[A-Z])?", re.IGNORECASE
)
_OF_THE_ANNEX = re.compile(r"\s*,?\s+of\s+the\s+Annex\s+to\s+(?=\S)", re.IGNORECASE)
_BEGINS = re.compile(r"(?:the|this)\s", re.IGNORECASE)
_NAME_GAP = 6
_FROM_NAME = re.compile(r"(?:['’]s)?\s*[,:]?\s*\(?\s*", re.IGNORECASE)
_ANAPHORA = re.compile(
    r"\s*,?\s+(?:of|to)\s+(?P<name>(?:that|those|the\s+said)\s+(?:Regulation|Directive|Decision|Convention|Treaty|Act|Protocol)s?)",
    re.IGNORECASE,
)
_OWN = re.compile(r"\s*,?\s+(?:of|to|in)\s+this\s+(?:Regulation|Directive|Convention|Decision)\b", re.IGNORECASE)
_THEREOF = re.compile(r"\s*,?\s+(?P<name>thereof)\b", re.IGNORECASE)
_COORDINATION = re.compile(r"\s*,?\s*(?:\b(?:and|or)\b)?\s*(?:of\s+)?(?:the\s+)?", re.IGNORECASE)
_SPACED = re.compile(
    rf"(?P<article>\d{{1,3}}[a-z]{{0,2}})(?:[^\S\n]+|\.)(?P<paragraph>\d{{1,2}}){_NOT_A_COUNT}"
    r"(?:(?:\s+|\.)(?P<point>[b-hj-z]|[ai](?=\s*(?:[?.,;:!)]|$))))?(?![\w/(-])",
    re.IGNORECASE,
)
_PIECES = re.compile(r"\d+\.\d+|\d+[a-z]{0,2}|[a-zà-ÿ]+(?:-[a-z]+)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Citation:
    """A reference as it stands in a text, at [start, end) of it.

    `instrument` is the one it is bound to by name, None when it names none or a foreign one; `external` is that foreign
    name, or the words that point back at one ("that Regulation", "thereof").
    """

    start: int
    end: int
    places: tuple[Place, ...]
    instrument: InstrumentId | None = None
    external: str = ""

    @property
    def pinpoints(self) -> tuple[Pinpoint, ...]:
        """The places that say for themselves where they stand."""
        return tuple(_to_pinpoint(place) for place in self.places if _is_absolute(place))

    @property
    def relative(self) -> tuple[Place, ...]:
        """The places that only the provision holding the citation can complete."""
        return tuple(place for place in self.places if not _is_absolute(place))


def _is_absolute(place: Place) -> bool:
    return place[0].level in _ROOTS and bool(place[0].label)


def _to_pinpoint(place: Place) -> Pinpoint:
    """The steps as cited; a first subparagraph and a sentence have none."""
    steps = [Step(_ROOTS[place[0].level], place[0].label)]
    for part in place[1:]:
        if part.level is Level.SUBPARAGRAPH:
            steps += [Step(StepKind.SUBPARAGRAPH, part.label)] if part.label != "1" else []
        elif part.level is Level.INDENT:
            steps.append(Step(StepKind.INDENT, part.label))
        elif part.level is Level.SECTION and place[0].level is Level.CHAPTER:
            steps.append(Step(StepKind.SECTION, part.label))
        elif place[0].level is Level.PAGE:
            steps.append(Step(StepKind.NUMBERED, part.label))
        elif part.level is not Level.SENTENCE:
            steps += [Step(StepKind.LABEL, label) for label in _dotted(part.label)]
    return Pinpoint(tuple(steps))


def _dotted(label: str) -> tuple[str, ...]:
    """A point 3.1 stands in point 3."""
    whole, dot, _ = label.partition(".")
    return (whole, label) if dot else (label,)


@dataclass(frozen=True, slots=True)
class _Segment:
    """One unit word with its labels, each a path of labels ("6", "1", "a")."""

    start: int
    end: int
    level: Level
    paths: tuple[tuple[str, ...], ...]

    def places(self) -> tuple[Place, ...]:
        return tuple(self._place(path) for path in self.paths)

    def _place(self, path: tuple[str, ...]) -> Place:
        below = Level.PARAGRAPH if self.level is Level.ARTICLE else Level.POINT
        return tuple(
            Part(self.level if depth == 0 else below if label[0].isdigit() else Level.POINT, label)
            for depth, label in enumerate(path)
        )


def find_citations(text: str) -> tuple[Citation, ...]:
    """The references in a text, in order, each bound to the instrument named with it."""
    mentions = {end: one for one in find_instruments(text) if not one.by_body for end in (one.start, -one.end)}
    found: list[Citation] = []
    position = 0
    for match in _starts(text):
        if match.start() < position:
            continue
        group = _read_group(text, match.start())
        if group is None:
            continue
        found.append(_bind(text, group, mentions))
        position = found[-1].end
    return tuple(_share(text, found))


def _starts(text: str) -> Iterator[re.Match[str]]:
    """Where a reference can begin: an ordinal, "this", or a unit word."""
    starts = [match for pattern in (_ORDINALS, _THIS, _UNIT) for match in pattern.finditer(text)]
    return iter(sorted(starts, key=lambda match: (match.start(), -match.end())))


def _read_group(text: str, start: int, depth: int = 0) -> Citation | None:
    """A chain of segments, outside in, and what it is said to lie in ("point 5 of Annex III")."""
    chain = _read_chain(text, start)
    if chain is None:
        return None
    end, places = _resume(text, chain, _combine(chain))
    out = _OUT_OF.match(text, end) if depth < _DEEPEST else None
    if out:
        above = _read_group(text, out.end(), depth + 1)
        fits = above is not None and len(above.places) * len(places) <= _MOST
        if above is not None and fits and _holds(above.places, chain[0].level):
            merged = tuple(outer + inner for outer, inner in product(above.places, places))
            return replace(above, start=start, places=merged)
    return Citation(start, end, tuple(_numbered(place) for place in places))


def _resume(text: str, chain: list[_Segment], places: tuple[Place, ...]) -> tuple[int, tuple[Place, ...]]:
    """Where the chain ends, with the paragraphs after a point: "Article 5(1), point (h), (2) to (6)"."""
    end, article = chain[-1].end, chain[0]
    if len(chain) == 1 or article.level is not Level.ARTICLE or len(article.paths[0]) == 1:
        return end, places
    paths: list[tuple[str, ...]] = [article.paths[0]]
    while step := _next_label(text, article.end, end, Level.ARTICLE, False):
        joiner, label, after = step
        if not re.match(r"\(\d", label):
            break
        paths += _through(paths[-1], label) if joiner == "to" else [_aligned(paths[-1], label)]
        end = after
    return end, places + replace(article, paths=tuple(paths[1:])).places()


def _holds(places: tuple[Place, ...], level: Level) -> bool:
    return all(level in _INNER.get(place[-1].level, ()) for place in places)


def _numbered(place: Place) -> Place:
    """A "para" that nothing holds is a numbered paragraph; inside an article it is a paragraph."""
    return tuple(
        Part(Level.PARAGRAPH, part.label) if part.level is Level.NUMBERED and depth else part
        for depth, part in enumerate(place)
    )


def _combine(chain: list[_Segment]) -> tuple[Place, ...]:
    """Every path of the chain: only its last segment has several as a rule."""
    return tuple(sum(parts, ()) for parts in product(*(segment.places() for segment in chain)))


def _read_chain(text: str, start: int) -> list[_Segment] | None:
    segment = _read_segment(text, start)
    if segment is None:
        return None
    chain = [segment]
    while len(segment.paths) == 1 or segment.level is Level.PAGE:
        into = _INTO.match(text, segment.end)
        following = _read_segment(text, into.end()) if into else None
        inner = _INNER.get(chain[-1].level, ()) if following else ()
        if following is not None and following.level is Level.NUMBERED and Level.PARAGRAPH in inner:
            following = replace(following, level=Level.PARAGRAPH)
        if following is None or following.level not in inner:
            break
        chain.append(following)
        segment = following
    return chain


def _read_segment(text: str, start: int) -> _Segment | None:
    ordinals = _ORDINALS.match(text, start)
    if ordinals:
        return _read_ordinals(ordinals)
    this = _THIS.match(text, start)
    if this:
        return _Segment(start, this.end(), _level_of(this["word"]), (("",),))
    unit = _UNIT.match(text, start)
    if unit is None or unit.lastgroup is None:
        return None
    return _read_labels(text, unit, Level[unit.lastgroup])


def _level_of(word: str) -> Level:
    match = _UNIT.fullmatch(word)
    return Level[match.lastgroup] if match and match.lastgroup else Level.PARAGRAPH


def _read_ordinals(match: re.Match[str]) -> _Segment:
    """Ordinals and their word; a "fifth paragraph" counts paragraphs without numbers, like subparagraphs."""
    level = _level_of(match["word"])
    level = Level.SUBPARAGRAPH if level is Level.PARAGRAPH else level
    numbers = [_ordinal_number(word) for word in re.findall(_ORDINAL, match["list"], re.IGNORECASE)]
    if re.search(r"\bto\b", match["list"]):
        numbers = list(range(numbers[0], numbers[-1] + 1))
    return _Segment(match.start(), match.end(), level, tuple((str(number),) for number in numbers))


def _ordinal_number(word: str) -> int:
    low = word.casefold()
    if low in ORDINALS:
        return ORDINALS.index(low) + 1
    digits = re.match(r"\d+", low)
    return int(digits.group()) if digits else _FRENCH_ORDINALS.get(low, 0)


def _read_labels(text: str, unit: re.Match[str], level: Level) -> _Segment | None:
    """The labels after a unit word: one, a list, ranges."""
    position = unit.end()
    while position < len(text) and text[position] in " \u00a0\n":
        position += 1
    spaced = _SPACED.match(text, position) if level is Level.ARTICLE else None
    if spaced:
        path = tuple(label for label in spaced.groups() if label)
        return _Segment(unit.start(), spaced.end(len(path)), level, (path,))
    first = _ELEMENT[level].match(text, position)
    if first is None or (position == unit.end() and text[position] != "(" and unit.group() != "§"):
        return None
    level, paths = _level_for(level, first.group()), [_path(first.group())]
    end = first.end()
    plural = bool(_PLURAL.search(unit.group()))
    while True:
        step = _next_label(text, unit.end(), end, level, plural)
        if step is None:
            return _Segment(unit.start(), end, level, tuple(paths))
        joiner, label, end = step
        paths += _through(paths[-1], label) if joiner == "to" else [_aligned(paths[-1], label)]
        plural = plural or joiner == ","


def _level_for(level: Level, element: str) -> Level:
    """The Council of Europe's "sub-paragraph a" is a point."""
    return Level.POINT if level is Level.SUBPARAGRAPH and element.strip("()")[:1].isalpha() else level


def _fits(before: str, label: str, level: Level) -> bool:
    """Whether a label can go on a list: bare letters follow bare letters, "point (h), (2)" is back at paragraphs."""
    first = before.lstrip()
    if label[0].isalpha():
        return level not in (Level.POINT, Level.SUBPARAGRAPH) or first[:1].isalpha()
    return level is not Level.POINT or label[0] != "(" or first[:1] != "(" or label[1].isdigit() == first[1].isdigit()


def _next_label(text: str, unit_end: int, end: int, level: Level, plural: bool) -> tuple[str, str, int] | None:
    """The next label of a list: how it is joined ("to" or "and"), the label, where it ends."""
    for pattern, joiner in ((_RANGE, "to"), (_AND, "and"), (_COMMA, ",")):
        gap = pattern.match(text, end)
        label = _ELEMENT[level].match(text, gap.end()) if gap else None
        if label is None:
            continue
        if joiner == "," and not (plural or label.group().startswith("(") or _ends_in_and(text, label.end(), level)):
            continue
        if not _fits(text[unit_end:end], label.group(), level):
            continue
        return joiner, label.group(), label.end()
    return None


def _ends_in_and(text: str, position: int, level: Level) -> bool:
    """Whether a list with commas is closed by "and" or "or": "point 1, 6 or 7"."""
    while True:
        gap = _AND.match(text, position)
        if gap and _ELEMENT[level].match(text, gap.end()):
            return True
        comma = _COMMA.match(text, position)
        label = _ELEMENT[level].match(text, comma.end()) if comma else None
        if label is None:
            return False
        position = label.end()


def _path(element: str) -> tuple[str, ...]:
    """The labels of an element: "6(1)(a)" gives 6, 1, a; "five" gives 5."""
    labels = _PIECES.findall(element)
    first = labels[0].casefold()
    labels[0] = str(_SPELT[first]) if first in _SPELT else "1" if first == "premier" else labels[0]
    return tuple("".join(labels[:1]) if n == 0 else label for n, label in enumerate(labels))


def _aligned(before: tuple[str, ...], element: str) -> tuple[str, ...]:
    """A later element of a list: "33(1), (3)" means 33(3), "5(1)(a), (b)" means 5(1)(b)."""
    path = _path(element)
    if not element.lstrip().startswith("(") or len(before) == 1:
        return path
    for depth in range(len(before) - 1, 0, -1):
        if before[depth][0].isdigit() == path[0][0].isdigit():
            below_letter = depth > 0 and not before[depth - 1][0].isdigit()
            if path[0][0].isdigit() or not below_letter or re.fullmatch("[ivxlc]+", path[0]):
                return (*before[:depth], *path)
    return (*before, *path)


def _through(before: tuple[str, ...], element: str) -> list[tuple[str, ...]]:
    """The labels after the first of a range, its last included."""
    last = _aligned(before, element)
    depth = len(last) - 1
    if len(before) != len(last) or before[:depth] != last[:depth]:
        return [last]
    return [(*last[:depth], label) for label in _between(before[depth], last[depth])] or [last]


def _between(first: str, last: str) -> list[str]:
    """The labels after `first` up to `last`: numbers, Roman numerals, letters."""
    if first.isdigit() and last.isdigit():
        numbers = range(int(first) + 1, int(last) + 1)
        return [str(number) for number in numbers] if len(numbers) <= _MOST else []
    for low in (True, False):
        numerals = [_roman(n).lower() if low else _roman(n) for n in range(1, 60)]
        if first in numerals and last in numerals and numerals.index(first) < numerals.index(last):
            if low and len(first) == len(last) == 1 and (first, last) != ("i", "v"):
                break
            return numerals[numerals.index(first) + 1 : numerals.index(last) + 1]
    if len(first) == len(last) == 1 and first < last:
        return [chr(code) for code in range(ord(first) + 1, ord(last) + 1)]
    return []


def _roman(number: int) -> str:
    out = ""
    for value, glyph in ((50, "L"), (40, "XL"), (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I")):
        while number >= value:
            out, number = out + glyph, number - value
    return out


def _bind(text: str, citation: Citation, mentions: dict[int, InstrumentMention]) -> Citation:
    """The citation with the instrument named right after it, or right before it.

    `mentions` are found by where they start and, negated, by where they end.
    """
    own = _OWN.match(text, citation.end)
    if own:
        return replace(citation, end=own.end())
    for pattern in (_ANAPHORA, _THEREOF):
        back = pattern.match(text, citation.end)
        if back:
            return replace(citation, end=back.end(), external=back["name"])
    title = _TITLE.match(text, citation.end)
    gap = title or _OF_THE_ANNEX.match(text, citation.end) or _TO_NAME.match(text, citation.end)
    after = mentions.get(gap.end()) if gap else None
    if after is not None and gap is not None and not (_BEGINS.match(text, after.start) and "," in gap.group()):
        return replace(citation, end=after.end, instrument=after.instrument, external=after.external)
    if title:
        return replace(citation, end=title.end("name"), external=title["name"])
    return _bind_before(text, citation, mentions)


def _bind_before(text: str, citation: Citation, mentions: dict[int, InstrumentMention]) -> Citation:
    for length in range(_NAME_GAP + 1):
        end = citation.start - length
        one = mentions.get(-end) if end > 0 else None
        if one is not None and one.end == end:
            if not _FROM_NAME.fullmatch(text, end, citation.start):
                return citation
            return replace(citation, start=one.start, instrument=one.instrument, external=one.external)
    return citation


def _share(text: str, found: list[Citation]) -> list[Citation]:
    """Coordinated citations share what the last of them lies in: "Article 9 and Article 10 of Directive X"."""
    shared = list(found)
    for place in range(len(shared) - 2, -1, -1):
        this, after = shared[place], shared[place + 1]
        gap = text[this.end : after.start]
        if this.instrument or this.external or not _COORDINATION.fullmatch(gap):
            continue
        if after.relative or this.relative:
            outer = _common_outer(this, after)
            if outer:
                shared[place] = replace(this, places=tuple(outer + one for one in this.places))
                shared[place + 1] = _within_section(shared[place], after)
            continue
        shared[place] = replace(this, instrument=after.instrument, external=after.external)
    return shared


def _common_outer(this: Citation, after: Citation) -> Place:
    """What "points 8 and 9 of Annex VIII" lends to a relative citation before it."""
    if not this.relative or after.relative or not this.places or not after.places:
        return ()
    first, outer = this.places[0][0].level, after.places[0]
    for depth, part in enumerate(outer):
        if part.level is first:
            return outer[:depth]
    return outer[:1] if outer[0].level is Level.ANNEX and first is Level.SECTION else ()


def _within_section(this: Citation, after: Citation) -> Citation:
    """After "Section B, points 1 to 5, and" the "points 8 and 9 of Annex VIII" are of Section B too."""
    section = next((part for part in this.places[0] if part.level is Level.SECTION), None)
    if section is None or any(part.level is Level.SECTION for part in after.places[0]):
        return after
    return replace(after, places=tuple((place[0], section, *place[1:]) for place in after.places))

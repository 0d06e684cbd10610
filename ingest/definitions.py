"""The terms that an instrument defines, each with its provision; and which of them a provision uses.

A term is found in the singular and the plural, hyphens and articles aside, with "high-risk" before an AI system, and a
verb in all its forms ("placed on the Union market"); terms may share a last word ("training and testing data"). Of two
terms at one place the longer is used.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import chain

from ingest.instrument import RECITALS, Expression, Provision, ProvisionKind
from ingest.pinpoint import Pinpoint


class DefinitionKind(StrEnum):
    """How a term is given its meaning."""

    MEANS = "means"
    UNDERSTOOD = "understood as"
    NAMED = "named"


_NAME = r"[‘“](?P<{}>[^’”\n]{{2,120}})[’”]"
_MEANS = re.compile(
    _NAME.format("term")
    + r"(?:\s+or\s+"
    + _NAME.format("alias")
    + r")?(?:,?\s+for the purposes? of (?P<matter>[^,;:.]{1,80}),)?\s+means\b"
)
_UNDERSTOOD = re.compile(
    r"(?:^|\.\s|,\s)(?:\(?\d+[a-z]*[.)]?\s)?(?:(?:the|an?)\s+)?(?P<term>(?!any reference)[^.,;:\n‘’]{3,60}?)"
    r"\s+shall be understood as (?!including|meaning that)",
    re.IGNORECASE | re.MULTILINE,
)
_NAMED = re.compile(r"\((?:the\s+|hereinafter\s+|hereinafter the\s+)?" + _NAME.format("term") + r"\)")
_PURPOSES = re.compile(
    r"for the purposes? of (?:applying )?this (?P<level>article|paragraph|section|chapter|annex|point)\b[^.;]*$",
    re.IGNORECASE,
)
_ESTABLISHED = re.compile(r"\bestablish", re.IGNORECASE)
_QUOTED = "\n‘"
_SCOPES = {
    "article": ProvisionKind.ARTICLE,
    "paragraph": ProvisionKind.PARAGRAPH,
    "section": ProvisionKind.SECTION,
    "chapter": ProvisionKind.CHAPTER,
    "annex": ProvisionKind.ANNEX,
    "point": ProvisionKind.POINT,
}

_WORD = re.compile(r"\w+")
_ARTICLES = frozenset({"a", "an", "the"})
_QUALIFIERS = {"ai": ["high", "risk"], "market": ["union"]}  # what may stand before a word of a term
_AFTER_VERB = frozenset({"in", "into", "on", "available"})
_IRREGULAR = {"making": ("make", "makes", "made"), "putting": ("put", "puts")}
_COORDINATION = re.compile(r",? (?:and |or )?")
_MOST_COORDINATED = 6  # words from the first to the last of terms that share a word
_SAME_LETTERS = {
    "subject": re.compile(
        r"(?<=data )subjects?|subject(?=,? (?:only |also )?to\b)|subject(?=[ -]matter)", re.IGNORECASE
    )
}


@dataclass(frozen=True, slots=True)
class Definition:
    """A term and its other names, where it is defined, and how.

    `scope` is the place that it is limited to ("for the purposes of this Article"); `matter` is what the definition
    says it is for ("real-world testing"): only articles that speak of that use the term.
    """

    names: tuple[str, ...]
    place: Pinpoint
    kind: DefinitionKind
    scope: Pinpoint | None = None
    matter: str = ""

    @property
    def term(self) -> str:
        """Its first name."""
        return self.names[0]


@dataclass(frozen=True, slots=True)
class Use:
    """A term used in a provision, at [start, end) of its text."""

    start: int
    end: int
    text: str
    definition: Definition


@dataclass(frozen=True, slots=True)
class _Token:
    """A word of a text: its key, whether it has a capital, where it stands, whether hyphens tie it to others."""

    key: str
    capital: bool
    start: int
    end: int
    tied_before: bool
    tied_after: bool


@dataclass(frozen=True, slots=True)
class _Name:
    """A name as its words' keys: each the forms that it takes, and whether a capital is asked for."""

    words: tuple[frozenset[str], ...]
    capitals: tuple[bool, ...]
    definition: Definition


@dataclass(frozen=True, slots=True)
class Glossary:
    """The terms that a wording defines, in the order of print, and the provisions that use them."""

    expression: Expression
    definitions: tuple[Definition, ...]
    _names: dict[str, list[_Name]] = field(default_factory=dict, init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        for definition in self.definitions:
            for name in definition.names:
                read = _read_name(name, definition)
                for first in read.words[0]:
                    self._names.setdefault(first, []).append(read)
        for names in self._names.values():
            names.sort(key=lambda name: -len(name.words))

    def get(self, term: str) -> Definition | None:
        """The definition of a term, capitals aside, or None."""
        wanted = term.casefold()
        return next((one for one in self.definitions if wanted in map(str.casefold, one.names)), None)

    def find_uses(self, provision: Provision) -> tuple[Use, ...]:
        """The terms in a provision's text, its subdivisions' included, in order; none where it defines them itself."""
        if provision.is_container:
            return ()
        tokens = _split(provision.text)
        unit = _split(self.expression.at(provision.pinpoint.unit).text)
        found: list[Use] = []
        place = 0
        while place < len(tokens):
            matched = self._match(provision, tokens, place, unit)
            if matched is None:
                place += 1
                continue
            definition, end = matched
            start = tokens[place].start
            text = provision.text[start : tokens[end - 1].end]
            if not self._is_own(definition, provision, start):
                found.append(Use(start, start + len(text), text, definition))
            place = end
        return tuple(found)

    def find_terms(self, provision: Provision) -> tuple[Definition, ...]:
        """The terms that a provision uses, each once, in the order of their first use."""
        return tuple(dict.fromkeys(use.definition for use in self.find_uses(provision)))

    def _match(
        self, provision: Provision, tokens: tuple[_Token, ...], place: int, unit: tuple[_Token, ...]
    ) -> tuple[Definition, int] | None:
        """The longest term that stands at a token, and where it ends."""
        for name in self._names.get(tokens[place].key, ()):
            end = _stands(name, tokens, place) or self._shares(name, provision.text, tokens, place)
            if end and _applies(name.definition, provision, unit) and not _is_another(provision.text, tokens[place]):
                return name.definition, end
        return None

    def _shares(self, name: _Name, text: str, tokens: tuple[_Token, ...], place: int) -> int:
        """The end of a first word whose second comes after other terms': "training" in "training and testing data"."""
        if len(name.words) != 2:
            return 0
        for at in range(place + 1, min(place + _MOST_COORDINATED, len(tokens))):
            if not _COORDINATION.fullmatch(text, tokens[at - 1].end, tokens[at].start):
                return 0
            others = (one for one in self._names.get(tokens[at].key, ()) if one.words[1:] == name.words[1:])
            if any(_stands(one, tokens, at) for one in others):
                return place + 1
        return 0

    def _is_own(self, definition: Definition, provision: Provision, start: int) -> bool:
        """Whether the words at a place of a provision's text lie in what defines the term."""
        own = self.expression.at(definition.place)
        if own.pinpoint.unit != provision.pinpoint.unit:
            return False
        at = provision.offset + start
        return own.offset <= at < own.offset + len(own.text)


def load_glossary(expression: Expression) -> Glossary:
    """The terms that a wording defines; one named in several places counts where it is established, or first."""
    return Glossary(expression, tuple(_distinct(expression, tuple(find_definitions(expression)))))


def find_definitions(expression: Expression) -> Iterator[Definition]:
    """Every definition of a wording, in the order of print; what an amendment quotes is another act's."""
    for unit in expression.units():
        patterns = (_NAMED,) if unit.kind in RECITALS else (_MEANS, _UNDERSTOOD, _NAMED)
        matches = chain.from_iterable(pattern.finditer(unit.text) for pattern in patterns)
        for match in sorted(matches, key=lambda one: one.start()):
            start = match.start("term")
            holder = expression.smallest(unit.pinpoint, start, match.end("term"))
            if _QUOTED not in holder.text[: start - holder.offset]:
                yield _define(expression, unit, holder, match)


def _define(expression: Expression, unit: Provision, holder: Provision, match: re.Match[str]) -> Definition:
    kind = {_MEANS: DefinitionKind.MEANS, _UNDERSTOOD: DefinitionKind.UNDERSTOOD}.get(match.re, DefinitionKind.NAMED)
    named = match.groupdict()
    names = tuple(name for name in (named["term"], named.get("alias")) if name)
    scope = _find_scope(expression, holder, unit.text[: match.start("term")])
    return Definition(names, holder.pinpoint, kind, scope, named.get("matter") or "")


def _find_scope(expression: Expression, holder: Provision, before: str) -> Pinpoint | None:
    """The place that the words before a term limit it to, or None for the whole instrument."""
    limited = _PURPOSES.search(before)
    if limited is None:
        return None
    kind = _SCOPES[limited["level"].casefold()]
    around = (holder, *reversed(expression.ancestors(holder)))
    return next((one.pinpoint for one in around if one.kind is kind), None)


def _distinct(expression: Expression, found: tuple[Definition, ...]) -> Iterator[Definition]:
    """Of definitions of one name and scope, the one that counts."""
    groups: dict[tuple[str, Pinpoint | None], list[Definition]] = {}
    for definition in found:
        groups.setdefault((definition.term.casefold(), definition.scope), []).append(definition)
    yield from (min(group, key=lambda one: _weight(expression, one)) for group in groups.values())


def _weight(expression: Expression, definition: Definition) -> tuple[bool, bool, bool]:
    provision = expression.at(definition.place)
    return (
        definition.kind is DefinitionKind.NAMED,
        provision.kind in RECITALS,
        _ESTABLISHED.search(provision.text) is None,
    )


def _split(text: str) -> tuple[_Token, ...]:
    """The words of a text, articles left out."""
    return tuple(
        _Token(
            _key(match.group()),
            match.group()[0].isupper(),
            match.start(),
            match.end(),
            text[match.start() - 1 : match.start()] == "-" and text[match.start() - 2 : match.start() - 1].isalnum(),
            text[match.end() : match.end() + 1] == "-" and text[match.end() + 1 : match.end() + 2].isalnum(),
        )
        for match in _WORD.finditer(text)
        if match.group().casefold() not in _ARTICLES
    )


def _key(word: str) -> str:
    """A word in the singular, in small letters."""
    low = word.casefold()
    if len(low) > 4 and low.endswith("ies"):
        return f"{low[:-3]}y"
    if low.endswith(("sses", "shes", "ches", "xes")):
        return low[:-2]
    if len(low) > 2 and low.endswith("s") and not low.endswith(("ss", "us", "is")):
        return low[:-1]
    return low


def _read_name(name: str, definition: Definition) -> _Name:
    tokens = _split(name)
    words = [frozenset({token.key}) for token in tokens]
    first = _WORD.findall(name)[0].casefold()
    if first.endswith("ing") and len(tokens) > 1 and tokens[1].key in _AFTER_VERB:
        words[0] |= {_key(form) for form in _verb_forms(first)}
    return _Name(tuple(words), tuple(token.capital for token in tokens), definition)


def _verb_forms(participle: str) -> tuple[str, ...]:
    """The other forms of a verb whose "-ing" form is given."""
    stem = participle.removesuffix("ing")
    return _IRREGULAR.get(participle, (stem, f"{stem}e", f"{stem}es", f"{stem}ed"))


def _stands(name: _Name, tokens: tuple[_Token, ...], place: int) -> int:
    """The end of a name that begins at a token; 0 where it does not stand there whole."""
    at = place
    for forms, capital in zip(name.words, name.capitals, strict=True):
        at += _qualified(forms, tokens, at) if at > place else 0
        if at >= len(tokens) or tokens[at].key not in forms or (capital and not tokens[at].capital):
            return 0
        at += 1
    return 0 if tokens[place].tied_before or tokens[at - 1].tied_after else at


def _qualified(forms: frozenset[str], tokens: tuple[_Token, ...], at: int) -> int:
    """How many words to pass over before a word: "high-risk" before an AI system, "Union" before the market."""
    for word in forms:
        qualifier = _QUALIFIERS.get(word, [])
        if qualifier and [token.key for token in tokens[at : at + len(qualifier)]] == qualifier:
            return len(qualifier)
    return 0


def _applies(definition: Definition, provision: Provision, unit: tuple[_Token, ...]) -> bool:
    """Whether a definition holds for a provision: it lies in its scope, and its unit speaks of its matter."""
    if definition.scope is not None and not definition.scope.contains(provision.pinpoint):
        return False
    keys = {token.key for token in unit}
    return all(token.key in keys for token in _split(definition.matter))


def _is_another(text: str, token: _Token) -> bool:
    """Whether the word is another of the same letters: "subject to" is no participant in a test."""
    pattern = _SAME_LETTERS.get(token.key)
    return pattern is not None and pattern.match(text, token.start) is not None

"""A corpus as its readers go through it: what is found out about it on the way is kept for the next page."""

import re
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from time import sleep
from typing import TYPE_CHECKING

from assistant.noted import is_noted
from ingest.citation import find_citations
from ingest.citing import CitedBy, Mention, find_citing, list_mentions
from ingest.corpus import DEFAULT_LANGUAGE, Corpus
from ingest.definitions import Glossary
from ingest.errors import PinpointError
from ingest.identifiers import ExpressionId, InstrumentId
from ingest.instrument import Authority, Expression, Provision
from ingest.lexical import LexicalIndex, analyse
from ingest.pinpoint import Pinpoint

if TYPE_CHECKING:
    from assistant.desk import Desk

MOST_HITS = 24
LONGEST_SEARCH = 300
BREATH = 0.02

_WORD = re.compile(r"[\w/.-]*\w")
_HOUSE = re.compile(r"(\d+[a-z]*)((?:\([0-9a-z]+\))*)")


@dataclass(frozen=True, slots=True)
class Hit:
    """A provision that a search found."""

    provision: Provision
    is_exact: bool = False


class Reading:
    """One corpus, with the references, defined terms and word indexes that were worked out so far."""

    def __init__(self, corpus: Corpus) -> None:
        self.corpus = corpus
        self._mentions: dict[ExpressionId, tuple[Mention, ...]] = {}
        self._glossaries: dict[ExpressionId, Glossary] = {}
        self._indexes: dict[ExpressionId, tuple[tuple[Provision, ...], LexicalIndex]] = {}

    def language(self, instrument: InstrumentId) -> str:
        """The language that a work is read in here: English where there is a text in it."""
        own = [one.id.language for one in self.corpus.expressions if one.instrument == instrument]
        return DEFAULT_LANGUAGE if DEFAULT_LANGUAGE in own or not own else own[0]

    def wordings(self, instrument: InstrumentId) -> tuple[Expression, ...]:
        """The wordings of a work in the language that it is read in, oldest first."""
        return self.corpus.wordings(instrument, self.language(instrument))

    def wording_on(self, instrument: InstrumentId, day: date) -> Expression | None:
        """The wording of a work on a day; where only our notes on it are held, these, whatever the day."""
        own = self.wordings(instrument)
        if own and is_noted(own[-1]):
            return own[-1]
        return self.corpus.wording_on(instrument, day, self.language(instrument))

    def glossary(self, wording: Expression) -> Glossary | None:
        """The terms that a law defines; guidance and commentary explain the law's and have none of their own."""
        if wording.authority is not Authority.LAW:
            return None
        if wording.id not in self._glossaries:
            self._glossaries[wording.id] = Glossary(wording, self.corpus.definitions(wording.id))
        return self._glossaries[wording.id]

    def mentions(self, text: Expression) -> tuple[Mention, ...]:
        """The references of a wording to places of our instruments."""
        if text.id not in self._mentions:
            self._mentions[text.id] = () if is_noted(text) else list_mentions(text)
        return self._mentions[text.id]

    def citing(self, wording: Expression, provision: Provision, day: date) -> tuple[CitedBy, ...]:
        """What refers to a provision on a day, in its own wording and in the other texts."""
        others = (self.wording_on(one, day) for one in self.corpus.instruments)
        return find_citing(wording, provision, [one for one in others if one is not None], self.mentions)

    def warm(self, stop: threading.Event) -> None:
        """Work the references out ahead, text by text, with a breath between for whoever is waiting."""
        for text in self.corpus.expressions:
            if stop.wait(BREATH):
                return
            self.mentions(text)
            sleep(0)

    def search(self, wording: Expression, query: str) -> tuple[Hit, ...]:
        """The provisions of a wording that a query names or shares words with, best first; of a place, that alone."""
        query = query[:LONGEST_SEARCH]
        exact = tuple(dict.fromkeys(_named(wording, query)))
        if exact and _is_place(query):
            return tuple(Hit(one, True) for one in exact)
        searched, index = self._index(wording)
        found = (searched[number] for number, _ in index.search(query, MOST_HITS))
        return (*(Hit(one, True) for one in exact), *(Hit(one) for one in found if one not in exact))

    def nearest(self, wording: Expression, text: str, prefix: str, most: int) -> tuple[Provision, ...]:
        """The units of one sort ("rct") that share most with a text."""
        searched, index = self._index(wording)
        found = (searched[number] for number, _ in index.search(text, 20 * most))
        own = (wording.at(one.pinpoint.unit) for one in found if one.pinpoint.root.kind == prefix)
        return tuple(dict.fromkeys(own))[:most]

    def _index(self, wording: Expression) -> tuple[tuple[Provision, ...], LexicalIndex]:
        """The word index of a wording: its units, and the paragraphs of those that have any."""
        if wording.id not in self._indexes:
            searched = tuple(one for one in wording.provisions if _is_searched(wording, one))
            texts = [f"{_unit_heading(wording, one)}\n{one.text}" for one in searched]
            self._indexes[wording.id] = searched, LexicalIndex.build(texts, wording.id.language)
        return self._indexes[wording.id]


class ReadingDesk:
    """Gives the reading of the corpus that serves now, and begins a new one when another corpus does."""

    def __init__(self, desk: "Desk") -> None:
        self._desk = desk
        self._reading = Reading(desk.assistant().corpus)

    def reading(self) -> Reading:
        """The reading of the corpus that serves now."""
        corpus = self._desk.assistant().corpus
        if self._reading.corpus is not corpus:
            self._reading = Reading(corpus)
        return self._reading


def mark_words(text: str, query: str, language: str) -> Iterator[tuple[str, bool]]:
    """A text in runs, each with whether it is a word of the query."""
    wanted = set(analyse(query, language))
    cursor = 0
    for word in _WORD.finditer(text):
        if wanted.isdisjoint(analyse(word[0], language)):
            continue
        yield text[cursor : word.start()], False
        yield word[0], True
        cursor = word.end()
    yield text[cursor:], False


def _is_searched(wording: Expression, provision: Provision) -> bool:
    """Whether a search finds it itself: a paragraph, or a unit that is not divided; our notes have units alone."""
    if provision.is_container or not provision.text:
        return False
    if is_noted(wording):
        return provision.is_unit
    if provision.is_unit:
        return not wording.children(provision.pinpoint)
    return provision.parent == provision.pinpoint.unit


def _unit_heading(wording: Expression, provision: Provision) -> str:
    return wording.at(provision.pinpoint.unit).heading


def _is_place(query: str) -> bool:
    """Whether a query is a place and nothing else, as "Article 5(1)(f)" is and "Article 5 biometric" is not."""
    typed = query.strip()
    with suppress(PinpointError):
        Pinpoint.parse(typed)
        return True
    spans = {(one.start, one.end) for one in find_citations(typed)}
    return bool(_HOUSE.fullmatch(typed)) or spans == {(0, len(typed))}


def _named(wording: Expression, query: str) -> Iterator[Provision]:
    """The provisions that a query names: "Article 5(1)(f)", "5(1)(f)", "art_5/1/f"."""
    try:
        typed: tuple[Pinpoint, ...] = (Pinpoint.parse(query.strip()),)
    except PinpointError:
        short = f"Article {query.strip()}" if _HOUSE.fullmatch(query.strip()) else query
        typed = tuple(place for one in find_citations(short) for place in one.pinpoints)
    yield from (provision for place in typed if (provision := wording.get(place)) is not None)

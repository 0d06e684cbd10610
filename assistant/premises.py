"""False statements that a question takes for granted, from our reviewed table, and what puts them right."""

from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from typing import Annotated

from pydantic import Field, model_validator

from assistant import phrases
from assistant.analysis import Inquiry, is_open
from assistant.matching import Words, holds_words
from assistant.question import SIDES, Intent
from ingest.concordance import ReadExpression, Sentence
from ingest.corpus import Corpus
from ingest.identifiers import ExpressionId, InstrumentId
from ingest.status import load_status
from ingest.tables import Strict, read_own

FILE = "premises.toml"

# The cosine from which a question makes a statement: at it, none of 700 questions that the texts answer was put right
# wrongly, and none of the development half is lost.
LIKE = 0.64


class Premise(Strict):
    """One false statement: how it is recognised, and what is true with the places that show it.

    A question makes it by a word of each group of `words`, or by being like one of `means`. An `open` one is false in a
    question of any form, an `unnamed` one also where its instrument is not named.
    """

    id: str
    instrument: str
    words: tuple[Words, ...] = ()
    means: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    unless: str = ""
    open: bool = False
    unnamed: bool = False
    wording: ReadExpression | None = None
    truth: str
    cites: Annotated[tuple[str, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _is_recognised(self) -> "Premise":
        if not self.words and not self.means:
            raise ValueError("a premise is recognised by words or by means, and has neither")
        return self

    @property
    def sentence(self) -> Sentence:
        """What is true, with its places."""
        return Sentence(text=self.truth, cites=self.cites)


class _Table(Strict):
    reviewed: date
    honest: tuple[str, ...]
    premise: tuple[Premise, ...]

    @property
    def premises(self) -> tuple[Premise, ...]:
        """Each with the words that make it another question; where words alone tell it, those that make any honest."""
        return tuple(
            one if one.means else one.model_copy(update={"without": (*one.without, *self.honest)})
            for one in self.premise
        )


@lru_cache(maxsize=1)
def load_premises() -> tuple[Premise, ...]:
    """Our table; raises ManifestError when it is not what its schema says."""
    return read_own(_Table, FILE).premises


def find_premise(corpus: Corpus, inquiry: Inquiry, likeness: Mapping[str, float]) -> Premise | None:
    """The false statement that an inquiry takes for granted, or None; `likeness` is its cosine with each by meaning."""
    possible = [one for one in load_premises() if _can_be_meant(one, corpus, inquiry)]
    presumed = [one for one in possible if _is_presumed(one, inquiry)]
    for one in possible:
        if one.words and (one.open or one in presumed) and holds_words(one.words, inquiry.text):
            return one
    if (
        inquiry.intent is Intent.STATUS
        or phrases.DENIES.search(inquiry.text)
        or phrases.WHAT_ABOUT.search(inquiry.text)
    ):
        return None
    meant = max(presumed, key=lambda one: likeness.get(one.id, 0.0), default=None)
    return meant if meant is not None and likeness.get(meant.id, 0.0) >= LIKE else None


def _can_be_meant(premise: Premise, corpus: Corpus, inquiry: Inquiry) -> bool:
    """Whether a premise is on what an inquiry names, and false on its day."""
    instrument = InstrumentId(premise.instrument)
    ours = _ours(inquiry)
    if instrument not in ours and (ours or not premise.unnamed):
        return False
    if premise.unless and _holds(premise.unless, instrument, inquiry.as_of):
        return False
    if premise.wording and not _is_wording(corpus, premise.wording, inquiry.as_of):
        return False
    return not (premise.without and holds_words((premise.without,), inquiry.text))


def _is_presumed(premise: Premise, inquiry: Inquiry) -> bool:
    """Whether an inquiry takes something for granted of the instrument of a premise."""
    return inquiry.presupposes or (premise.unnamed and not _ours(inquiry) and is_open(inquiry.text, inquiry.language))


def _ours(inquiry: Inquiry) -> list[InstrumentId]:
    return [one for one in inquiry.named if one in SIDES]


def _holds(fact: str, instrument: InstrumentId, day: date) -> bool:
    treaty = load_status().get(instrument)
    return fact == "in_force" and treaty is not None and treaty.is_in_force(day)


def _is_wording(corpus: Corpus, wording: ExpressionId, day: date) -> bool:
    current = corpus.wording_on(wording.instrument, day)
    return current is not None and current.id == wording

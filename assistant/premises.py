"""False statements that a question takes for granted, from our reviewed table, and what puts them right."""

import re
import tomllib
from datetime import date
from functools import lru_cache
from typing import Annotated

from pydantic import Field, ValidationError

from assistant.analysis import Inquiry
from ingest.concordance import ReadExpression, Sentence, Strict
from ingest.corpus import Corpus
from ingest.datafiles import data_file
from ingest.errors import ManifestError
from ingest.identifiers import ExpressionId, InstrumentId
from ingest.status import load_status

FILE = "premises.toml"

Words = Annotated[tuple[str, ...], Field(min_length=1)]


class Premise(Strict):
    """One false statement: how it is recognised, and what is true with the places that show it.

    An `open` one is false in a question of any form, an `unnamed` one also where its instrument is not named.
    """

    id: str
    instrument: str
    words: Annotated[tuple[Words, ...], Field(min_length=1)]
    without: tuple[str, ...] = ()
    unless: str = ""
    open: bool = False
    unnamed: bool = False
    wording: ReadExpression | None = None
    truth: str
    cites: Annotated[tuple[str, ...], Field(min_length=1)]

    @property
    def sentence(self) -> Sentence:
        """What is true, with its places."""
        return Sentence(text=self.truth, cites=self.cites)


class _Table(Strict):
    reviewed: date
    premise: tuple[Premise, ...]


@lru_cache(maxsize=1)
def load_premises() -> tuple[Premise, ...]:
    """Our table; raises ManifestError when it is not what its schema says."""
    try:
        return _Table.model_validate(tomllib.loads(data_file(FILE).read_text(encoding="utf-8"))).premise
    except (ValidationError, tomllib.TOMLDecodeError) as error:
        raise ManifestError(f"data/{FILE} cannot be read: {' '.join(str(error).split())[:300]}; correct it.") from None


def find_premise(corpus: Corpus, inquiry: Inquiry) -> Premise | None:
    """The false statement that an inquiry takes for granted, or None."""
    return next((one for one in load_premises() if _is_taken_for_granted(one, corpus, inquiry)), None)


def _is_taken_for_granted(premise: Premise, corpus: Corpus, inquiry: Inquiry) -> bool:
    instrument = InstrumentId(premise.instrument)
    if instrument not in (inquiry.named or (inquiry.sides if premise.unnamed else ())):
        return False
    if not (premise.open or inquiry.presupposes):
        return False
    if premise.unless and _holds(premise.unless, instrument, inquiry.as_of):
        return False
    if premise.wording and not _is_wording(corpus, premise.wording, inquiry.as_of):
        return False
    has = [_pattern(group).search(inquiry.text) for group in premise.words]
    return all(has) and not (premise.without and _pattern(premise.without).search(inquiry.text))


def _holds(fact: str, instrument: InstrumentId, day: date) -> bool:
    treaty = load_status().get(instrument)
    return fact == "in_force" and treaty is not None and treaty.is_in_force(day)


def _is_wording(corpus: Corpus, wording: ExpressionId, day: date) -> bool:
    current = corpus.wording_on(wording.instrument, day)
    return current is not None and current.id == wording


@lru_cache(maxsize=256)
def _pattern(words: tuple[str, ...]) -> re.Pattern[str]:
    """Any of the words or phrases, an asterisk standing for the rest of a word."""
    forms = (re.escape(word).replace(r"\*", r"\w*").replace(r"\ ", r"\s+") for word in words)
    return re.compile(rf"(?<!\w)(?:{'|'.join(forms)})(?!\w)", re.IGNORECASE)

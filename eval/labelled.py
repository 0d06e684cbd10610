"""What a person judged: answer sentences held against the places they cite, and facts held against sentences.

Both are JSON Lines of our own in `data/labelled`. Thresholds are chosen on the half `dev`; `test` only measures.
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import AfterValidator, Field, ValidationError

from eval.case import Half
from ingest.datafiles import CHECKOUT
from ingest.errors import UsageError, VisavisError
from ingest.identifiers import InstrumentId, parse_instrument_id
from ingest.pinpoint import Pinpoint
from ingest.tables import Strict

SENTENCES = "sentences.jsonl"
FACTS = "facts.jsonl"

Filled = Annotated[str, Field(min_length=1)]


class Support(StrEnum):
    """How far the cited places carry a sentence."""

    SUPPORTED = "supported"
    PARTLY = "partly"
    NOT = "not"


LEVELS: Mapping[Support, float] = {Support.SUPPORTED: 1.0, Support.PARTLY: 0.5, Support.NOT: 0.0}
"""What each level counts as a score."""


class Rightness(StrEnum):
    """Whether the cited places are those where the matter is regulated, whatever is said of it."""

    RIGHT = "right"
    WRONG = "wrong"


class Fault(StrEnum):
    """What a sentence gets wrong."""

    NONE = "true"
    INVENTED = "invented provision"
    SWAPPED = "swapped instrument"
    NEGATION = "negation dropped"
    MODAL = "modal changed"
    FIGURE = "number/date changed"
    ADDRESSEE = "wrong addressee"
    OVERSTATED = "overstatement"
    HALF_CITED = "half cited"
    UNRELATED = "unrelated citation"


class Closeness(StrEnum):
    """How a sentence stands to the fact that it says or does not say."""

    LITERAL = "literal"
    PARAPHRASE = "paraphrase"
    FIGURE = "other figure"
    ADDRESSEE = "other addressee"
    NEGATION = "negation or modal"
    MATTER = "other matter"


def _place(text: str) -> str:
    instrument, _, pinpoint = text.partition(":")
    try:
        return f"{parse_instrument_id(instrument)}:{Pinpoint.parse(pinpoint)}"
    except VisavisError as error:
        raise ValueError(str(error)) from None


class Sentence(Strict):
    """An answer sentence with the places it cites, as "eu-ai-act:art_5/1/f", and what a reader found."""

    id: Annotated[str, Field(pattern=r"^sen-\d{3}$")]
    sentence: Filled
    cites: Annotated[tuple[Annotated[str, AfterValidator(_place)], ...], Field(min_length=1)]
    label: Support
    citation: Rightness
    kind: Fault
    half: Half
    why: Filled

    @property
    def places(self) -> tuple[tuple[InstrumentId, Pinpoint], ...]:
        """What it cites."""
        split = (cite.partition(":") for cite in self.cites)
        return tuple((InstrumentId(instrument), Pinpoint.parse(pinpoint)) for instrument, _, pinpoint in split)


class Pair(Strict):
    """A fact as gold has them, a sentence of an answer, and whether the sentence says the fact."""

    id: Annotated[str, Field(pattern=r"^fact-\d{3}$")]
    fact: Filled
    sentence: Filled
    label: Annotated[str, Field(pattern=r"^(said|unsaid)$")]
    kind: Closeness
    half: Half

    @property
    def is_said(self) -> bool:
        """Whether the sentence says the fact."""
        return self.label == "said"


_Labelled = TypeVar("_Labelled", Sentence, Pair)


def read_sentences(path: Path | None = None) -> tuple[Sentence, ...]:
    """The labelled answer sentences; raises UsageError naming the line."""
    return tuple(_read(path or labelled_folder() / SENTENCES, Sentence))


def read_pairs(path: Path | None = None) -> tuple[Pair, ...]:
    """The labelled pairs of fact and sentence; raises UsageError naming the line."""
    return tuple(_read(path or labelled_folder() / FACTS, Pair))


def labelled_folder() -> Path:
    """The labelled sentences of the checkout; raises UsageError where the program was installed without them."""
    folder = CHECKOUT / "labelled"
    if not folder.is_dir():
        raise UsageError("the labelled sentences are not part of the installed program; run this in a checkout.")
    return folder


def _read(path: Path, model: type[_Labelled]) -> Iterator[_Labelled]:
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read ({error}); it holds one JSON object a line.") from None
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            yield model.model_validate_json(line)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            place = ".".join(map(str, first["loc"])) or "the line"
            raise UsageError(f"{path.name}, line {number}: {place}: {first['msg']}.") from None

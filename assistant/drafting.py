"""What passes between the assistant and a language model: numbered passages in, sentences that cite them out."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from ingest.corpus import Corpus
from ingest.identifiers import InstrumentId
from ingest.instrument import Authority, Provision


@dataclass(frozen=True, slots=True)
class Passage:
    """The words [start, end) of a provision, in code points, given to the model under number `n`."""

    n: int
    provision: Provision
    start: int
    end: int
    label: str
    authority: Authority

    @classmethod
    def of(cls, corpus: Corpus, n: int, provision: Provision, start: int = 0, end: int | None = None) -> Self:
        """A passage of a provision of the corpus, by default its whole text."""
        end = len(provision.text) if end is None else end
        return cls(n, provision, start, end, corpus.cite(provision), corpus.authority(provision))

    @property
    def instrument(self) -> InstrumentId:
        """Whose words they are."""
        return self.provision.expression.instrument

    @property
    def text(self) -> str:
        """The words."""
        return self.provision.text[self.start : self.end]


@dataclass(frozen=True, slots=True)
class DraftSentence:
    """A sentence as the model wrote it, not yet to be trusted: the passages it cites and the words it quotes.

    `quotes` are words given as verbatim; what stands in quotation marks within `text` is checked as a quotation too.
    """

    text: str
    passages: tuple[int, ...]
    quotes: tuple[str, ...] = ()


class FaultKind(StrEnum):
    """Why a sentence is not shown."""

    EMPTY = "empty"
    MARKUP = "markup"
    VOICE = "voice"
    PASSAGE = "passage"
    QUOTATION = "quotation"
    PROVISION = "provision"
    INSTRUMENT = "instrument"
    FIGURE = "figure"
    NEGATION = "negation"
    MODAL = "modal"
    ADDRESSEE = "addressee"
    SUPPORT = "support"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing in a sentence that the cited passages do not carry; `text` is a line that the model can mend it by."""

    kind: FaultKind
    text: str

"""The assistant without a part of itself: what each part is worth, over the same cases.

A part is taken away by handing the assistant another of what it is made of: a reader of questions, texts, a shelf, a
guide, a concordance. What answers knows nothing of it.
"""

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from assistant.analysis import Inquiry, keywords
from assistant.answering import Assistant
from assistant.likeness import Bounds
from assistant.question import Question
from eval.run import Entrant
from ingest.corpus import Corpus
from ingest.definitions import Definition
from ingest.errors import UsageError
from ingest.guide import Guide, Labels, SignpostKind, Vectors
from ingest.identifiers import ExpressionId, InstrumentId
from ingest.index import Shelf

ANY_NEARNESS = 0.5


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the assistant: its name, what it does, and the assistant without it.

    An engine is taken away from what the other finds: what both add to the better one is the worth of their fusion.
    """

    name: str
    does: str
    without: Callable[[Assistant], Assistant]
    is_engine: bool = False


def choose_parts(names: Sequence[str] = ()) -> tuple[Part, ...]:
    """The parts of these names, or all; raises UsageError for a name that none has."""
    known = {part.name: part for part in PARTS}
    for name in names:
        if name not in known:
            raise UsageError(f"no part is called {name!r}; the parts are {', '.join(known)}.")
    return tuple(known[name] for name in names) or PARTS


def build_ablations(assistant: Assistant, parts: Sequence[Part]) -> Iterator[Entrant]:
    """The assistant without each part in turn."""
    for part in parts:
        yield Entrant(f"without {part.name}", part.without(assistant))


class _SameDistance(Shelf):
    """A shelf whose passages are all equally near to any question, so that words alone tell them apart."""

    def search_meaning(self, vector: Vectors, k: int, instruments: frozenset[InstrumentId]) -> list[tuple[int, float]]:
        """Every passage of the instruments."""
        return [
            (number, ANY_NEARNESS)
            for number, passage in enumerate(self.passages)
            if passage.expression.instrument in instruments
        ]


class _NoWords(Shelf):
    """A shelf whose passages share no word with any question."""

    def search_words(self, query: str, k: int, instruments: frozenset[InstrumentId]) -> list[tuple[int, float]]:
        """None."""
        return []


class _OneEngine(Guide):
    """A guide that listens to one engine alone."""

    def __init__(self, whole: Guide, words_weight: float) -> None:
        self.__dict__.update(whole.__dict__)
        self._alone = words_weight

    def score(self, words: str, vector: Vectors, words_weight: float) -> tuple[Vectors, float]:
        """The score by that engine."""
        return super().score(words, vector, self._alone)


class _NotLed(Guide):
    """A guide one kind of whose signposts tells what a question is about, and leads nowhere."""

    def __init__(self, whole: Guide, kind: SignpostKind) -> None:
        self.__dict__.update(whole.__dict__)
        self._mute = kind

    def leading_to(self, instrument: InstrumentId, kind: SignpostKind) -> NDArray[np.intp]:
        """The numbers of the signposts of another kind."""
        return np.array([], dtype=np.intp) if kind is self._mute else super().leading_to(instrument, kind)


class _Unlearnt(Guide):
    """A guide from which nothing was learnt."""

    def __init__(self, whole: Guide) -> None:
        self.__dict__.update(whole.__dict__)

    def classify(self, words: str, vector: Vectors) -> dict[str, Labels]:
        """No label."""
        return {}


class _NoDefinitions(Corpus):
    """Texts that nobody has read for defined terms."""

    def definitions(self, expression: ExpressionId) -> tuple[Definition, ...]:
        """None."""
        return ()


def _with_engine(kind: type[Shelf], words_weight: float) -> Callable[[Assistant], Assistant]:
    """An assistant whose shelves are of a kind, and whose guide weighs words so."""

    def change(whole: Assistant) -> Assistant:
        store = copy.copy(whole.store)
        shelves = whole.store.shelves.items()
        store.shelves = {name: kind(held.name, held.passages, held.lexical, held.parts) for name, held in shelves}
        return replace(whole, store=store, guide=_OneEngine(whole.guide, words_weight))

    return change


def _without_signposts(*kinds: SignpostKind) -> Callable[[Assistant], Assistant]:
    return lambda whole: replace(whole, guide=whole.guide.only(lambda signpost: signpost.kind not in kinds))


def _without_leading_issues(assistant: Assistant) -> Assistant:
    return replace(assistant, guide=_NotLed(assistant.guide, SignpostKind.ISSUE))


def _without_learning(assistant: Assistant) -> Assistant:
    return replace(assistant, guide=_Unlearnt(assistant.guide))


def _without_bounds(assistant: Assistant) -> Assistant:
    return replace(assistant, bounds=Bounds())


def _without_counterparts(assistant: Assistant) -> Assistant:
    return replace(assistant, concordance=assistant.concordance.model_copy(update={"correspondence": ()}))


def _without_concordance(assistant: Assistant) -> Assistant:
    return _without_signposts(SignpostKind.ISSUE, SignpostKind.ASKED)(_without_counterparts(assistant))


def _without_guide(assistant: Assistant) -> Assistant:
    return _without_signposts(*SignpostKind)(_without_counterparts(assistant))


def _without_definitions(assistant: Assistant) -> Assistant:
    held = assistant.store.corpus
    store = copy.copy(assistant.store)
    store.corpus = _NoDefinitions(held.id, held.built, held.expressions, held.missing)
    return replace(assistant, store=store)


def _reading(change: Callable[[Inquiry], Inquiry]) -> Callable[[Assistant], Assistant]:
    """An assistant that sees a question otherwise once it is read."""
    return lambda whole: replace(whole, read=lambda question: change(whole.read(question)))


def _without_conversation(assistant: Assistant) -> Assistant:
    def read(question: Question) -> Inquiry:
        return assistant.read(replace(question, history=()))

    return replace(assistant, read=read)


def _unstripped(inquiry: Inquiry) -> Inquiry:
    return replace(inquiry, phrase=inquiry.text, subject=keywords(inquiry.text), topics=())


def _unpresuming(inquiry: Inquiry) -> Inquiry:
    return replace(inquiry, presupposes=False)


def _untranslated(inquiry: Inquiry) -> Inquiry:
    return inquiry if inquiry.language == "en" else _unstripped(inquiry)


PARTS = (
    Part("words", "search by words, in texts and notes", _with_engine(_NoWords, 0.0), is_engine=True),
    Part("meaning", "search by meaning, in texts and notes", _with_engine(_SameDistance, 1.0), is_engine=True),
    Part("notes", "our words on each provision lead to it", _without_signposts(SignpostKind.NOTE)),
    Part("issues", "the concordance's words lead to its places", _without_leading_issues),
    Part("asked", "questions asked on an issue lead to its places", _without_signposts(SignpostKind.ASKED)),
    Part("learnt", "what was learnt from our questions tells the likely places", _without_learning),
    Part("counterparts", "the best places of one side lift those beside them", _without_counterparts),
    Part("concordance", "issues, asked and counterparts together", _without_concordance),
    Part("guide", "notes and concordance together", _without_guide),
    Part("definitions", "the definition of the term asked about comes first", _without_definitions),
    Part("places", "places named in the question come first", _reading(lambda one: replace(one, targets=()))),
    Part("frame", "names and talk are not searched, and issues are taken apart", _reading(_unstripped)),
    Part(
        "issues apart",
        "each issue of a question is searched too",
        _reading(lambda one: replace(one, topics=())),
    ),
    Part(
        "dates",
        "a question for a day finds its clauses",
        _reading(lambda one: replace(one, wants_date=False)),
    ),
    Part("figures", "a question for a figure finds figures", _reading(lambda one: replace(one, wants_figure=False))),
    Part("guidance", "guidance and commentary take a place", _reading(lambda one: replace(one, commentary=False))),
    Part("conversation", "a follow-up takes up the turn before", _without_conversation),
    Part("glossary", "German and French are searched in English", _reading(_untranslated)),
    Part("presuppositions", "what is taken for granted is checked", _reading(_unpresuming)),
    Part("bounds", "statements of ours tell by meaning what is false or outside", _without_bounds),
)

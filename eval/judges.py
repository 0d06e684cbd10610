"""The judge of the judges: each scorer that can be put to a single sentence, held against what a person found.

A judge accepts a sentence or flags it. One that looks at the citation is held against the label of the citation, one
that looks at what is said against the label of the support: what is not fully supported is to be flagged.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from itertools import pairwise
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from assistant.answer import Answer, Cell, Citation, Claim, ClaimKind, Row, Writer
from assistant.checking import check_sentence
from assistant.drafting import DraftSentence, Passage
from assistant.question import Intent
from assistant.support import measure_support
from eval.case import Case, CaseKind, Half
from eval.judging import ModelJudge
from eval.labelled import LEVELS, Fault, Pair, Rightness, Sentence, Support
from eval.matching import ALTERNATIVES, normalise, says
from eval.metrics import Interval, cohen_kappa, wilson
from eval.score import Score
from eval.scorers import score_existence, score_mismatch
from ingest.corpus import Corpus
from ingest.embedding import Embedder
from ingest.figures import Figures, read_figures
from ingest.identifiers import AI_ACT, CONVENTION, InstrumentId
from ingest.instrument import Authority, Provision
from ingest.lexical import analyse
from ingest.naming import find_instruments
from ingest.review import LawWords, Statement, find_statement_faults

Opinion = Callable[[Sentence], Score]

PRECISION = 0.95
WORDY = 3
NONE = Figures()

_BORDER = re.compile(r"\n|(?<=[;.])\s+(?=[A-Z(‘“])")
_EXACT = re.compile(r"\d|\b[oO]ne\b|\b\w*[A-Z]\w*[A-Z]")


class Target(StrEnum):
    """What a judge's flag is held against."""

    CITATION = "citation wrong"
    SUPPORT = "not fully supported"
    LEVEL = "supported, partly, not"


@dataclass(frozen=True, slots=True)
class Judge:
    """Whoever gives a sentence a score from 0 to 1; None leaves it unjudged.

    A `graded` one accepts from a threshold on, chosen on the half `dev`; any other accepts the full score alone. One
    with `levels` means each of the three, and is held against them too.
    """

    name: str
    target: Target
    score: Opinion
    graded: bool = False
    levels: bool = False


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far a judge agrees with the labels of one half, n sentences that it judged.

    Precision and recall are those of its flags; None where nothing was flagged, nothing was to be, or levels are meant.
    """

    judge: str
    target: Target
    half: Half
    threshold: float
    n: int
    accuracy: float | None
    interval: Interval | None
    kappa: float | None
    precision: float | None
    recall: float | None


@dataclass(frozen=True, slots=True)
class Flagged:
    """How many of the sentences of one kind a judge flagged, among those that it judged."""

    judge: str
    kind: Fault
    flagged: int
    n: int


@dataclass(frozen=True, slots=True)
class Findings:
    """What comes of putting labelled sentences to judges, with each judge's scores by sentence."""

    agreements: tuple[Agreement, ...]
    flagged: tuple[Flagged, ...]
    scores: Mapping[str, Mapping[str, Score]]


@dataclass(frozen=True, slots=True)
class FactAgreement:
    """How far a way of matching facts agrees with the labels of one half; `hits` of the n pairs were taken as said.

    `threshold` is that of the embedding, None where none on the half `dev` is precise enough.
    """

    way: str
    half: Half
    threshold: float | None
    n: int
    hits: int
    precision: float | None
    recall: float | None


@dataclass(frozen=True)
class Bench:
    """What the automatic judges look at: the law on a day, and the embedder, whose vectors are kept."""

    corpus: Corpus
    day: date
    embedder: Embedder
    _vectors: dict[str, NDArray[np.float32]] = field(default_factory=dict, repr=False)

    def judges(self) -> tuple[Judge, ...]:
        """The automatic judges, cheapest first."""
        return (
            Judge(
                "citation existence", Target.CITATION, lambda one: score_existence(_CASE, self.answer(one), self.corpus)
            ),
            Judge("instrument mismatch", Target.CITATION, self.judge_instrument),
            Judge("numbers, dates, references", Target.SUPPORT, self.judge_figures),
            Judge("must-say matching", Target.SUPPORT, self.judge_literally),
            Judge("lexical support", Target.SUPPORT, self.judge_words, graded=True),
            Judge("embedding support", Target.SUPPORT, self.judge_meaning, graded=True),
            Judge("words and meaning", Target.SUPPORT, self.judge_support, graded=True),
            Judge("sentence check", Target.SUPPORT, self.judge_by_check),
        )

    def provisions(self, sentence: Sentence) -> tuple[Provision, ...]:
        """The cited provisions that exist on the day."""
        wordings = ((self.corpus.wording_on(instrument, self.day), place) for instrument, place in sentence.places)
        return tuple(found for wording, place in wordings if wording and (found := wording.get(place)))

    def answer(self, sentence: Sentence) -> Answer:
        """The sentence as an answer of one claim; where it names one instrument, in that instrument's cell."""
        citations = tuple(
            Citation(
                n, instrument, f"{instrument}:{place}", Authority.LAW, place,
                expression=wording.id if (wording := self.corpus.wording_on(instrument, self.day)) else None,
            )
            for n, (instrument, place) in enumerate(sentence.places, 1)
        )  # fmt: skip
        claim = Claim(sentence.sentence, ClaimKind.MODEL, tuple(one.n for one in citations))
        named = find_named(sentence.sentence)
        rows = (Row(sentence.id, None, (Cell(named[0], (claim,)),)),) if len(named) == 1 else ()
        return Answer(
            id=sentence.id, question="", standalone_question="", intent=Intent.OTHER, as_of=self.day,
            scope=(CONVENTION, AI_ACT), writer=Writer("labelled"), corpus_id=self.corpus.id,
            corpus_built=self.corpus.built, rows=rows, summary=() if rows else (claim,), citations=citations,
        )  # fmt: skip

    def judge_instrument(self, sentence: Sentence) -> Score:
        """Whether all that is cited is of the instrument that the sentence names; unjudged unless it names just one."""
        found = score_mismatch(_CASE, self.answer(sentence), self.corpus)
        return found if found.value is None else Score(float(not found.value), found.answer, found.explanation)

    def judge_figures(self, sentence: Sentence) -> Score:
        """Whether the cited places have its numbers and dates and lead to the places it names; unjudged without any."""
        if read_figures(sentence.sentence) == NONE:
            return Score(None, explanation="no number, no date")
        wordings = {one.id: one for one in self.corpus.expressions}
        cites = tuple((one.expression, one.pinpoint) for one in self.provisions(sentence))
        if not cites:
            return NOTHING
        faults = [*find_statement_faults([Statement(sentence.id, sentence.sentence, cites)], wordings, _NO_WORDS)]
        return Score(float(not faults), sentence.sentence, "; ".join(faults))

    def judge_literally(self, sentence: Sentence) -> Score:
        """Whether the cited text says the sentence, taken as a fact that it must say."""
        text = normalise(" ".join(one.text for one in self.provisions(sentence)))
        return Score(float(says(text, sentence.sentence)), f"{len(text)} characters")

    def judge_words(self, sentence: Sentence) -> Score:
        """The share of its words, by their stems, that the cited text or its headings have."""
        cited = {stem for text in self._read(sentence) for stem in analyse(text)}
        own = {*analyse(sentence.sentence)}
        if not cited or not own:
            return NOTHING
        return Score(len(own & cited) / len(own), explanation=f"not there: {', '.join(sorted(own - cited))}")

    def judge_meaning(self, sentence: Sentence) -> Score:
        """The cosine of the sentence and what comes nearest to it among the cited texts' sentences."""
        parts = [part for text in self._read(sentence) for part in (text, *_BORDER.split(text)) if part.strip()]
        if not parts:
            return NOTHING
        cosine, part = max((float(self.embed(sentence.sentence) @ self.embed(part)), part) for part in parts)
        return Score(max(0.0, cosine), explanation=f"nearest: {part[:60]}")

    def judge_support(self, sentence: Sentence) -> Score:
        """The support that the check of a model's sentences reckons with."""
        return Score(min(1.0, measure_support(sentence.sentence, self.passages(sentence), self.corpus, self.embedder)))

    def judge_by_check(self, sentence: Sentence) -> Score:
        """Whether the check of a model's sentences would let it stand, the cited places being all that was given."""
        passages = self.passages(sentence)
        draft = DraftSentence(sentence.sentence, tuple(one.n for one in passages))
        faults = check_sentence(draft, passages, self.corpus, self.embedder, self.day)
        return Score(float(not faults), sentence.sentence, "; ".join(f"{one.kind}: {one.text}" for one in faults))

    def passages(self, sentence: Sentence) -> tuple[Passage, ...]:
        """The cited provisions as a model is given them."""
        return tuple(Passage.of(self.corpus, n, one) for n, one in enumerate(self.provisions(sentence), 1))

    def embed(self, text: str) -> NDArray[np.float32]:
        """A text's vector, reckoned once."""
        if text not in self._vectors:
            self._vectors[text] = self.embedder.embed_query(text)
        return self._vectors[text]

    def _read(self, sentence: Sentence) -> tuple[str, ...]:
        """The cited texts, each under its headings."""
        return tuple(
            f"{self.corpus.expression(one.expression).heading_path(one)}\n{one.text}"
            for one in self.provisions(sentence)
        )


NOTHING = Score(0.0, explanation="no cited text")


def find_named(text: str) -> tuple[InstrumentId, ...]:
    """Which of the compared instruments a sentence names; one named by its organisation alone gives way to a name."""
    ours = [one for one in find_instruments(text) if one.instrument in {CONVENTION, AI_ACT}]
    plain = [one for one in ours if not one.by_body] or ours
    return tuple(dict.fromkeys(one.instrument for one in plain if one.instrument))


def measure_judges(
    judges: Iterable[Judge], sentences: Sequence[Sentence], progress: Callable[[str, int, int], None]
) -> Findings:
    """Put every sentence to every judge, choose the thresholds of the graded on `dev`, and hold all to the labels."""
    agreements: list[Agreement] = []
    flagged: list[Flagged] = []
    scores: dict[str, dict[str, Score]] = {}
    for judge in judges:
        given = scores.setdefault(judge.name, {})
        for done, one in enumerate(sentences):
            progress(judge.name, done, len(sentences))
            given[one.id] = judge.score(one)
        progress(judge.name, len(sentences), len(sentences))
        threshold = choose_kappa(judge, given, sentences) if judge.graded else 1.0
        agreements += [_agree(judge, given, _of(sentences, half), half, threshold) for half in Half]
        agreements += [_agree_on_levels(judge, given, _of(sentences, half), half) for half in Half if judge.levels]
        flagged += _by_kind(judge, given, sentences, threshold)
    return Findings(tuple(agreements), tuple(flagged), scores)


def choose_kappa(judge: Judge, given: Mapping[str, Score], sentences: Sequence[Sentence]) -> float:
    """The threshold, between two scores of the half `dev`, that agrees best; the lowest of equals."""
    own = _of(sentences, Half.DEV)
    values = sorted({value for one in own if (value := given[one.id].value) is not None})
    middles = [fmean(pair) for pair in pairwise(values)] or [1.0]
    return max(middles, key=lambda middle: _agree(judge, given, own, Half.DEV, middle).kappa or 0.0)


def _of(sentences: Iterable[Sentence], half: Half) -> tuple[Sentence, ...]:
    return tuple(one for one in sentences if one.half is half)


def is_faulty(sentence: Sentence, target: Target) -> bool:
    """Whether a judge of that target is to flag the sentence."""
    return (
        sentence.citation is Rightness.WRONG if target is Target.CITATION else sentence.label is not Support.SUPPORTED
    )


def _agree(
    judge: Judge, given: Mapping[str, Score], sentences: Iterable[Sentence], half: Half, threshold: float
) -> Agreement:
    pairs = [
        (is_faulty(one, judge.target), value < threshold)
        for one in sentences
        if (value := given[one.id].value) is not None
    ]
    right = sum(label == flag for label, flag in pairs)
    caught = sum(label and flag for label, flag in pairs)
    return Agreement(
        judge=judge.name,
        target=judge.target,
        half=half,
        threshold=threshold,
        n=len(pairs),
        accuracy=_share(right, len(pairs)),
        interval=wilson(right, len(pairs)) if pairs else None,
        kappa=cohen_kappa(pairs) if pairs else None,
        precision=_share(caught, sum(flag for _, flag in pairs)),
        recall=_share(caught, sum(label for label, _ in pairs)),
    )


def _agree_on_levels(judge: Judge, given: Mapping[str, Score], sentences: Iterable[Sentence], half: Half) -> Agreement:
    pairs = [(LEVELS[one.label], value) for one in sentences if (value := given[one.id].value) is not None]
    right = sum(label == value for label, value in pairs)
    return Agreement(
        judge=judge.name,
        target=Target.LEVEL,
        half=half,
        threshold=1.0,
        n=len(pairs),
        accuracy=_share(right, len(pairs)),
        interval=wilson(right, len(pairs)) if pairs else None,
        kappa=cohen_kappa(pairs) if pairs else None,
        precision=None,
        recall=None,
    )


def _by_kind(
    judge: Judge, given: Mapping[str, Score], sentences: Sequence[Sentence], threshold: float
) -> Iterator[Flagged]:
    for kind in Fault:
        values = [value for one in sentences if one.kind is kind and (value := given[one.id].value) is not None]
        yield Flagged(judge.name, kind, sum(value < threshold for value in values), len(values))


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


# Facts


def is_wordy(fact: str) -> bool:
    """Whether a fact, in all its alternatives, is three words or more without a number, a date or an acronym."""
    parts = fact.split(ALTERNATIVES)
    return all(len(part.split()) >= WORDY and not _EXACT.search(part) and read_figures(part) == NONE for part in parts)


def measure_facts(pairs: Sequence[Pair], embedder: Embedder) -> tuple[FactAgreement, ...]:
    """How matching to the letter agrees with the labels, and what an embedding would add to it for wordy facts."""
    nearness = {one.id: _nearness(one, embedder) for one in pairs}
    threshold = choose_precision([(nearness[one.id], one.is_said) for one in pairs if one.half is Half.DEV])
    ways: dict[str, Callable[[Pair], bool]] = {
        "to the letter": lambda one: says(normalise(one.sentence), one.fact),
        "wordy ones by embedding": lambda one: threshold is not None and nearness[one.id] >= threshold,
    }
    return tuple(
        _match(way, half, [(said(one), one.is_said) for one in pairs if one.half is half], threshold)
        for way, said in ways.items()
        for half in Half
    )


def _nearness(pair: Pair, embedder: Embedder) -> float:
    """The cosine of fact and sentence; 0 for what an embedding is not to decide, or is decided already."""
    if not is_wordy(pair.fact) or says(normalise(pair.sentence), pair.fact):
        return 0.0
    return max(0.0, float(embedder.embed_query(pair.fact) @ embedder.embed_query(pair.sentence)))


def choose_precision(points: Sequence[tuple[float, bool]], precision: float = PRECISION) -> float | None:
    """The lowest threshold from which on enough of (nearness, said) are said; None where there is none."""
    good = [
        value
        for value in {value for value, _ in points if value > 0}
        if fmean(said for other, said in points if other >= value) >= precision
    ]
    return min(good, default=None)


def _match(way: str, half: Half, pairs: Sequence[tuple[bool, bool]], threshold: float | None) -> FactAgreement:
    hits, right = sum(hit for hit, _ in pairs), sum(hit and label for hit, label in pairs)
    return FactAgreement(
        way=way,
        half=half,
        threshold=threshold,
        n=len(pairs),
        hits=hits,
        precision=_share(right, hits),
        recall=_share(right, sum(label for _, label in pairs)),
    )


_CASE = Case.model_construct(id="labelled", kind=CaseKind.SINGLE, question="")
_NO_WORDS = LawWords(())


@dataclass(frozen=True)
class ModelBench:
    """A language model as a judge of the labelled sentences."""

    bench: Bench
    model: ModelJudge

    def judge(self) -> Judge:
        """The model under its name."""
        return Judge(self.model.name, Target.SUPPORT, self.score, levels=True)

    def score(self, sentence: Sentence) -> Score:
        """The level that the model gives."""
        passages = self.bench.passages(sentence)
        return self.model.judge(sentence.sentence, passages, self.bench.corpus) if passages else NOTHING

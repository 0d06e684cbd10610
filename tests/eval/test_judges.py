"""The judge of the judges: its arithmetic, what each judge looks at, and how far they agree with our labels."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import visavis
from eval.case import Half
from eval.judges import (
    Agreement,
    Bench,
    FactAgreement,
    Findings,
    Judge,
    ModelBench,
    Target,
    choose_precision,
    find_named,
    is_wordy,
    measure_facts,
    measure_judges,
)
from eval.judging import ModelJudge
from eval.labelled import Fault, Pair, Sentence, read_pairs, read_sentences
from eval.metrics import cohen_kappa
from eval.score import Score
from ingest.clock import today
from ingest.corpus import Corpus
from ingest.embedding import open_embedder
from ingest.identifiers import AI_ACT, CONVENTION
from ingest.index import Store
from tests.eval.conftest import DAY


class Letters:
    """An embedder of 26 letters: texts with the same letters are alike."""

    name = "letters"
    dimension = 26
    fingerprint = "letters"

    def embed_query(self, text: str) -> NDArray[np.float32]:
        counts = np.array([text.casefold().count(chr(97 + n)) for n in range(26)], dtype=np.float32)
        norm = float(np.linalg.norm(counts))
        return counts / norm if norm else counts

    def embed(self, texts: Sequence[str], progress: Callable[[int], None] | None = None) -> NDArray[np.float32]:
        return np.stack([self.embed_query(text) for text in texts])


def sentence(n: int = 1, text: str = "The Act says the first.", **changes: object) -> Sentence:
    plain: dict[str, Any] = {
        "id": f"sen-{n:03}", "sentence": text, "cites": ["eu-ai-act:art_4/a"], "label": "supported",
        "citation": "right", "kind": "true", "half": "dev", "why": "tests",
    }  # fmt: skip
    return Sentence.model_validate({**plain, **changes})


def silent(_: str, __: int, ___: int) -> None:
    pass


@pytest.fixture
def bench(corpus: Corpus) -> Bench:
    return Bench(corpus, DAY, Letters())


def judge(bench: Bench, name: str, one: Sentence) -> Score:
    return next(judge for judge in bench.judges() if judge.name == name).score(one)


# Arithmetic


def test_kappa() -> None:
    pairs = [(True, True)] * 20 + [(True, False)] * 5 + [(False, True)] * 10 + [(False, False)] * 15
    # agreement 35/50 = 0.7; by chance 25/50·30/50 + 25/50·20/50 = 0.5; (0.7 - 0.5) / 0.5
    assert cohen_kappa(pairs) == pytest.approx(0.4)
    assert cohen_kappa([(1, 1), (2, 2), (3, 3)]) == 1.0
    assert cohen_kappa([(True, True)]) is None


def test_agreement_of_a_judge() -> None:
    labels = ["supported", "supported", "partly", "not", "not"]
    flags: dict[str, Score] = {}
    own = []
    for n, (label, value) in enumerate(zip(labels, (1.0, 0.0, 0.0, 0.0, 1.0), strict=True), 1):
        kind = "true" if label == "supported" else "overstatement"
        own.append(sentence(n, label=label, kind=kind))
        flags[f"sen-{n:03}"] = Score(value)
    own.append(sentence(6))
    flags["sen-006"] = Score(None)
    found = measure_judges([Judge("x", Target.SUPPORT, lambda one: flags[one.id])], own, silent)
    dev = next(one for one in found.agreements if one.half is Half.DEV)
    # flagged: 2, 3, 4; to be flagged: 3, 4, 5; right: 1, 3, 4 of the five that it judged
    assert (dev.n, dev.accuracy, dev.precision, dev.recall) == (5, 3 / 5, 2 / 3, 2 / 3)
    # by chance 3/5·3/5 + 2/5·2/5 = 0.52; (0.6 - 0.52) / 0.48
    assert dev.kappa == pytest.approx(1 / 6)
    assert [(one.flagged, one.n) for one in found.flagged if one.kind is Fault.NONE] == [(1, 2)]
    assert next(one for one in found.agreements if one.half is Half.TEST).n == 0


def test_a_graded_judge_gets_its_threshold_on_dev_alone() -> None:
    grades = {1: 0.9, 2: 0.8, 3: 0.6, 4: 0.1, 5: 0.99, 6: 0.0}
    own = [sentence(n) for n in (1, 2)]
    own += [sentence(n, label="not", kind="overstatement") for n in (3, 4)]
    own += [sentence(5, label="not", kind="overstatement", half="test"), sentence(6, half="test")]
    graded = Judge("x", Target.SUPPORT, lambda one: Score(grades[int(one.id[-1])]), graded=True)
    dev, test = measure_judges([graded], own, silent).agreements
    assert dev.threshold == pytest.approx(0.7)  # between 0.6 and 0.8
    assert (dev.accuracy, test.accuracy) == (1.0, 0.0)


def test_three_levels() -> None:
    own = [sentence(1), sentence(2, label="partly", kind="half cited"), sentence(3, label="not", kind="overstatement")]
    values = {"sen-001": 1.0, "sen-002": 0.0, "sen-003": 0.0}
    found = measure_judges([Judge("x", Target.SUPPORT, lambda one: Score(values[one.id]), levels=True)], own, silent)
    by_target = {(one.target, one.half): one for one in found.agreements}
    assert by_target[Target.SUPPORT, Half.DEV].accuracy == 1.0
    assert by_target[Target.LEVEL, Half.DEV].accuracy == 2 / 3


@pytest.mark.parametrize(
    ("points", "threshold"),
    [
        ([(0.9, True), (0.8, True), (0.7, False)], 0.8),
        ([(0.9, False), (0.8, True)], None),
        ([(0.9, True), (0.9, False)], None),
        ([(0.9, True)] * 19 + [(0.5, False), (0.4, False)], 0.5),  # 19 of 20 are enough, 19 of 21 are not
        ([(0.0, True)], None),
        ([], None),
    ],
)
def test_the_threshold_for_facts(points: list[tuple[float, bool]], threshold: float | None) -> None:
    assert choose_precision(points) == threshold


@pytest.mark.parametrize(
    ("fact", "wordy"),
    [
        ("lodge a complaint", True),
        ("moratorium or ban", True),
        ("public authorities", False),
        ("2 December 2027", False),
        ("up to 7 %", False),
        ("at least two natural persons", False),
        ("one representative per Member State", False),
        ("priority for SMEs first", False),
        ("every four years | regularly and often", False),
    ],
)
def test_which_facts_are_wordy(fact: str, wordy: bool) -> None:
    assert is_wordy(fact) is wordy


def test_an_embedding_never_makes_a_hit_of_another_number() -> None:
    def pair(n: int, fact: str, text: str, label: str) -> Pair:
        return Pair(id=f"fact-{n:03}", fact=fact, sentence=text, label=label, kind="literal", half=Half.DEV)

    pairs = [
        pair(1, "fined 7 per cent", "fined 3 per cent", "unsaid"),
        pair(2, "lodge a complaint", "complain at a lodge", "said"),
    ]
    letters, near = [one for one in measure_facts(pairs, Letters()) if one.half is Half.DEV]
    assert letters.hits == 0
    assert (near.hits, near.precision, near.recall) == (1, 1.0, 1.0)


# What each judge looks at


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("The Convention leaves it out.", (CONVENTION,)),
        ("Under the treaty it is so.", (CONVENTION,)),
        ("The AI Act and the Convention agree.", (AI_ACT, CONVENTION)),
        ("The Convention binds members of the EU.", (CONVENTION,)),
        ("Providers keep logs.", ()),
    ],
)
def test_which_instrument_a_sentence_names(text: str, named: tuple[str, ...]) -> None:
    assert find_named(text) == named


def test_the_citation_is_held_against_the_wording_of_the_day(bench: Bench) -> None:
    assert judge(bench, "citation existence", sentence(cites=["eu-ai-act:art_4a/a"])).value == 1
    assert judge(bench, "citation existence", sentence(cites=["eu-ai-act:art_4/a", "eu-ai-act:art_99"])).value == 0.5


@pytest.mark.parametrize(
    ("text", "cites", "value"),
    [
        ("The Convention says so.", ["eu-ai-act:art_4"], 0.0),
        ("The Convention says so.", ["coe-ai-convention:art_4"], 1.0),
        ("The Convention and the Act say so.", ["eu-ai-act:art_4"], None),
        ("It is so.", ["eu-ai-act:art_4"], None),
    ],
)
def test_the_instrument_named_is_the_one_cited(bench: Bench, text: str, cites: list[str], value: float | None) -> None:
    assert judge(bench, "instrument mismatch", sentence(text=text, cites=cites)).value == value


@pytest.mark.parametrize(
    ("text", "value"),
    [("It lasts 15 days.", 0.0), ("There are 2 points.", 1.0), ("It is the first.", None)],
)
def test_figures_are_those_of_the_cited_text(bench: Bench, text: str, value: float | None) -> None:
    assert judge(bench, "numbers, dates, references", sentence(text=text, cites=["eu-ai-act:art_4"])).value == value


def test_support_by_words_and_by_meaning(bench: Bench) -> None:
    near = sentence(text="Opening words of a heading.", cites=["eu-ai-act:art_4"])
    far = sentence(text="Quick zebras jump.", cites=["eu-ai-act:art_4"])
    for name in ("lexical support", "embedding support"):
        close, distant = judge(bench, name, near).value, judge(bench, name, far).value
        assert close is not None and distant is not None and close > distant
    absent = sentence(cites=["eu-ai-act:art_99"])
    for name in ("lexical support", "embedding support", "must-say matching", "words and meaning", "sentence check"):
        assert judge(bench, name, absent).value == 0, name


def test_a_model_as_a_judge_of_the_labelled(bench: Bench) -> None:
    class Model:
        name = "scripted:one"

        def answer(self, *_: object) -> str:
            return '{"level": "partly", "why": "x"}'

    own = ModelBench(bench, ModelJudge(Model(), 1.0)).judge()
    assert (own.name, own.levels) == ("scripted:one", True)
    assert own.score(sentence()).value == 0.5
    assert own.score(sentence(cites=["eu-ai-act:art_99"])).value == 0


# How far they agree with our labels


@pytest.fixture(scope="module")
def findings(official_store: Store, model_cache: Path) -> Findings:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("XDG_CACHE_HOME", str(model_cache))
        bench = Bench(official_store.corpus, today(), open_embedder())
        return measure_judges(bench.judges(), read_sentences(), silent)


@pytest.fixture(scope="module")
def agreements(findings: Findings) -> Mapping[tuple[str, Half], Agreement]:
    return {(one.judge, one.half): one for one in findings.agreements}


PRECISE = ("citation existence", "instrument mismatch", "numbers, dates, references")


@pytest.mark.parametrize("half", [*Half])
@pytest.mark.parametrize("name", PRECISE)
def test_what_the_computed_scorers_flag_is_wrong(
    agreements: Mapping[tuple[str, Half], Agreement], name: str, half: Half
) -> None:
    assert agreements[name, half].precision == 1.0


@pytest.mark.parametrize(
    ("name", "kind", "share"),
    [
        ("citation existence", Fault.INVENTED, 5 / 7),
        ("instrument mismatch", Fault.SWAPPED, 5 / 6),
        ("numbers, dates, references", Fault.FIGURE, 1.0),
        ("sentence check", Fault.FIGURE, 10 / 11),
        ("sentence check", Fault.UNRELATED, 5 / 6),
    ],
)
def test_each_fault_is_caught_by_its_scorer(findings: Findings, name: str, kind: Fault, share: float) -> None:
    found = next(one for one in findings.flagged if one.judge == name and one.kind is kind)
    assert found.flagged / found.n >= share


@pytest.mark.parametrize(
    ("name", "half", "kappa"),
    [
        ("citation existence", Half.DEV, 0.45),
        ("citation existence", Half.TEST, 0.36),
        ("instrument mismatch", Half.DEV, 0.42),
        ("instrument mismatch", Half.TEST, 0.57),
        ("numbers, dates, references", Half.DEV, 0.66),
        ("numbers, dates, references", Half.TEST, 0.67),
        ("lexical support", Half.DEV, 0.30),
        ("embedding support", Half.DEV, 0.33),
        ("sentence check", Half.DEV, 0.45),
        ("sentence check", Half.TEST, 0.33),
    ],
)
def test_floors_of_agreement(
    agreements: Mapping[tuple[str, Half], Agreement], name: str, half: Half, kappa: float
) -> None:
    found = agreements[name, half].kappa
    assert found is not None and found >= kappa


@pytest.mark.parametrize("name", ["lexical support", "embedding support"])
def test_nearness_alone_is_no_judge(agreements: Mapping[tuple[str, Half], Agreement], name: str) -> None:
    """On the half that they were not tuned on they agree little better than chance: no measure rests on them."""
    found = agreements[name, Half.TEST].kappa
    assert found is not None and found < 0.3, f"{name} has become worth something: say so, and use it"


def test_must_say_matching_is_no_judge_of_sentences(agreements: Mapping[tuple[str, Half], Agreement]) -> None:
    assert agreements["must-say matching", Half.TEST].kappa == 0


@pytest.fixture(scope="module")
def facts(model_cache: Path) -> Mapping[tuple[str, Half], FactAgreement]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("XDG_CACHE_HOME", str(model_cache))
        return {(one.way, one.half): one for one in measure_facts(read_pairs(), open_embedder())}


@pytest.mark.parametrize("half", [*Half])
def test_matching_to_the_letter_makes_no_false_hit(facts: Mapping[tuple[str, Half], FactAgreement], half: Half) -> None:
    found = facts["to the letter", half]
    assert found.precision == 1.0
    assert found.recall is not None and found.recall >= 0.2


def test_the_embedding_adds_nothing_to_must_say(facts: Mapping[tuple[str, Half], FactAgreement]) -> None:
    """Why answers are scored to the letter alone: at the precision asked for, an embedding finds no fact on test."""
    found = facts["wordy ones by embedding", Half.TEST]
    assert found.recall is not None and found.recall < 0.05, "the embedding has become worth something: put it to use"


def test_the_command(
    built_index: Path,
    corpus_dir: Path,
    embedding: None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("VISAVIS_INDEX", str(built_index))
    assert visavis.main(["eval", "judges", "--corpus", str(corpus_dir), "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert {one["judge"] for one in record["agreement"]} >= {*PRECISE, "sentence check"}
    assert "judged" not in record
    assert {one["half"] for one in record["facts"]} == {"dev", "test"}
    assert visavis.main(["eval", "judges", "--corpus", str(corpus_dir)]) == 0
    out = capsys.readouterr().out
    assert "sentence check" in out and "Must-say facts" in out and "lowest that is 0.95 precise" in out

"""The labelled sentences and facts: what is refused, and what the repository's own must hold."""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import ingest.review
from eval.case import Half
from eval.labelled import Fault, Pair, Rightness, Sentence, Support, read_pairs, read_sentences
from ingest.clock import today
from ingest.errors import UsageError
from ingest.index import Store

RUN = 10
SENTENCE: dict[str, Any] = {
    "id": "sen-001",
    "sentence": "The Act bans it.",
    "cites": ["eu-ai-act:art_5/1/f"],
    "label": "supported",
    "citation": "right",
    "kind": "true",
    "half": "dev",
    "why": "so it stands",
}
PAIR = {"id": "fact-001", "fact": "7 %", "sentence": "It is 7 %.", "label": "said", "kind": "literal", "half": "dev"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": "x"}, "labels: Extra inputs are not permitted"),
        ({"label": "mostly"}, "label: "),
        ({"kind": "joke"}, "kind: "),
        ({"half": "train"}, "half: "),
        ({"cites": []}, "cites: "),
        ({"cites": ["art_5"]}, "cites.0: "),
        ({"cites": ["eu-ai-act:article 5"]}, "cites.0: "),
        ({"sentence": ""}, "sentence: "),
        ({"id": "1"}, "id: "),
    ],
)
def test_a_bad_sentence_is_named_with_its_line(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    path = tmp_path / "own.jsonl"
    path.write_text(f"{json.dumps(SENTENCE)}\n\n{json.dumps({**SENTENCE, **changes})}\n", encoding="utf-8")
    with pytest.raises(UsageError) as raised:
        read_sentences(path)
    assert f"own.jsonl, line 3: {message}" in str(raised.value)


@pytest.mark.parametrize("changes", [{"label": "perhaps"}, {"kind": "true"}, {"fact": ""}, {"note": "x"}])
def test_a_bad_pair_is_named_with_its_line(tmp_path: Path, changes: dict[str, Any]) -> None:
    path = tmp_path / "own.jsonl"
    path.write_text(json.dumps({**PAIR, **changes}), encoding="utf-8")
    with pytest.raises(UsageError, match=r"^own\.jsonl, line 1: "):
        read_pairs(path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        read_sentences(tmp_path / "absent.jsonl")


# The repository's own


@pytest.fixture(scope="module")
def sentences() -> tuple[Sentence, ...]:
    return read_sentences()


@pytest.fixture(scope="module")
def pairs() -> tuple[Pair, ...]:
    return read_pairs()


def test_how_many_there_are(sentences: Sequence[Sentence], pairs: Sequence[Pair]) -> None:
    labels = Counter((one.label, one.half) for one in sentences)
    assert len(sentences) == 120
    assert {label: labels[label, Half.DEV] for label in Support} == {
        label: labels[label, Half.TEST] for label in Support
    }
    assert min(labels.values()) >= 14
    assert len({one.id for one in sentences}) == len({one.sentence for one in sentences}) == 120
    assert len(pairs) == len({one.id for one in pairs}) == 120
    for kind in Fault:
        assert {one.half for one in sentences if one.kind is kind} == {*Half}, kind


def test_labels_and_kinds_agree(sentences: Sequence[Sentence]) -> None:
    wrong_place = {Fault.SWAPPED, Fault.UNRELATED}
    for one in sentences:
        assert (one.label is Support.SUPPORTED) == (one.kind is Fault.NONE), one.id
        if one.kind is not Fault.INVENTED:
            assert (one.citation is Rightness.WRONG) == (one.kind in wrong_place), one.id
        if one.citation is Rightness.WRONG:
            assert one.label is Support.NOT, one.id


def test_each_fact_is_said_once_and_unsaid_once_in_one_half(pairs: Sequence[Pair]) -> None:
    for fact in {one.fact for one in pairs}:
        own = [one for one in pairs if one.fact == fact]
        assert sorted(one.label for one in own) == ["said", "unsaid"], fact
        assert len({one.half for one in own}) == 1, fact


def test_every_place_exists_but_those_that_were_invented(sentences: Sequence[Sentence], official_store: Store) -> None:
    corpus = official_store.corpus
    for one in sentences:
        wordings = [(corpus.wording_on(instrument, today()), place) for instrument, place in one.places]
        missing = [str(place) for wording, place in wordings if wording is None or place not in wording]
        invented = one.kind is Fault.INVENTED and one.citation is Rightness.WRONG
        assert bool(missing) == invented, f"{one.id}: {missing}"


def test_no_sentence_is_the_laws(
    sentences: Sequence[Sentence], pairs: Sequence[Pair], official_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest.review, "LONGEST_RUN", RUN)
    law = ingest.review.LawWords(official_store.corpus.expressions)
    texts = {one.id: one.sentence for one in sentences} | {one.id: f"{one.fact} / {one.sentence}" for one in pairs}
    borrowed = {name: [*law.borrowed(text)] for name, text in texts.items()}
    assert {name: runs for name, runs in borrowed.items() if runs} == {}

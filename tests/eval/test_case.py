"""Gold files: what is refused, with which line, and what the repository's own must hold."""

import json
import time
from collections import Counter
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from eval.case import Case, CaseKind, Half, check_places, read_cases, read_located
from eval.gold import Choice, choose_cases, gold_files
from ingest.corpus import Corpus
from ingest.errors import UsageError
from ingest.identifiers import InstrumentId
from ingest.manifest import Use, load_manifest
from ingest.pipeline import read_expressions
from ingest.sources import find_sources

PLAIN: dict[str, Any] = {
    "id": "own-1",
    "kind": "single",
    "question": "Who is bound?",
    "gold": {"eu-ai-act": ["art_2/b"]},
    "author": "tests",
}


def write(folder: Path, *lines: str, name: str = "own.jsonl") -> Path:
    path = folder / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def line(**changes: object) -> str:
    return json.dumps({**PLAIN, **changes})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (line(golden={}), "own.jsonl, line 1: golden: unknown key; allowed are id, kind, "),
        (line(kind="riddle"), "own.jsonl, line 1: kind: "),
        (line(gold={"eu-ai-act": ["article 2"]}), "line 1: gold.eu-ai-act.0: "),
        (line(gold={"EU AI Act": ["art_2"]}), "is no identifier"),
        (line(gold={}), "gold names no provision"),
        (line(kind="comparison"), "a comparison has gold on two sides"),
        (line(kind="dialogue"), "a dialogue has a history"),
        (line(kind="refusal"), "go together"),
        (line(refusal="out_of_corpus"), "go together"),
        (line(id="Own 1"), "line 1: id: "),
        ("[1, 2]", "own.jsonl, line 1: the case: "),
        ('{"id": ', "own.jsonl, line 1: broken JSON (Expecting value at column 8)"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError) as raised:
        list(read_cases(write(tmp_path, text)))
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_broken_json_on_line_1017(tmp_path: Path) -> None:
    lines = [line(id=f"own-{number}") for number in range(1, 1017)]
    with pytest.raises(UsageError, match=r"^own\.jsonl, line 1017: broken JSON"):
        list(read_cases(write(tmp_path, *lines, '{"id": "own-1017",')))


def test_an_id_is_used_once_over_all_files(tmp_path: Path) -> None:
    first, second = write(tmp_path, line()), write(tmp_path, "", line(), name="more.jsonl")
    with pytest.raises(
        UsageError, match=r"^more\.jsonl, line 2: id 'own-1' is used twice, first in own\.jsonl, line 1"
    ):
        list(read_located([first, second]))


@pytest.mark.parametrize("text", ["", "\n\n  \n"])
def test_an_empty_file(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError, match="holds no case"):
        list(read_cases(write(tmp_path, text)))


def test_a_file_that_is_not_there_is_none_or_is_not_utf8(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.jsonl", tmp_path):
        with pytest.raises(UsageError, match="cannot be read"):
            list(read_cases(path))
    latin = tmp_path / "latin.jsonl"
    latin.write_bytes(line().encode() + b'\n{"question": "caf\xe9"}\n')
    with pytest.raises(UsageError, match=r"^latin\.jsonl, line 2: not UTF-8"):
        list(read_cases(latin))


def test_a_line_separator_inside_a_question_ends_no_line(tmp_path: Path) -> None:
    text = json.dumps({**PLAIN, "question": "Who\u2028is bound?"}, ensure_ascii=False)
    assert [case.question for case in read_cases(write(tmp_path, text))] == ["Who\u2028is bound?"]


def test_fifty_thousand_lines(tmp_path: Path) -> None:
    path = write(tmp_path, *(line(id=f"own-{number}") for number in range(50_000)))
    clock = time.process_time()
    assert len(choose_cases(Choice(file=path))) == 50_000
    assert time.process_time() - clock < 20


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"gold": {"eu-ai-act": ["art_2/z"]}}, "own.jsonl, line 1: eu-ai-act has no art_2/z in the wording"),
        ({"also": {"eu-ai-act": ["art_99"]}}, "own.jsonl, line 1: eu-ai-act has no art_99 in the wording"),
        ({"gold": {"eu-ai-akt": ["art_2"]}}, "instrument 'eu-ai-akt' is not in the corpus; it has coe-ai-convention"),
        ({"as_of": "2020-01-01"}, "eu-ai-act has no wording on 2020-01-01"),
        (
            {"gold": {"eu-ai-act": ["art_4a"]}, "as_of": "2025-03-01"},
            "has no art_4a in the wording eu-ai-act@2024-07-12",
        ),
    ],
)
def test_a_place_that_does_not_exist_on_its_day(
    tmp_path: Path, changes: dict[str, Any], message: str, corpus: Corpus
) -> None:
    cases = choose_cases(Choice(file=write(tmp_path, line(**changes))))
    with pytest.raises(UsageError) as raised:
        check_places(cases, corpus, date(2026, 11, 23))
    assert message in str(raised.value)


def test_places_are_held_against_the_wording_of_the_day(tmp_path: Path, corpus: Corpus) -> None:
    cases = choose_cases(Choice(file=write(tmp_path, line(gold={"eu-ai-act": ["art_4a"]}))))
    check_places(cases, corpus, date(2026, 11, 23))
    with pytest.raises(UsageError, match="art_4a"):
        check_places(cases, corpus, date(2025, 3, 1))


def test_halves_and_limit(tmp_path: Path) -> None:
    path = write(tmp_path, *(line(id=f"own-{number}") for number in range(200)))
    halves = {half: choose_cases(Choice(file=path, half=half)) for half in Half}
    sizes = {half: len(cases) for half, cases in halves.items()}
    assert sum(sizes.values()) == 200
    assert all(70 < size < 130 for size in sizes.values())
    assert choose_cases(Choice(file=path, half=Half.DEV, limit=3)) == halves[Half.DEV][:3]


def test_an_unknown_set_names_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"there is no gold set 'riddles'; there are .*comparisons"):
        gold_files(["riddles"])


# The repository's own gold


@pytest.fixture(scope="module")
def gold() -> tuple[Case, ...]:
    return tuple(located.case for located in read_located(gold_files()))


@pytest.mark.parametrize("path", gold_files(), ids=lambda path: path.stem)
def test_every_gold_file_is_valid(path: Path) -> None:
    assert list(read_cases(path))


def test_gold_ids_are_unique_over_all_files(gold: tuple[Case, ...]) -> None:
    assert len({case.id for case in gold}) == len(gold)


def test_both_halves_have_every_kind(gold: tuple[Case, ...], record_property: Callable[[str, object], None]) -> None:
    counts = Counter((case.kind, case.half) for case in gold)
    record_property("cases", {f"{kind}/{half}": counts[kind, half] for kind in CaseKind for half in Half})
    for kind in CaseKind:
        assert counts[kind, Half.DEV] >= 5, f"{kind}: {counts[kind, Half.DEV]} cases in the development half"
        assert counts[kind, Half.TEST] >= 5, f"{kind}: {counts[kind, Half.TEST]} cases in the test half"


def test_no_two_gold_questions_are_the_same(gold: tuple[Case, ...]) -> None:
    asked = Counter((case.history, " ".join(case.question.casefold().split()), case.as_of) for case in gold)
    assert [question for question, times in asked.items() if times > 1] == []


@pytest.fixture(scope="module")
def official(corpus_dir: Path, gold: tuple[Case, ...]) -> Corpus:
    """The instruments that gold names, read from the official texts, with the act that amends one of them."""
    named = {instrument for case in gold for instrument, _ in case.places()} | {InstrumentId("eu-2026-1744")}
    findings = find_sources(load_manifest(), corpus_dir, offline=True)
    sources = [found for found in findings.found if found.source.instrument in named and found.source.use is Use.CORPUS]
    _, expressions, absent = read_expressions(sources, lambda *_: None)
    assert absent == ()
    return Corpus("official", "", expressions)


@pytest.mark.parametrize("path", gold_files(), ids=lambda path: path.stem)
def test_every_gold_place_exists_in_the_wording_of_its_day(path: Path, official: Corpus) -> None:
    check_places(read_located([path]), official)

"""Drafts of gold questions from what readers said of answers."""

import json
from pathlib import Path
from typing import Any

import pytest

from eval.case import Case, read_cases
from eval.from_feedback import draft_cases, write_drafts
from ingest.datafiles import CHECKOUT
from ingest.errors import UsageError
from tests.small_corpus import run_visavis

LINE: dict[str, Any] = {
    "schema": "visavis.feedback/1",
    "id": "0123456789abcdef0123456789abcdef",
    "at": "2026-11-23T10:00:00.000Z",
    "feedback": "wrong_citation",
    "citation": 2,
    "comment": "It is Article 7.",
    "question": "who waters?",
    "as_of": "2026-11-23",
    "intent": "comparison",
    "scope": ["coe-ai-convention", "eu-ai-act"],
    "citations": [
        {"n": 1, "instrument": "eu-ai-act", "pinpoint": "art_5", "expression": "eu-ai-act@2026-07-27:en"},
        {"n": 2, "instrument": "eu-ai-act", "pinpoint": "art_6", "expression": "eu-ai-act@2026-07-27:en"},
        {"n": 3, "instrument": "coe-ai-convention", "pinpoint": "art_3/1", "expression": None},
        {"n": 4, "instrument": "coe-ai-convention", "pinpoint": None, "expression": None},
        {"n": 5, "instrument": "eu-ai-act", "pinpoint": "art_5", "expression": "eu-ai-act@2026-07-27:en"},
    ],
    "refusal": None,
    "corpus": {"id": "0123456789abcdef", "built": "2026-11-23T10:00:00Z"},
}


def write(path: Path, *lines: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(one) + "\n" for one in lines), encoding="utf-8")
    return path


def test_a_draft_holds_the_places_cited_but_the_wrong_one_and_what_is_to_do(tmp_path: Path) -> None:
    (drafted,) = draft_cases(write(tmp_path / "feedback.jsonl", LINE)).drafts
    said = drafted.pop("draft")
    assert said["comment"] == "It is Article 7." and said["on"] == "2026-11-23"
    assert said["to_do"][0] == "put the right place for eu-ai-act art_6, which is said to be wrong"
    case = Case.model_validate(drafted)
    assert (case.id, case.kind, case.question, case.checker) == ("fb-01234567", "comparison", "who waters?", "")
    assert case.gold == {"eu-ai-act": ("art_5",), "coe-ai-convention": ("art_3/1",)}


@pytest.mark.parametrize(
    ("change", "kind", "first"),
    [
        ({"question": None}, "comparison", "write the question: its words were not kept"),
        ({"feedback": "missing", "citation": None}, "comparison", "add the place or the fact that was missing"),
        ({"citation": None}, "comparison", "find which of the places is wrong, and put the right one"),
        ({"feedback": "right", "citation": None}, "comparison", "move places that are right but not needed"),
        ({"intent": "definition"}, "definition", "put the right place"),
        ({"refusal": "unclear"}, "refusal", "put the right place"),
        ({"citations": LINE["citations"][:2]}, "single", "put the right place"),
        (
            {"question": "", "as_of": None, "intent": None, "citations": [], "corpus": None, "scope": []},
            "single",
            "find the places: the answer's entry was deleted",
        ),
    ],
)
def test_each_kind_of_feedback_says_what_is_to_do(
    change: dict[str, Any], kind: str, first: str, tmp_path: Path
) -> None:
    (drafted,) = draft_cases(write(tmp_path / "feedback.jsonl", LINE | change)).drafts
    assert drafted["kind"] == kind
    assert drafted["draft"]["to_do"][0].startswith(first)


def test_a_draft_is_not_taken_for_a_case(tmp_path: Path) -> None:
    path = tmp_path / "drafts.jsonl"
    write_drafts(draft_cases(write(tmp_path / "feedback.jsonl", LINE)), path)
    with pytest.raises(UsageError, match="draft"):
        list(read_cases(path))


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("", "holds no feedback"),
        ("{}\n", "line 1: schema: Field required"),
        (json.dumps(LINE) + "\n" + json.dumps(LINE | {"who": "Ada"}), "line 2: who: Extra inputs are not permitted"),
        (json.dumps(LINE | {"feedback": "bad"}), "line 1: feedback: Input should be 'right'"),
        ("\udcff", "it is no UTF-8"),
    ],
)
def test_a_file_that_is_none_is_one_line(content: str, line: str, tmp_path: Path) -> None:
    path = tmp_path / "feedback.jsonl"
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(UsageError) as caught:
        draft_cases(path)
    assert line in str(caught.value)


def test_the_command_says_how_many_and_keeps_out_of_the_gold(tmp_path: Path) -> None:
    path = write(tmp_path / "feedback.jsonl", LINE, LINE | {"question": None})
    ran = run_visavis("eval", "from-feedback", path, "--output", tmp_path / "drafts.jsonl")
    assert ran.code == 0 and "2 drafts. The question's words were not kept for 1." in ran.out
    refused = run_visavis("eval", "from-feedback", path, "--output", CHECKOUT / "gold" / "mine.jsonl")
    assert refused.code == 2 and "is among the gold" in refused.err
    assert not (CHECKOUT / "gold" / "mine.jsonl").exists()

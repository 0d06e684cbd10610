"""What a model writes, in whatever pieces it arrives: sentences, or why there are no more."""

import pytest

from assistant.drafting import DraftSentence
from assistant.writers.reading import LONGEST_SENTENCE, BrokenText, Reader
from tests.assistant.scripted import claims

ONE = DraftSentence("Each Party shall water its gardens.", (2, 4), ("shall water its gardens",))
TWO = DraftSentence("The Act says nothing of hedges.", (7,), ())


def read(text: str, piece: int = 7) -> list[DraftSentence]:
    reader = Reader()
    found = [one for start in range(0, len(text), piece) for one in reader.read(text[start : start + piece])]
    return [*found, *reader.end()]


JSON = claims(([2, 4], "shall water its gardens", ONE.text), ([7], "", TWO.text))
LINES = f"[2][4] {ONE.text} «shall water its gardens»\n[7] {TWO.text}"


@pytest.mark.parametrize("piece", [1, 7, 5000])
@pytest.mark.parametrize(
    "text",
    [
        JSON,
        f"```json\n{JSON}\n```",
        f"\n  {JSON}\n",
        LINES,
        f"{LINES}\n",
        f"- [2, 4] {ONE.text} «shall water its gardens»\n\n* [7] {TWO.text}\n",
        f"1. [2] [4] {ONE.text} «shall water its gardens»\n2. [7] {TWO.text}",
        f"{ONE.text} [2][4] « shall water its gardens »\n{TWO.text} [7]",
        f"Each Party shall water its gardens [2][4]. «shall water its gardens»\n{TWO.text} [7]",
        f"```\n{LINES}\n```",
    ],
)
def test_sentences_are_read_however_they_come(text: str, piece: int) -> None:
    assert read(text, piece) == [ONE, TWO]


def test_a_sentence_is_given_as_soon_as_it_is_whole() -> None:
    reader = Reader()
    head, tail = JSON[: JSON.index('{"passages": [7]')], JSON[JSON.index('{"passages": [7]') :]
    assert list(reader.read(head)) == [ONE]
    assert list(reader.read(tail)) == [TWO]


@pytest.mark.parametrize("text", ["", "\n\n", '{"claims": []}', "```\n```"])
def test_nothing_is_no_fault(text: str) -> None:
    assert read(text) == []


def test_talk_cites_nothing() -> None:
    assert read("I cannot help with that.") == [DraftSentence("I cannot help with that.", ())]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (JSON[:-40], "unfinished JSON"),
        (JSON[:-2], "unfinished JSON"),
        (JSON.replace('"text": "The Act', '"text" "The Act'), "unfinished JSON"),
        ('{"answer": "yes"}', "another shape"),
        ('{"claims": [{"text": 5, "passages": [1]}]}', "another shape"),
        ('{"claims": [{"text": "a.", "passages": ["1"]}]}', "another shape"),
        ('{"claims": [{"text": "a.", "passages": [true]}]}', "another shape"),
        (LINES[:-8], "broke its answer off"),
        (f"{LINES}\n{LINES}", "repeated itself"),
        ("the law of " * 400, "ran on"),
    ],
)
def test_what_cannot_be_read_on_says_why(text: str, why: str) -> None:
    with pytest.raises(BrokenText, match=why):
        read(text)


def test_what_came_before_the_fault_was_given() -> None:
    reader = Reader()
    given = []
    with pytest.raises(BrokenText):
        for piece in (LINES + "\n", "x" * (LONGEST_SENTENCE + 1)):
            for sentence in reader.read(piece):
                given.append(sentence)
    assert given == [ONE, TWO]

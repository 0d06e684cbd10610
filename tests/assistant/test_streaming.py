"""The answer as it grows, on the official texts: the quotations, then what a model adds, at last what `ask` gives."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from statistics import median
from time import perf_counter

import pytest

from assistant.answer import Answer, ClaimKind, Timings
from assistant.answering import Assistant
from assistant.question import Question
from assistant.settings import Settings
from tests.assistant.contract import faults
from tests.assistant.scripted import Play, Scripted, claims, serve
from tests.small_corpus import run_visavis

QUESTION = "How do the Convention and the AI Act define an AI system?"
TEXT = "The Convention speaks of a machine-based system."
FIRST_ROW_SECONDS = 0.4


def sentence_on(corpus_answer: Answer) -> tuple[list[int], str, str]:
    number = next(one.n for one in corpus_answer.citations if one.label == "Article 2 of the Convention")
    return [number], "machine-based system", TEXT


def plain(answer: Answer) -> Answer:
    """An answer without what differs from one asking to the next."""
    return replace(answer, id="", timings=Timings(), corpus_built="")


@pytest.fixture
def hesitant(assistant: Assistant) -> Iterator[tuple[Assistant, Scripted]]:
    """An assistant whose model says one sentence that stands and then nothing more."""
    quoted = assistant.ask(Question(QUESTION))
    with serve(Play(claims(sentence_on(quoted))[:-2] + ", ", hang=True)) as script:
        settings = Settings(model="openai:scripted", model_base_url=script.address, model_timeout=8)
        yield Assistant.of(assistant.store, settings), script


def test_the_quoting_writer_has_one_item(assistant: Assistant) -> None:
    (only,) = assistant.stream(Question(QUESTION))
    assert plain(only) == plain(assistant.ask(Question(QUESTION)))


def test_the_quotations_come_first_and_need_no_model(
    assistant: Assistant, hesitant: tuple[Assistant, Scripted]
) -> None:
    growing = hesitant[0].stream(Question(QUESTION))
    assert plain(next(growing)) == plain(assistant.ask(Question(QUESTION)))
    assert hesitant[1].asked == [], "the model was asked before anything was shown"
    second = next(growing)
    assert [claim.text for claim in second.summary if claim.kind is ClaimKind.MODEL] == [TEXT]
    growing.close()
    assert hesitant[1].ended.wait(5), "the model's call goes on after the iterator is closed"


def test_ask_gives_the_last_item_and_it_keeps_the_contract(hesitant: tuple[Assistant, Scripted]) -> None:
    answer = hesitant[0].ask(Question(QUESTION))
    assert answer.notices[-1].kind == "model_unavailable" and "8 seconds" in answer.notices[-1].text
    assert answer.writer.model == "openai:scripted"
    record = json.loads(json.dumps(answer.record()))
    assert record["dropped"] == [] and list(faults(record, hesitant[0].corpus)) == []


@pytest.mark.parametrize("question", ["What does Article 205 of the AI Act say?", "What is the weather like in Paris?"])
def test_a_refusal_asks_no_model(question: str, hesitant: tuple[Assistant, Scripted]) -> None:
    (only,) = hesitant[0].stream(Question(question))
    assert only.refusal is not None and hesitant[1].asked == []


def test_the_first_row_comes_at_once(hesitant: tuple[Assistant, Scripted]) -> None:
    seconds = []
    for text in (QUESTION, "What remedies are there?", "Who is bound?", QUESTION, "How is transparency regulated?"):
        began = perf_counter()
        growing = hesitant[0].stream(Question(text))
        assert next(growing).rows
        seconds.append(perf_counter() - began)
        growing.close()
    assert median(seconds) < FIRST_ROW_SECONDS, seconds


def test_ask_prints_the_sentences(assistant: Assistant, built_index: Path, corpus_dir: Path, model_cache: Path) -> None:
    quoted = assistant.ask(Question(QUESTION))
    with serve(Play(claims(sentence_on(quoted)))) as script:
        surroundings = {
            "VISAVIS_INDEX": str(built_index),
            "XDG_CACHE_HOME": str(model_cache),
            "VISAVIS_MODEL": "openai:scripted",
            "VISAVIS_MODEL_BASE_URL": script.address,
            "PYTHONWARNINGS": "",
        }
        ask = ("ask", QUESTION, "--no-build", "--corpus", corpus_dir)
        told, quoting = run_visavis(*ask, **surroundings), run_visavis(*ask, "--writer", "quoting", **surroundings)
        assert len(script.asked) == 1
    assert told.code == quoting.code == 0
    assert f"model: {TEXT}" in told.out and TEXT not in quoting.out
    assert told.out.index("Article 2") > told.out.index(TEXT), "the sources do not come last"

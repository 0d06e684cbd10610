"""The retriever and the runnable, as somebody composes them with LangChain."""

import asyncio

import pytest

from assistant.answer import Record
from assistant.answering import Assistant
from assistant.composing import LawRetriever, make_runnable
from assistant.question import Question
from assistant.settings import Settings
from ingest.clock import today
from ingest.index import Store
from ingest.pinpoint import Pinpoint
from tests.assistant.scripted import Play, claims, serve

QUESTION = "How do the Convention and the AI Act define an AI system?"


@pytest.fixture(scope="module")
def assistant(official_store: Store) -> Assistant:
    return Assistant.of(official_store)


def test_the_retriever_gives_provisions_of_both_sides(assistant: Assistant) -> None:
    documents = LawRetriever(assistant=assistant, k=6).invoke(QUESTION)
    assert {one.metadata["instrument"] for one in documents} >= {"coe-ai-convention", "eu-ai-act"}
    for one in documents:
        wording = assistant.corpus.wording_on(one.metadata["instrument"], today())
        assert wording is not None
        assert wording.at(Pinpoint.parse(one.metadata["pinpoint"])).text == one.page_content
        assert set(one.metadata) == {"instrument", "pinpoint", "expression", "authority", "label", "score"}


def test_the_assistant_is_a_runnable(assistant: Assistant) -> None:
    runnable = make_runnable(assistant)
    record = runnable.invoke(QUESTION)
    assert record["schema"] == "visavis.answer/1"
    batch = runnable.batch([QUESTION, "remedies"])
    awaited = asyncio.run(runnable.ainvoke(QUESTION))
    assert record["citations"] == batch[0]["citations"] == awaited["citations"]


def test_the_runnable_streams_the_record_as_it_grows(assistant: Assistant) -> None:
    runnable = make_runnable(assistant)

    async def gather() -> list[Record]:
        return [record async for record in runnable.astream(QUESTION)]

    for grown in (list(runnable.stream(QUESTION)), asyncio.run(gather())):
        assert [record["schema"] for record in grown] == ["visavis.answer/1"]
        assert grown[-1]["citations"] == runnable.invoke(QUESTION)["citations"]


def test_the_runnable_streams_a_model_s_sentences(official_store: Store) -> None:
    quoted = Assistant.of(official_store).ask(Question(QUESTION))
    number = next(one.n for one in quoted.citations if one.label == "Article 2 of the Convention")
    text = "The Convention speaks of a machine-based system."
    with serve(Play(claims(([number], "machine-based system", text)))) as script:
        settings = Settings(model="openai:scripted", model_base_url=script.address)
        runnable = make_runnable(Assistant.of(official_store, settings))
        first, *_, last = runnable.stream(QUESTION)
    assert first["summary"] == [claim.record() for claim in quoted.summary] and first["writer"]["name"] == "quoting"
    assert last["summary"][-1] == {"text": text, "kind": "model", "citations": [number]}
    assert last["writer"] == {"name": "model", "model": "openai:scripted"}

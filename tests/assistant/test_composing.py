"""The retriever and the runnable, as somebody composes them with LangChain."""

import asyncio

import pytest

from assistant.answering import Assistant
from assistant.composing import LawRetriever, make_runnable
from ingest.clock import today
from ingest.index import Store
from ingest.pinpoint import Pinpoint

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

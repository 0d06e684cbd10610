"""For those who compose with LangChain: our retrieval as a retriever, and the assistant as a runnable."""

from collections.abc import AsyncIterator, Iterator
from threading import Event

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import Runnable, RunnableConfig
from langchain_core.runnables.config import run_in_executor
from pydantic import PrivateAttr

from assistant.answer import Record
from assistant.answering import Assistant
from assistant.question import Question


class LawRetriever(BaseRetriever):
    """Finds at most `k` provisions for a question, each side searched on its own.

    A document's text is the provision's; its metadata name instrument, pinpoint, expression, authority and label.
    """

    k: int = 10
    _assistant: Assistant = PrivateAttr()

    def __init__(self, assistant: Assistant, k: int = 10) -> None:
        super().__init__()
        self.k = k
        self._assistant = assistant

    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:
        corpus = self._assistant.corpus
        answer = self._assistant.search(Question(query))
        documents = []
        for evidence in answer.evidence[: self.k]:
            wording = corpus.wording_on(evidence.instrument, answer.as_of)
            if wording is None:
                continue
            provision = wording.at(evidence.pinpoint)
            metadata = {
                "instrument": evidence.instrument,
                "pinpoint": str(evidence.pinpoint),
                "expression": str(wording.id),
                "authority": str(corpus.authority(provision)),
                "label": corpus.cite(provision),
                "score": evidence.score,
            }
            documents.append(Document(page_content=provision.text, metadata=metadata))
        return documents


class AssistantRunnable(Runnable[str, Record]):
    """The assistant as a runnable: a question in, the answer's record out; `batch` and the async forms work too.

    `stream` gives the record as it grows: first the quotations, then with each sentence of a model that was checked.
    """

    def __init__(self, assistant: Assistant) -> None:
        self._assistant = assistant

    def invoke(self, input: str, config: RunnableConfig | None = None, **kwargs: object) -> Record:  # noqa: A002
        """The record of the finished answer."""
        return self._call_with_config(lambda question: self._assistant.ask(Question(question)).record(), input, config)

    def stream(self, input: str, config: RunnableConfig | None = None, **kwargs: object) -> Iterator[Record]:  # noqa: A002
        """The record as it grows, the finished one last."""
        yield from self._transform_stream_with_config(iter([input]), self._grow, config)

    async def astream(
        self,
        input: str,  # noqa: A002
        config: RunnableConfig | None = None,
        **kwargs: object,
    ) -> AsyncIterator[Record]:
        """The record as it grows, off the event loop; who reads no further ends the model's call."""
        stop = Event()
        growing = self._grow(iter([input]), stop)
        try:
            while (record := await run_in_executor(config, next, growing, None)) is not None:
                yield record
        finally:
            stop.set()

    def _grow(self, questions: Iterator[str], stop: Event | None = None) -> Iterator[Record]:
        for question in questions:
            for answer in self._assistant.stream(Question(question), stop):
                yield answer.record()


def make_runnable(assistant: Assistant) -> AssistantRunnable:
    """The assistant as a runnable."""
    return AssistantRunnable(assistant)

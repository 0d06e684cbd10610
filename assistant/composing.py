"""For those who compose with LangChain: our retrieval as a retriever, and the assistant as a runnable."""

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import Runnable, RunnableLambda
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


def make_runnable(assistant: Assistant) -> Runnable[str, Record]:
    """The assistant as a runnable: a question in, the answer's record out; `batch` and the async forms work too."""

    def answer(question: str) -> Record:
        return assistant.ask(Question(question)).record()

    return RunnableLambda(answer)

"""An assistant and a desk that stand still, for tests of the page around them."""

from dataclasses import replace

from assistant.answer import Answer
from assistant.errors import QuestionError
from assistant.question import Question
from ingest.corpus import Corpus


class StillAssistant:
    """Answers every question with one answer, and refuses the empty one as the real assistant does."""

    def __init__(self, corpus: Corpus, answer: Answer) -> None:
        self.corpus = corpus
        self.answer = answer
        self.asked: list[Question] = []

    def ask(self, question: Question) -> Answer:
        if not question.text.strip():
            raise QuestionError("the question is empty; ask in a sentence.")
        self.asked.append(question)
        return replace(self.answer, question=question.text, as_of=question.as_of)


class StillDesk:
    """A desk whose assistant never changes."""

    def __init__(self, assistant: StillAssistant) -> None:
        self.current = assistant
        self.closed = False

    def assistant(self) -> StillAssistant:
        return self.current

    def close(self) -> None:
        self.closed = True

"""An assistant and a desk that stand still, for tests of the page around them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from threading import Event
from time import sleep

from assistant.answer import Answer, Claim, ClaimKind, Notice, Writer
from assistant.errors import QuestionError
from assistant.question import Question
from assistant.settings import Settings
from ingest.corpus import Corpus


class StillAssistant:
    """Answers every question with one answer, and refuses the empty one as the real assistant does."""

    writes = False

    def __init__(self, corpus: Corpus, answer: Answer) -> None:
        self.corpus = corpus
        self.answer = answer
        self.asked: list[Question] = []

    def ask(self, question: Question) -> Answer:
        *_, finished = self.stream(question)
        return finished

    def stream(self, question: Question, stop: Event | None = None) -> Iterator[Answer]:
        if not question.text.strip():
            raise QuestionError("the question is empty; ask in a sentence.")
        self.asked.append(question)
        text = question.text
        yield replace(self.answer, question=text, standalone_question=text, as_of=question.as_of)


@dataclass
class PonderingAssistant(StillAssistant):
    """Has no model, and takes some seconds to look things up."""

    corpus: Corpus
    answer: Answer
    pace: float = 0.0

    def __post_init__(self) -> None:
        super().__init__(self.corpus, self.answer)

    def stream(self, question: Question, stop: Event | None = None) -> Iterator[Answer]:
        sleep(self.pace)
        yield from super().stream(question, stop)


@dataclass
class WritingAssistant(StillAssistant):
    """Adds sentences to its answer one by one, as a model does, until it is stopped."""

    writes = True

    corpus: Corpus
    answer: Answer
    sentences: int = 3
    pace: float = 0.0

    def __post_init__(self) -> None:
        super().__init__(self.corpus, self.answer)
        self.ended = 0

    def stream(self, question: Question, stop: Event | None = None) -> Iterator[Answer]:
        stop = stop or Event()
        (answer,) = super().stream(question, stop)
        yield answer
        try:
            for number in range(1, self.sentences + 1):
                if stop.wait(self.pace) or stop.is_set():
                    yield replace(answer, notices=(Notice("model_unavailable", "The model was stopped."),))
                    return
                claim = Claim(f"Sentence {number} is written.", ClaimKind.MODEL, (1,))
                answer = replace(answer, writer=Writer("model", "slow"), summary=(*answer.summary, claim))
                yield answer
        finally:
            self.ended += 1


class StillDesk:
    """A desk whose assistant never changes."""

    def __init__(self, assistant: StillAssistant) -> None:
        self.settings = Settings()
        self.current = assistant
        self.closed = False

    def assistant(self) -> StillAssistant:
        return self.current

    def check(self) -> None:
        """Searchable, always."""

    def close(self) -> None:
        self.closed = True

"""A question in, a grounded answer out: analyse, retrieve, write, ground."""

import uuid
from collections.abc import Callable, Generator
from dataclasses import dataclass, field, replace
from functools import cached_property
from threading import Event
from time import perf_counter

from assistant.analysis import Inquiry, analyse
from assistant.answer import Answer, Notice, Timings
from assistant.citing import CitationBook
from assistant.grounding import ground_answer
from assistant.leading import Leading
from assistant.likeness import Bounds, Remembering
from assistant.noted import with_notes
from assistant.prose import Prose
from assistant.question import SIDES, Question
from assistant.ranking import Findings, find_evidence, list_evidence
from assistant.refusing import Objection, find_objection, open_bounds
from assistant.settings import Settings, WriterName
from assistant.standing import notices
from assistant.writers import quoting
from assistant.writers.model import ModelWriter
from assistant.writers.noting import note_notices
from assistant.writers.quoting import Draft
from ingest.concordance import Concordance, load_concordance
from ingest.corpus import Corpus
from ingest.embedding import Embedder, open_embedder
from ingest.guide import Guide, open_guide
from ingest.index import Store


@dataclass(frozen=True)
class Assistant:
    """Answers questions from one open store; `read` understands them."""

    store: Store
    embedder: Embedder
    guide: Guide
    concordance: Concordance
    prose: Prose | None = None
    read: Callable[[Question], Inquiry] = analyse
    bounds: Bounds = field(default_factory=Bounds)

    @classmethod
    def of(cls, store: Store, settings: Settings | None = None) -> "Assistant":
        """An assistant on an open store, with our notes for the texts that it lacks; without settings it quotes alone.

        Raises ModelError where the settings name a model whose package is missing.
        """
        store.corpus = with_notes(store.corpus)
        embedder = open_embedder()
        prose = _open_prose(settings, store.corpus, embedder)
        return cls(store, embedder, open_guide(embedder), load_concordance(), prose, bounds=open_bounds(embedder))

    @cached_property
    def _leading(self) -> Leading:
        return Leading(self.guide)

    @property
    def writes(self) -> bool:
        """Whether a model adds to the quotations, so that an answer grows."""
        return self.prose is not None

    @property
    def corpus(self) -> Corpus:
        """The texts that it answers from."""
        return self.store.corpus

    def ask(self, question: Question) -> Answer:
        """Answer a question, or refuse with the reason; raises QuestionError for one that is none."""
        *_, finished = self.stream(question)
        return finished

    def stream(self, question: Question, stop: Event | None = None) -> Generator[Answer, None, None]:
        """The answer as it grows, each item whole and grounded: first the quotations, last what `ask` gives.

        With a model its sentences come one by one, each after its check. Closing the iterator ends the model's call. So
        does `stop`, which another thread may set: then the last item says so.
        """
        quoted = self._quote(question)
        yield quoted
        if self.prose is not None and quoted.refusal is None:
            yield from self.prose.follow(quoted, stop or Event())

    def _quote(self, question: Question) -> Answer:
        """The answer that needs no model."""
        clock = _Clock()
        inquiry = self.read(self._with_columns(question))
        clock.lap()
        embedder = Remembering(self.embedder)
        findings = self._find(inquiry, embedder)
        clock.lap()
        book = CitationBook(self.corpus, inquiry.as_of)
        objection = find_objection(self.corpus, inquiry, findings, self.bounds, embedder)
        draft = self._write(inquiry, findings, objection, book)
        clock.lap()
        answer = replace(
            self._evidenced(question, inquiry, findings),
            relationship=draft.relationship,
            rows=draft.rows,
            summary=draft.summary,
            citations=tuple(book.citations),
            refusal=objection.refusal if objection else None,
            notices=(
                *note_notices(self.corpus, inquiry.sides, inquiry.as_of),
                *notices(self.corpus, inquiry.sides, inquiry.as_of, book.citations),
                *_language_notice(inquiry),
            ),
            suggestions=quoting.next_questions(findings, (), inquiry.sides),
        )
        ground_answer(answer, self.corpus)
        clock.lap()
        return replace(answer, timings=Timings(*clock.laps))

    def search(self, question: Question) -> Answer:
        """The evidence for a question alone, nothing written."""
        inquiry = self.read(self._with_columns(question))
        return self._evidenced(question, inquiry, self._find(inquiry, self.embedder))

    def _evidenced(self, question: Question, inquiry: Inquiry, findings: Findings) -> Answer:
        """An answer with its evidence, before anything is written."""
        return Answer(
            id=question.id or uuid.uuid4().hex,
            question=question.text,
            standalone_question=inquiry.standalone,
            intent=inquiry.intent,
            as_of=inquiry.as_of,
            scope=inquiry.sides,
            writer=quoting.WRITER,
            corpus_id=self.corpus.id,
            corpus_built=self.corpus.built,
            evidence=list_evidence(findings, inquiry),
        )

    def _with_columns(self, question: Question) -> Question:
        """The question with the columns of the user's own beside the two instruments, unless it was narrowed."""
        if question.scope != SIDES or not question.columns:
            return question
        columns = tuple(dict.fromkeys(one.instrument for one in self.corpus.expressions if one.column))
        return replace(question, scope=(*question.scope, *columns))

    def _find(self, inquiry: Inquiry, embedder: Embedder) -> Findings:
        return find_evidence(self.store, self._leading, self.concordance, embedder, inquiry)

    def _write(self, inquiry: Inquiry, findings: Findings, objection: Objection | None, book: CitationBook) -> Draft:
        if objection is not None and not objection.carries_law:
            return Draft(None, (), ())
        if objection is not None and objection.correction is not None:
            return quoting.write_correction(inquiry, objection.correction, book)
        return quoting.write(self.corpus, inquiry, findings, book)


def _open_prose(settings: Settings | None, corpus: Corpus, embedder: Embedder) -> Prose | None:
    if settings is None or settings.writer is not WriterName.MODEL:
        return None
    return Prose(ModelWriter.of(settings), corpus, embedder)


class _Clock:
    """Milliseconds between laps."""

    def __init__(self) -> None:
        self.laps: list[float] = []
        self._last = perf_counter()

    def lap(self) -> None:
        """End a lap."""
        now = perf_counter()
        self.laps.append((now - self._last) * 1000)
        self._last = now


def _language_notice(inquiry: Inquiry) -> list[Notice]:
    if inquiry.language == "en":
        return []
    return [Notice("language", "The question seems not to be in English; it is answered from the English texts.")]

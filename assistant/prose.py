"""A model's prose beside the quotations: each sentence checked before it is said, mended once, or dropped."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from threading import Event
from time import perf_counter

from assistant.answer import Answer, Claim, ClaimKind, Dropped, Notice, Writer
from assistant.checking import check_sentence, settle_quotes
from assistant.drafting import DraftSentence, Fault
from assistant.errors import ModelError
from assistant.grounding import ground_answer
from assistant.writers.briefing import Brief, find_passages, fit_brief, list_notes
from assistant.writers.model import ModelWriter, Patience
from ingest.corpus import Corpus
from ingest.embedding import Embedder

MODEL = "model"
MOST_MENDED = 3


@dataclass(frozen=True)
class Prose:
    """Adds a model's sentences to an answer that quotes."""

    writer: ModelWriter
    corpus: Corpus
    embedder: Embedder

    def follow(self, quoted: Answer, stop: Event) -> Iterator[Answer]:
        """The answer with one more sentence each time, and at last with what was dropped and why.

        Where the model fails or is stopped, the last has what was said until then, and a notice. Without a passage to
        write from nothing follows.
        """
        brief = fit_brief(make_brief(quoted, self.corpus), self.writer.settings.model_context)
        if not brief.passages:
            return
        began = perf_counter()
        patience = Patience(self.writer.settings.model_timeout, stop)
        page = _Page(replace(quoted, writer=Writer(MODEL, self.writer.name)))
        try:
            for sentence in self._sentences(brief, page, patience):
                page.say(settle_quotes(sentence.text, brief.passages), sentence.passages)
                yield ground_answer(page.answer, self.corpus)
        except ModelError as error:
            page.note("model_unavailable", f"{error}; {page.remains()}")
        else:
            self._note_little(page)
        answer = page.close(quoted.writer, (perf_counter() - began) * 1000)
        yield ground_answer(answer, self.corpus)

    def _sentences(self, brief: Brief, page: "_Page", patience: Patience) -> Iterator[DraftSentence]:
        """The sentences that stand: those of the draft as they come, then those that were mended."""
        with closing(self.writer.draft(brief, patience)) as written:
            for sentence in written:
                faults = self._check(sentence, brief)
                if faults:
                    page.failed.append(_Failed(sentence, faults))
                else:
                    yield sentence
        for failed in [one for one in page.failed if one.sentence.passages][:MOST_MENDED]:
            mended = self._mend(failed, brief, patience)
            if mended is not None and mended.text not in page.said:
                failed.mended = mended.text
                yield mended

    def _mend(self, failed: "_Failed", brief: Brief, patience: Patience) -> DraftSentence | None:
        """The sentence written again so that it stands, or None."""
        cited = [one for one in brief.passages if one.n in failed.sentence.passages] or brief.passages
        try:
            mended = self.writer.mend(failed.sentence, failed.faults, cited, patience)
        except ModelError as error:
            failed.trouble = str(error)
            return None
        return mended if mended is not None and not self._check(mended, brief) else None

    def _check(self, sentence: DraftSentence, brief: Brief) -> tuple[Fault, ...]:
        return check_sentence(sentence, brief.passages, self.corpus, self.embedder, brief.as_of)

    def _note_little(self, page: "_Page") -> None:
        """Say where the model, though it came to its end, gave nothing that a reader sees."""
        if page.said:
            return
        cited = [one for one in page.failed if one.sentence.passages]
        if cited:
            count = f"{len(cited)} sentence{'s' if len(cited) > 1 else ''}"
            page.note("model_dropped", f"The model wrote {count}, none of which the passages carry; {page.remains()}")
        else:
            page.note("model_unavailable", f"The model {self.writer.name} wrote nothing to cite; {page.remains()}")


@dataclass
class _Failed:
    """A sentence that does not stand, why, and what became of it."""

    sentence: DraftSentence
    faults: tuple[Fault, ...]
    mended: str | None = None
    trouble: str = ""

    def record(self) -> Dropped:
        """What the answer keeps of it."""
        reasons = [f"{fault.kind}: {fault.text}" for fault in self.faults]
        if self.trouble:
            reasons.append(f"not mended: {self.trouble}")
        return Dropped(self.sentence.text, "; ".join(reasons), self.mended)


@dataclass
class _Page:
    """An answer as far as it is written."""

    answer: Answer
    said: list[str] = field(default_factory=list)
    failed: list[_Failed] = field(default_factory=list)

    def say(self, text: str, numbers: tuple[int, ...]) -> None:
        """Add a sentence that stands, with the citations that carry it."""
        self.said.append(text)
        claim = Claim(text, ClaimKind.MODEL, numbers)
        self.answer = replace(self.answer, summary=(*self.answer.summary, claim))

    def note(self, kind: str, text: str) -> None:
        """Add a notice."""
        text = text[0].upper() + text[1:]
        self.answer = replace(self.answer, notices=(*self.answer.notices, Notice(kind, text)))

    def remains(self) -> str:
        """What the reader has all the same."""
        if self.said:
            return "what it had written was checked and stands, and the quotations are complete."
        return "the answer is quoted without it."

    def close(self, quoting: Writer, milliseconds: float) -> Answer:
        """The finished answer; where the model said nothing and failed, it is the quoting writer's."""
        answer = self.answer
        timings = replace(answer.timings, write=answer.timings.write + milliseconds)
        unavailable = any(one.kind == "model_unavailable" for one in answer.notices)
        return replace(
            answer,
            writer=quoting if unavailable and not self.said else answer.writer,
            dropped=tuple(one.record() for one in self.failed),
            timings=timings,
        )


def make_brief(quoted: Answer, corpus: Corpus) -> Brief:
    """What the model is told: the question, the words quoted under their numbers, our notes and the rows' relations."""
    return Brief(
        question=quoted.standalone_question,
        as_of=quoted.as_of,
        relationship=quoted.relationship.text if quoted.relationship else "",
        passages=find_passages(quoted.citations, corpus),
        notes=list_notes(quoted.rows, quoted.summary),
    )

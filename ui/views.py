"""From an answer to HTML: pure functions over frozen values; the templates beside them escape all that they print."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined

from assistant.answer import Answer, Citation, Claim, ClaimKind, RefusalReason
from assistant.noted import is_noted
from assistant.question import SIDES
from ingest.application import load_wordings
from ingest.corpus import Corpus
from ingest.identifiers import ExpressionId, InstrumentId
from ingest.instrument import Authority, Expression, Force
from ingest.outline import relation_words
from ingest.pinpoint import Pinpoint
from ingest.redline import Change, Segment
from ingest.status import load_status
from ui.excerpt import Excerpt, find_excerpt


@dataclass(frozen=True, slots=True)
class Mark:
    """What a text weighs, by sign and by word; `name` is the style's."""

    sign: str
    word: str
    name: str


AUTHORITY_MARKS = {
    Authority.LAW: Mark("§", "law", "law"),
    Authority.RECITAL: Mark("¶", "recital", "recital"),
    Authority.EXPLANATORY_REPORT: Mark("‡", "explanatory report", "guidance"),
    Authority.GUIDANCE: Mark("◆", "guidance", "guidance"),
    Authority.COMMENTARY: Mark("✎", "commentary", "commentary"),
    Authority.NOTE: Mark("✱", "note", "note"),
    Authority.STATUS: Mark("◷", "status", "status"),
}
CLAIM_MARKS = {
    ClaimKind.LAW: AUTHORITY_MARKS[Authority.LAW],
    ClaimKind.RECITAL: AUTHORITY_MARKS[Authority.RECITAL],
    ClaimKind.GUIDANCE: AUTHORITY_MARKS[Authority.GUIDANCE],
    ClaimKind.COMMENTARY: AUTHORITY_MARKS[Authority.COMMENTARY],
    ClaimKind.NOTE: AUTHORITY_MARKS[Authority.NOTE],
    ClaimKind.STATUS: AUTHORITY_MARKS[Authority.STATUS],
    ClaimKind.MODEL: Mark("✦", "written by a model", "model"),
    ClaimKind.SILENCE: Mark("∅", "silence", "silence"),
}
FORCE_WORDS = {
    Force.IN_FORCE: "in force",
    Force.NOT_IN_FORCE: "not in force",
    Force.NOT_YET_APPLICABLE: "not yet applicable",
    Force.REPEALED: "repealed",
}
REFUSAL_HEADS = {
    RefusalReason.OUT_OF_CORPUS: "The texts say nothing on this",
    RefusalReason.NO_SUCH_PROVISION: "There is no such provision",
    RefusalReason.FALSE_PREMISE: "The question rests on something that is not so",
    RefusalReason.LEGAL_ADVICE: "This is a question for a lawyer",
    RefusalReason.UNCLEAR: "Please say a little more",
    RefusalReason.INJECTION: "Only questions about the law are answered here",
}
LANGUAGES = {"en": "English", "fr": "French", "de": "German", "nl": "Dutch"}
EXAMPLES = (
    ("Definitions", "How do the Convention and the AI Act define an AI system?"),
    ("Scope", "Do the Convention and the AI Act cover national security and defence?"),
    ("Prohibitions", "Which AI practices are banned, and does the Convention ban any?"),
    ("Remedies", "What remedies and complaints do affected persons have under each?"),
    ("Supervision", "Who oversees compliance under the Convention and under the AI Act?"),
    ("State of play", "Is the Convention in force, and when do the high-risk rules of the AI Act apply?"),
)

_PATH = re.compile(r"(?<![^\s'\"(])(?:~|/|[A-Za-z]:\\)")
_ADDRESS = re.compile(r"https?://[^\s;]+[^\s;.,]")


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of a claim's text; `quoted` where it is the law's words and not ours."""

    text: str
    quoted: bool


@dataclass(frozen=True, slots=True)
class Run:
    """Words of a redline that stay, are struck or are put in, apart from the white space before them."""

    change: Change
    space: str
    words: str


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the table: whose it is, its head, and the number of its colour."""

    instrument: InstrumentId
    name: str
    side: int


@dataclass(frozen=True, slots=True)
class Lacking:
    """A text that the answers do without, and its official address, "" where it has none."""

    name: str
    url: str


def render_masthead() -> str:
    """The name of the house, which begins a new conversation, and the way to the concordance."""
    return _render("masthead.html")


def render_room() -> str:
    """The conversation's frame, with `${welcome}` where gr.HTML sets what comes before the first question."""
    return _render("room.html")


def render_welcome() -> str:
    """What stands in the page before the first question."""
    return _render("welcome.html", examples=EXAMPLES)


def render_state(corpus: Corpus, as_of: date) -> str:
    """The state of the law on a day: what binds, and in which wording."""
    states = tuple((column_name(corpus, side), *_state(corpus, side, as_of)) for side in SIDES)
    return _render("state.html", as_of=as_of, states=states)


def render_missing(corpus: Corpus) -> str:
    """The texts that are missing, where each can be had and what to do, or nothing."""
    return _render("missing.html", missing=tuple(_lacking(line) for line in corpus.missing))


def _lacking(line: str) -> Lacking:
    """What a page may say of a missing text: no path of the server, which the whole line of `visavis doctor` has."""
    head = line.partition(": ")[0]
    address = _ADDRESS.search(line)
    return Lacking("A text cannot be read" if _PATH.search(head) else head, address[0] if address else "")


def render_state_trouble(line: str) -> str:
    """The one line that says why there is no state of the law to show."""
    return _render("state_trouble.html", line=line)


def render_pending(turn: str, question: str) -> str:
    """A turn whose answer is being looked up."""
    return _render("turn.html", turn=turn, question=question, state="pending", line="")


def render_trouble(turn: str, question: str, line: str) -> str:
    """A turn that could not be answered, with the one line that says why and what to do."""
    return _render("turn.html", turn=turn, question=question, state="trouble", line=line)


def render_turn(turn: str, answer: Answer, corpus: Corpus) -> str:
    """A question with its answer, and the passage behind each citation.

    Raises VisavisError when a quotation is not at its offsets in the corpus.
    """
    columns = tuple(Column(one, column_name(corpus, one), _side(one)) for one in _columns(answer))
    return _render(
        "turn.html",
        turn=turn,
        question=answer.question,
        state="answered",
        line=_announcement(answer),
        answer=answer,
        columns=columns,
        searched=", ".join(column_name(corpus, one) for one in answer.refusal.searched) if answer.refusal else "",
        places=tuple(_cited_place(citation, answer, corpus) for citation in answer.citations),
        relation_of=relation_words,
        redline_of=lambda row: tuple(map(_run, row.redline)),
        parts_of=lambda claim: split_parts(claim.text, _quotes(answer, claim.citations)),
        blocks_of=lambda claim: _blocks(answer, claim),
        cited_by=lambda claim: tuple(answer.citation(n) for n in claim.citations),
        terms_of=lambda claim: tuple(term for term in claim.searched.terms if term and term not in claim.text),
        nearest_to=lambda claim: tuple(answer.citation(n) for n in claim.searched.nearest),
        place_of=lambda citation: _place(corpus, citation),
        instrument_name=lambda instrument: column_name(corpus, instrument),
    )


def column_name(corpus: Corpus, instrument: InstrumentId) -> str:
    """The short name of a work as a column head: "Convention", "AI Act"."""
    wordings = corpus.wordings(instrument)
    return _bare(wordings[0].short_title) if wordings else instrument


def split_parts(text: str, quotes: Iterable[str]) -> tuple[Part, ...]:
    """A claim's text cut at the quotations in it, whose quotation marks are taken off: the page sets its own."""
    parts = [Part(text, False)]
    for quote in sorted(set(quotes), key=len, reverse=True):
        parts = [piece for part in parts for piece in _cut(part, quote)]
    return tuple(part for part in parts if part.text)


def _cut(part: Part, quote: str) -> Iterator[Part]:
    before, found, after = part.text.partition(quote)
    if part.quoted or not found:
        yield part
        return
    if before.endswith(("“", '"')) and after.startswith(("”", '"')):
        before, after = before[:-1], after[1:]
    yield Part(before, False)
    yield Part(found, True)
    yield Part(after, False)


def _quotes(answer: Answer, numbers: Iterable[int]) -> tuple[str, ...]:
    return tuple(quote for n in numbers if (quote := answer.citation(n).quote))


def _blocks(answer: Answer, claim: Claim) -> tuple[str, ...]:
    """The quotations that a claim rests on and does not itself contain."""
    return tuple(quote for quote in _quotes(answer, claim.citations) if quote not in claim.text)


def _run(segment: Segment) -> Run:
    words = segment.text.lstrip()
    return Run(segment.change, segment.text[: len(segment.text) - len(words)], words)


def _columns(answer: Answer) -> tuple[InstrumentId, ...]:
    """The instruments that have a cell, those of the scope first."""
    filled = [cell.instrument for row in answer.rows for cell in row.cells]
    return tuple(dict.fromkeys((*(one for one in answer.scope if one in filled), *filled)))


def _side(instrument: InstrumentId) -> int:
    """The colour of an instrument, the same in every answer; all commentary shares the third."""
    return SIDES.index(instrument) + 1 if instrument in SIDES else len(SIDES) + 1


def _announcement(answer: Answer) -> str:
    """What a screen reader says when the answer stands in the page."""
    if answer.refusal is not None:
        return REFUSAL_HEADS[answer.refusal.reason]
    return f"Answer: {_count(len(answer.rows), 'issue')}, {_count(len(answer.citations), 'citation')}."


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


@dataclass(frozen=True, slots=True)
class CitedPlace:
    """What a citation opens: its facts, the words around it where it has any, and what else rests on it."""

    citation: Citation
    mark: Mark
    facts: tuple[str, ...]
    path: tuple[str, ...]
    excerpt: Excerpt | None
    said: tuple[str, ...]


def _cited_place(citation: Citation, answer: Answer, corpus: Corpus) -> CitedPlace:
    expression = corpus.expression(citation.expression) if citation.expression else None
    excerpt = find_excerpt(expression, citation) if expression else None
    said = () if excerpt else tuple(claim.text for claim in answer.claims() if citation.n in claim.citations)
    title = (expression.title,) if expression else ()
    path = (*title, *excerpt.path, _unit_title(excerpt)) if excerpt else title
    mark = AUTHORITY_MARKS[citation.authority]
    return CitedPlace(citation, mark, tuple(_facts(citation, answer.as_of, excerpt, corpus)), path, excerpt, said)


def _unit_title(excerpt: Excerpt) -> str:
    label = excerpt.unit.label
    return f"{label[0].upper()}{label[1:]} {excerpt.unit.heading}".strip()


def _facts(citation: Citation, as_of: date, excerpt: Excerpt | None, corpus: Corpus) -> Iterator[str]:
    """What a reader must know of a cited text: whether it binds, from when, which wording, who changed it."""
    if citation.authority is Authority.NOTE:
        yield "in our own words, not the law’s"
    if citation.force is not None:
        yield f"{FORCE_WORDS[citation.force]} on {long_date(as_of)}"
    if citation.applies_from is not None:
        yield f"{'applies' if citation.applies_from <= as_of else 'will apply'} from {long_date(citation.applies_from)}"
    if citation.expression is not None:
        yield _wording_words(citation.expression)
    if citation.changed_by:
        yield f"changed by {_changer(citation.changed_by, corpus)}"
    if excerpt is not None and excerpt.unit.source.page:
        yield f"page {excerpt.unit.source.page}"
    if citation.as_seen is not None:
        yield f"seen on {long_date(citation.as_seen)}"


def _changer(changed_by: str, corpus: Corpus) -> str:
    """The place of an amending act as printed, from `eu-2026-1744:art_1/4`; as it stands where the act was not read."""
    instrument, _, place = changed_by.partition(":")
    wordings = corpus.wordings(InstrumentId(instrument))
    provision = wordings[-1].get(Pinpoint.parse(place)) if wordings and place else None
    return corpus.cite(provision) if provision else changed_by


def _wording_words(expression: ExpressionId) -> str:
    language = LANGUAGES.get(expression.language, expression.language)
    return f"wording of {long_date(expression.effective)}, {language}"


def _place(corpus: Corpus, citation: Citation) -> str:
    """A citation's label without the instrument, where the column already names it."""
    for wording in corpus.wordings(citation.instrument):
        if citation.label.endswith(f" of {wording.short_title}"):
            return citation.label.removesuffix(f" of {wording.short_title}")
    return citation.label


def _state(corpus: Corpus, instrument: InstrumentId, as_of: date) -> tuple[str, str]:
    """How an instrument stands on a day, and a remark on it."""
    known = corpus.wordings(instrument)
    notes = f"only notes in our own words, on its {_wording_of(known[-1])}" if known and is_noted(known[-1]) else ""
    treaty = load_status().get(instrument)
    if treaty is not None:
        seen = "; ".join(remark for remark in (f"status seen on {long_date(treaty.as_seen)}", notes) if remark)
        if treaty.is_in_force(as_of) and treaty.entered_into_force is not None:
            return f"in force since {long_date(treaty.entered_into_force)}", seen
        return f"not in force as of {long_date(as_of)}", seen
    wording = corpus.wording_on(instrument, as_of)
    if notes or not known:
        return "missing from the texts", notes
    return _wording_state(corpus, wording, as_of) if wording else ("not yet published on that day", "")


def _wording_state(corpus: Corpus, wording: Expression, as_of: date) -> tuple[str, str]:
    remark = _wording_of(wording)
    application = load_wordings().get(str(wording.id))
    if application is not None and as_of < application.in_force:
        return f"as adopted, not in force before {long_date(application.in_force)}", remark
    if wording.id == corpus.wordings(wording.instrument)[0].id:
        return "as adopted", remark
    return f"as amended{_amended_by(corpus, wording)}", remark


def _wording_of(wording: Expression) -> str:
    return f"wording of {long_date(wording.id.effective)}"


def _amended_by(corpus: Corpus, wording: Expression) -> str:
    """The acts that entered into force when the wording took effect: " by Regulation (EU) 2026/1744"."""
    acts = [
        other.short_title
        for other in corpus.expressions
        if (application := load_wordings().get(str(other.id))) is not None
        and other.instrument != wording.instrument
        and application.in_force == wording.id.effective
    ]
    return f" by {', '.join(acts)}" if acts else ""


def long_date(day: date) -> str:
    """The 23rd as "23 November 2026", with spaces that do not break."""
    return f"{day.day}\u00a0{day:%B}\u00a0{day.year}"


def _bare(short_title: str) -> str:
    return short_title.removeprefix("the ")


def _web_address(url: str) -> str:
    """The address if it is one of the web's, else nothing: no other scheme becomes a link."""
    return url if urlsplit(url).scheme in {"http", "https"} else ""


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("ui"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"long_date": long_date, "web_address": _web_address}
    environment.globals |= {
        "claim_marks": CLAIM_MARKS,
        "authority_marks": AUTHORITY_MARKS,
        "force_words": FORCE_WORDS,
        "refusal_heads": REFUSAL_HEADS,
    }
    return environment


def _render(template: str, **values: object) -> str:
    return _environment().get_template(template).render(**values).strip()

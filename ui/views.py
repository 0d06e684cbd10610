"""From an answer to HTML: pure functions over frozen values; the templates beside them escape all that they print."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined

from assistant.answer import Answer, Citation, Claim, ClaimKind, RefusalReason, Row
from assistant.confiding import Destination
from assistant.noted import is_noted
from assistant.question import SIDES
from ingest.application import load_wordings
from ingest.corpus import Corpus
from ingest.identifiers import InstrumentId
from ingest.instrument import Authority, Expression, Force
from ingest.manifest import load_manifest
from ingest.redline import Change, Segment
from ingest.status import load_status
from ui.addresses import fingerprint, passage_address, status_address
from ui.language import Language, Wording, load_wording
from ui.record.policy import Policy


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
    ("definitions", "How do the Convention and the AI Act define an AI system?"),
    ("scope", "Do the Convention and the AI Act cover national security and defence?"),
    ("prohibitions", "Which AI practices are banned, and does the Convention ban any?"),
    ("remedies", "What remedies and complaints do affected persons have under each?"),
    ("supervision", "Who oversees compliance under the Convention and under the AI Act?"),
    ("state", "Is the Convention in force, and when do the high-risk rules of the AI Act apply?"),
)
MARKED = re.compile(r"`([^`\n]+)`|(https?://[^\s<>\"`]*[^\s<>\"`.,;:)\]])")


@dataclass(frozen=True, slots=True)
class Manner:
    """How a turn is shown: in which language, folded or not, and whether its answer is whole or still grows.

    `withheld` is the line that says why the model was not asked, where it was not. Where answers are recorded, readers
    may say what they think of one.
    """

    language: Language = Language.ENGLISH
    is_short: bool = False
    is_whole: bool = True
    withheld: str = ""
    is_recorded: bool = False


PLAINLY = Manner()


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a line of ours: plain, a command, or an official address."""

    text: str
    is_code: bool = False
    url: str = ""


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


def render_masthead() -> str:
    """The name of the house, which begins a new conversation, and the way to the concordance."""
    return _render("masthead.html")


def render_room(
    corpus: Corpus, *, links: bool = True, destination: Destination | None = None, recorded: Policy | None = None
) -> str:
    """The conversation's frame: the welcome, the panel, the question's box and what may be chosen.

    Its words are English; the browser puts those of the reader's language in their place. Without `links` no question
    is taken from an address, and none is put into one. A `destination` stands beside the box: where questions go.
    `recorded` says what is kept of each answer, None where nothing is.
    """
    offered = tuple((one, column_name(corpus, one)) for one in offered_instruments(corpus))
    return _render(
        "room.html",
        examples=EXAMPLES,
        offered=offered,
        languages=tuple(Language),
        links=links,
        destination=destination,
        recorded=recorded,
    )


def offered_instruments(corpus: Corpus) -> tuple[InstrumentId, ...]:
    """What a reader may choose to be answered from: the two instruments, and the columns of the user's own."""
    return (*SIDES, *dict.fromkeys(one.instrument for one in corpus.expressions if one.column))


def render_state(corpus: Corpus, as_of: date, language: Language = Language.ENGLISH, of: str = "") -> str:
    """The state of the law on a day: what binds, and in which wording; `of` is what the page asked for."""
    words = load_wording(language)
    states = tuple((words.work(column_name(corpus, side)), *_state(corpus, side, as_of, words)) for side in SIDES)
    return _render("state.html", language, as_of=as_of, states=states, of=of)


def render_missing(corpus: Corpus, language: Language = Language.ENGLISH) -> str:
    """The texts that are missing, where each can be had and what to do, or nothing."""
    return _render("missing.html", language, missing=corpus.missing)


def render_state_trouble(line: str, of: str = "") -> str:
    """The one line that says why there is no state of the law to show."""
    return _render("state_trouble.html", line=line, of=of)


def render_trouble(turn: str, question: str, line: str, language: Language = Language.ENGLISH) -> str:
    """A turn that could not be answered, with the one line that says why and what to do."""
    return _render("turn.html", language, turn=turn, question=question, state="trouble", line=line)


def render_turn(turn: str, answer: Answer, corpus: Corpus, manner: Manner = PLAINLY) -> str:
    """A question with its answer, and the address of the passage behind each citation."""
    words = load_wording(manner.language)
    columns = tuple(Column(one, column_name(corpus, one), _side(one)) for one in columns_of(answer))
    return _render(
        "turn.html",
        manner.language,
        turn=turn,
        question=answer.question,
        state="answered" if manner.is_whole else "growing",
        line=manner.withheld or _announcement(answer, words, is_whole=manner.is_whole),
        is_short=manner.is_short,
        withheld=manner.withheld,
        is_recorded=manner.is_recorded,
        answer=answer,
        columns=columns,
        searched=", ".join(column_name(corpus, one) for one in answer.refusal.searched) if answer.refusal else "",
        passages=tuple((citation.n, address_passage(citation, answer.as_of)) for citation in answer.citations),
        relation_of=lambda row: _relation(row, corpus, words),
        redline_of=lambda row: paragraphs_of(row.redline),
        parts_of=lambda claim: split_parts(claim.text, _quotes(answer, claim.citations)),
        blocks_of=lambda claim: blocks_below(answer, claim),
        cited_by=lambda claim: tuple(answer.citation(n) for n in claim.citations),
        terms_of=lambda claim: tuple(term for term in claim.searched.terms if term and term not in claim.text),
        nearest_to=lambda claim: tuple(answer.citation(n) for n in claim.searched.nearest),
        place_of=lambda citation: place_in(corpus, citation),
        instrument_name=lambda instrument: column_name(corpus, instrument),
        pieces_of=split_line,
    )


def split_line(text: str) -> tuple[Piece, ...]:
    """A line of ours cut into its plain words, its commands in backticks, and its addresses on official hosts."""
    pieces, end = [], 0
    for found in MARKED.finditer(text):
        code, url = found.groups()
        if url and urlsplit(url).hostname not in _official():
            continue
        pieces += [Piece(text[end : found.start()]), Piece(code or url, is_code=bool(code), url=url or "")]
        end = found.end()
    return tuple(piece for piece in (*pieces, Piece(text[end:])) if piece.text)


@cache
def _official() -> frozenset[str]:
    """The hosts of the official texts."""
    pages = (source.url for source in load_manifest().sources)
    statuses = (status.source for status in load_status().values())
    return frozenset(
        host for url in (*pages, *statuses) if url.startswith("https://") and (host := urlsplit(url).hostname)
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


def blocks_below(answer: Answer, claim: Claim) -> tuple[str, ...]:
    """The quotations that a claim rests on and does not itself contain."""
    return tuple(quote for quote in _quotes(answer, claim.citations) if quote not in claim.text)


def paragraphs_of(segments: Iterable[Segment]) -> tuple[tuple[Run, ...], ...]:
    """A redline in its paragraphs, each the runs that it is made of; those without a word are left out."""
    paragraphs: list[list[Run]] = [[]]
    for segment in segments:
        first, *others = segment.text.split("\n")
        paragraphs[-1] += _runs(segment.change, first)
        paragraphs += (list(_runs(segment.change, one)) for one in others)
    return tuple(tuple(one) for one in paragraphs if any(run.words for run in one))


def _runs(change: Change, text: str) -> Iterator[Run]:
    words = text.strip()
    if text:
        lead = text[: len(text) - len(text.lstrip())]
        yield Run(change, lead, words)
        if words and (after := text[len(lead) + len(words) :]):
            yield Run(Change.KEPT, after, "")


def columns_of(answer: Answer) -> tuple[InstrumentId, ...]:
    """The instruments that have a cell, those of the scope first."""
    filled = [cell.instrument for row in answer.rows for cell in row.cells]
    return tuple(dict.fromkeys((*(one for one in answer.scope if one in filled), *filled)))


def _side(instrument: InstrumentId) -> int:
    """The colour of an instrument, the same in every answer; all commentary shares the third."""
    return SIDES.index(instrument) + 1 if instrument in SIDES else len(SIDES) + 1


def _announcement(answer: Answer, words: Wording, *, is_whole: bool) -> str:
    """What a screen reader says when the answer, or its first part, stands in the page."""
    if answer.refusal is not None:
        return words.say(f"refusal_{answer.refusal.reason}")
    issues, citations = words.count("issues", len(answer.rows)), words.count("citations", len(answer.citations))
    return words.say("ready" if is_whole else "rows_ready", issues=issues, citations=citations)


def _relation(row: Row, corpus: Corpus, words: Wording) -> str:
    """How the instruments stand to each other on an issue; "" where nobody said."""
    if row.only is not None:
        return words.say("relation_only", name=column_name(corpus, row.only))
    return words.say(f"relation_{row.relation}") if row.relation else ""


def address_passage(citation: Citation, as_of: date) -> str:
    """Where the panel finds what a citation opens: its words where they stand, our note, or a treaty's status."""
    if citation.pinpoint is None or citation.expression is None:
        return status_address(citation.instrument, as_of)
    if citation.quote is None or citation.start is None or citation.end is None:
        return passage_address(citation.expression, citation.pinpoint, as_of)
    span, check = (citation.start, citation.end), fingerprint(citation.quote)
    return passage_address(citation.expression, citation.pinpoint, as_of, span, check)


def place_in(corpus: Corpus, citation: Citation) -> str:
    """A citation's label without the instrument, where the column already names it."""
    for wording in corpus.wordings(citation.instrument):
        if citation.label.endswith(f" of {wording.short_title}"):
            return citation.label.removesuffix(f" of {wording.short_title}")
    return citation.label


def _state(corpus: Corpus, instrument: InstrumentId, as_of: date, words: Wording) -> tuple[str, str]:
    """How an instrument stands on a day, and a remark on it."""
    known = corpus.wordings(instrument)
    notes = words.say("notes_only", wording=_wording_of(known[-1], words)) if known and is_noted(known[-1]) else ""
    treaty = load_status().get(instrument)
    if treaty is not None:
        dated = words.say("status_seen", day=words.long_date(treaty.as_seen))
        seen = words.joined(*(remark for remark in (dated, notes) if remark))
        if treaty.is_in_force(as_of) and treaty.entered_into_force is not None:
            return words.say("in_force_since", day=words.long_date(treaty.entered_into_force)), seen
        return words.say("not_in_force", day=words.long_date(as_of)), seen
    wording = corpus.wording_on(instrument, as_of)
    if notes or not known:
        return words.say("missing"), notes
    return _wording_state(corpus, wording, as_of, words) if wording else (words.say("not_published"), "")


def _wording_state(corpus: Corpus, wording: Expression, as_of: date, words: Wording) -> tuple[str, str]:
    remark = _wording_of(wording, words)
    application = load_wordings().get(str(wording.id))
    if application is not None and as_of < application.in_force:
        return words.say("adopted_before", day=words.long_date(application.in_force)), remark
    if wording.id == corpus.wordings(wording.instrument)[0].id:
        return words.say("adopted"), remark
    acts = ", ".join(map(words.work, amending_acts(corpus, wording)))
    return words.say("amended_by", acts=acts) if acts else words.say("amended"), remark


def _wording_of(wording: Expression, words: Wording) -> str:
    return words.say("wording_of", day=words.long_date(wording.id.effective))


def amending_acts(corpus: Corpus, wording: Expression) -> tuple[str, ...]:
    """The acts that entered into force when the wording took effect: "Regulation (EU) 2026/1744"."""
    return tuple(
        other.short_title
        for other in corpus.expressions
        if (application := load_wordings().get(str(other.id))) is not None
        and other.instrument != wording.instrument
        and application.in_force == wording.id.effective
    )


def long_date(day: date) -> str:
    """The 23rd as "23 November 2026", with spaces that do not break."""
    return f"{day.day}\u00a0{day:%B}\u00a0{day.year}"


def _bare(short_title: str) -> str:
    return short_title.removeprefix("the ")


def web_address(url: str) -> str:
    """The address if it is one of the web's, else nothing: no other scheme becomes a link."""
    return url if urlsplit(url).scheme in {"http", "https"} else ""


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("ui"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"long_date": long_date, "web_address": web_address}
    environment.globals |= {
        "claim_marks": CLAIM_MARKS,
        "authority_marks": AUTHORITY_MARKS,
        "page": load_wording(Language.ENGLISH).page,
    }
    return environment


def _render(template: str, language: Language = Language.ENGLISH, **values: object) -> str:
    words = load_wording(language)
    return (
        _environment()
        .get_template(template)
        .render(language=language, say=words.say, count=words.count, day_of=words.long_date, **values)
        .strip()
    )

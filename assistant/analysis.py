"""What is asked: which instruments and places, on which day, about what, and whether it can be answered at all."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from assistant import phrases
from assistant.answer import RefusalReason
from assistant.days import find_day
from assistant.errors import QuestionError
from assistant.glossary import count_known, to_english
from assistant.intrusion import reads_as_order
from assistant.question import SIDES, Intent, Question
from ingest.citation import Citation, find_citations, find_instruments
from ingest.clock import today
from ingest.identifiers import CONVENTION, InstrumentId
from ingest.lexical import fold, stop_words
from ingest.pinpoint import Pinpoint

LONGEST = 8000
ENGLISH = "en"
LANGUAGES = (ENGLISH, "de", "fr")
FEWEST_WORDS = 2
LEANING_WORDS = 2
# What separates the items of a list, how many there are at the least, and how many words one has at the most.
LISTS = ((phrases.LIST, 2, 4), (phrases.NUMBERED, 3, 40), (phrases.SERIES, 3, 7))


@dataclass(frozen=True, slots=True)
class Target:
    """A place that the question names, and the instrument that it names with it."""

    pinpoint: Pinpoint
    instrument: InstrumentId | None


@dataclass(frozen=True, slots=True)
class Inquiry:
    """A question understood: `phrase` is what is asked without names, `subject` its key words, `topics` its parts.

    `sides` are the instruments that the answer is about; `named` those that the question names itself; `foreign` the
    acts outside the corpus that it names.
    """

    text: str
    standalone: str
    intent: Intent
    as_of: date
    scope: tuple[InstrumentId, ...]
    sides: tuple[InstrumentId, ...]
    named: tuple[InstrumentId, ...]
    foreign: tuple[str, ...]
    targets: tuple[Target, ...]
    phrase: str
    subject: str
    topics: tuple[str, ...]
    language: str
    commentary: bool
    obstacle: RefusalReason | None = None
    presupposes: bool = False
    wants_date: bool = False
    is_on_earlier: bool = False
    wants_figure: bool = False


def analyse(question: Question) -> Inquiry:
    """Understand a question, its conversation included; raises QuestionError for one that is none."""
    text = check_text(question.text)
    standalone, inherited = _stand_alone(text, question.history)
    citations = find_citations(text)
    language = _language(text)
    said = text if language == ENGLISH else to_english(_without(text, citations), language)
    named, foreign = _named(text)
    if said is not text:
        named = tuple(dict.fromkeys((*named, *_named(said)[0])))
    if not named and inherited is not None:
        named = _inherited_names(text, inherited)
    targets = _targets(citations)
    as_of, undated = find_day(text, question.as_of)
    phrase = _phrase(undated if said is text else said)
    if inherited is not None:
        phrase = f"{phrase}, {inherited.phrase}".strip(phrases.EDGE)
        targets = targets or inherited.targets
        foreign = foreign or inherited.foreign
    subject = keywords(phrase)
    intent = _intent(said, named, targets, subject)
    sides = _sides(question.scope, named, intent, said)
    return Inquiry(
        text=text,
        standalone=standalone,
        intent=intent,
        as_of=as_of,
        scope=question.scope,
        sides=sides,
        named=named,
        foreign=foreign,
        targets=targets,
        phrase=phrase,
        subject=subject,
        topics=_topics(phrase) if inherited is None and said is text else (),
        language=language,
        commentary=question.commentary,
        obstacle=_obstacle(text, subject, targets, intent, named) or _lost_reference(said, subject, inherited),
        wants_date=bool(phrases.WHEN.search(said)),
        is_on_earlier=bool(phrases.BEFORE.search(said)),
        wants_figure=bool(phrases.HOW_MUCH.search(said)),
        presupposes=len(named) == 1 and is_open(text, language) and not _asks_the_other_too(said),
    )


def check_text(text: str) -> str:
    """The question in one line; raises QuestionError."""
    line = " ".join(text.split())
    if not line:
        raise QuestionError("the question is empty; type one, such as: How do the two instruments define an AI system?")
    if len(line) > LONGEST:
        raise QuestionError(f"the question has {len(line)} characters; {LONGEST} are allowed: shorten it.")
    if not phrases.LETTER.search(line):
        raise QuestionError(f"the question {line[:40]!r} holds no word; type one in words.")
    return line


def _stand_alone(text: str, history: Sequence[str]) -> tuple[str, Inquiry | None]:
    """The question with what it leaves to the conversation filled in, and the turn that it leans on."""
    earlier = [turn for turn in history if phrases.LETTER.search(turn) and not reads_as_order(turn)]
    if not earlier or not _leans(text):
        return text, None
    before = analyse(Question(earlier[-1][:LONGEST], tuple(earlier[:-1]), today()))
    return f"{text} [{before.standalone}]", before


def _leans(text: str) -> bool:
    """Whether a question needs the turn before it: like a reply, pointing back, or with no subject but a measure."""
    language = _language(text)
    said = text if language == ENGLISH else to_english(text, language)
    words = len(_words(keywords(phrases.MEASURE.sub(" ", _phrase(said)))))
    if phrases.REPLY.search(text) or (not words and not find_citations(text)):
        return True
    if words < LEANING_WORDS and not find_citations(text) and not find_instruments(text):
        return True
    return words < 10 and bool(phrases.POINTS_BACK.search(text))


def _named(text: str) -> tuple[tuple[InstrumentId, ...], tuple[str, ...]]:
    """Our instruments that a text names, in order, and the acts outside the corpus."""
    mentions = find_instruments(text)
    ours = dict.fromkeys(one.instrument for one in mentions if one.instrument)
    if phrases.BOTH_TEXTS.search(text):
        ours |= dict.fromkeys(SIDES)
    return tuple(ours), tuple(dict.fromkeys(one.external for one in mentions if not one.instrument))


def _inherited_names(text: str, before: Inquiry) -> tuple[InstrumentId, ...]:
    """What the turn before named, or the other side of it."""
    if phrases.OTHER.search(text) and len(before.named) == 1:
        return tuple(side for side in SIDES if side not in before.named)
    return before.named


def _targets(citations: Iterable[Citation]) -> tuple[Target, ...]:
    named = [Target(place, one.instrument) for one in citations if not one.external for place in one.pinpoints]
    return tuple(dict.fromkeys(named))


def _phrase(text: str) -> str:
    """What is asked, in its own words, without the names of instruments, citations and the talk of comparing."""
    spans = [(one.start, one.end) for one in find_instruments(text)]
    spans += [(one.start, one.end) for one in find_citations(text)]
    for start, end in spans:
        text = text[:start] + " " * (end - start) + text[end:]
    return " ".join(phrases.TALK.sub(" ", text).split()).strip(phrases.EDGE)


def keywords(phrase: str) -> str:
    """The words of a phrase that a search engine can use: those that every question has are left out."""
    kept = " ".join(phrases.FRAME.sub(" ", phrase).split()).strip(phrases.EDGE)
    return kept if phrases.WORD.search(kept) else ""


def _words(text: str) -> list[str]:
    return phrases.WORD.findall(text)


def _topics(phrase: str) -> tuple[str, ...]:
    """The issues of a question that names several: its sentences, or the items of a list; empty for one issue."""
    sentences = [part.strip(phrases.EDGE) for part in phrases.SENTENCE.split(phrase)]
    asked = [one for one in sentences if len(_words(keywords(one))) > 1]
    items = [item.strip(phrases.EDGE) for one in asked or [phrase] for item in _items(one)]
    topics = tuple(dict.fromkeys(items))
    return topics if len(topics) > 1 else ()


def _items(sentence: str) -> list[str]:
    """The items of a list: of two short ones and more ("bans and fines"), of numbered ones, of three; or all of it."""
    for separator, least, longest in LISTS:
        parts = [part.strip(phrases.EDGE) for part in separator.split(sentence)]
        parts = [part for part in parts if keywords(part)]
        if len(parts) >= least and all(len(_words(part)) <= longest for part in parts):
            return parts
    return [sentence]


def _intent(text: str, named: tuple[InstrumentId, ...], targets: tuple[Target, ...], subject: str) -> Intent:
    if phrases.STATUS.search(text) and (CONVENTION in named or not named) and not targets:
        return Intent.STATUS
    if targets and len(_words(subject)) < 2:
        instruments = {one.instrument for one in targets}
        return Intent.PROVISION if len(instruments) == 1 else Intent.COMPARISON
    if len(named) != 1 or phrases.COMPARE.search(text) or _asks_the_other_too(text):
        return Intent.COMPARISON
    return Intent.DEFINITION if phrases.DEFINE.search(text) and len(_words(subject)) < 5 else Intent.SINGLE


def _asks_the_other_too(text: str) -> bool:
    """Whether a question that names one instrument asks in an earlier clause without naming any."""
    mentions = [one.start for one in find_instruments(text)]
    clauses = list(phrases.CLAUSE.finditer(text))
    before = [end.start() for end in clauses if mentions and end.end() <= mentions[0]]
    return bool(before) and len(_words(keywords(_phrase(text[: before[-1]])))) > 1


def _sides(
    scope: tuple[InstrumentId, ...], named: tuple[InstrumentId, ...], intent: Intent, text: str
) -> tuple[InstrumentId, ...]:
    """The instruments to answer from: those named, all of the scope where none is or where they are compared."""
    wanted = tuple(one for one in scope if one in named)
    if intent is Intent.COMPARISON and len(wanted) < 2:
        return scope
    return wanted or tuple(named) or scope


def _without(text: str, citations: Iterable[Citation]) -> str:
    """A text with blanks in the place of its citations."""
    for one in citations:
        text = text[: one.start] + " " * (one.end - one.start) + text[one.end :]
    return text


def _language(text: str) -> str:
    """The language whose everyday words a text has most of, its law words counted where they leave it open."""
    words = [word for word in phrases.WORD.findall(fold(text)) if word not in phrases.EVERYWHERE]
    counts = {language: sum(word in stop_words(language) for word in words) for language in LANGUAGES}
    if not counts[ENGLISH] or (counts[ENGLISH] < FEWEST_WORDS and phrases.ACCENTED.search(text)):
        counts |= {language: counts[language] + count_known(text, language) for language in LANGUAGES[1:]}
    best = max(LANGUAGES, key=lambda language: counts[language])
    return best if counts[best] >= FEWEST_WORDS else ENGLISH


def is_open(text: str, language: str) -> bool:
    """Whether a question is more than whether something is so."""
    return not phrases.YES_NO.match(text) if language == ENGLISH else bool(phrases.OPEN.match(text))


def _wants_advice(text: str, named: tuple[InstrumentId, ...]) -> bool:
    """Whether a question tells of someone's own case and asks what follows for it, rather than what the texts say."""
    if len(named) > 1 or phrases.RESEARCH.search(text):
        return False
    return bool(phrases.FACTS.search(text) and phrases.WISH_FOR_ADVICE.search(text))


def _lost_reference(text: str, subject: str, before: Inquiry | None) -> RefusalReason | None:
    """A question that points at one of several things of which nothing was said before."""
    points = before is None and phrases.ONE_OF_SEVERAL.search(text) and len(_words(subject)) <= LEANING_WORDS
    return RefusalReason.UNCLEAR if points else None


def _obstacle(
    text: str, subject: str, targets: tuple[Target, ...], intent: Intent, named: tuple[InstrumentId, ...]
) -> RefusalReason | None:
    if reads_as_order(text):
        return RefusalReason.INJECTION
    if _wants_advice(text, named):
        return RefusalReason.LEGAL_ADVICE
    if not subject and not targets and intent is not Intent.STATUS and not named:
        return RefusalReason.UNCLEAR
    return None

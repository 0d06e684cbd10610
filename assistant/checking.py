"""Does a sentence that a model wrote say only what the passages that it cites carry.

Every fault is one line that the model can mend the sentence by. What has no fault is not thereby right: its places
exist, its quotations are verbatim, its figures, negations, moods and addressees are the law's, and the words cited come
near enough to it. How near was settled on half of our reviewed sentences; `tests/benchmarks/bench_checks.py` measures.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from importlib import resources
from itertools import chain

from assistant.drafting import DraftSentence, Fault, FaultKind, Passage
from assistant.support import LawClause, content_words, measure_support, read_clauses
from assistant.wording import Manner, Mood, affirms, count_nots, find_addressees, read_manner, stems_of
from ingest.citation import Citation, find_citations, find_instruments
from ingest.corpus import Corpus
from ingest.embedding import Embedder
from ingest.figures import read_figures
from ingest.identifiers import CONVENTION, InstrumentId
from ingest.instrument import Expression
from ingest.naming import AMENDING_ACT
from ingest.pinpoint import Pinpoint
from ingest.references import locate, resolve_references
from ingest.review import count_places, law_figures, without_references

SUPPORT_FLOOR = 0.36
"""The least support of a whole sentence by the passages that it cites."""

CLAUSE_FLOOR = 0.38
"""The least support of each of its clauses."""

MARGIN = 0.15
"""By how much a passage that is not cited may carry a sentence better than those that are."""

SWAP_MARGIN = 0.05
"""By how much the other instrument's passages may carry a clause better than those of the one it names."""

VOTES = 2
"""How many words have to stand under another mood in the law than in the sentence."""

MANY_VOTES = 5
"""How many have to where the sentence nearly copies the law, whatever else the law says."""

LEAST_WORDS = 4
"""How many words of matter a clause needs to be held against the law by itself."""

COPIED = 0.8
"""What share of a clause's words a clause of the law has that it nearly copies."""

TURNED = {Mood.DUTY: Mood.LEAVE, Mood.LEAVE: Mood.DUTY}
"""The mood that each of these two turns into."""

NEAR_COPY = 0.5
"""What share of a clause's words a clause of the law has whose “not” it cannot leave out."""

ALIGNED = 0.9
"""What share of the best clause's agreement another clause of the law needs to be compared with."""

PROMPT_RUN = 6
"""So many words in a row out of what the model was told are its prompt."""

_PERSON = re.compile(
    r"(?<!Annex )\bI(?= [a-z]{2,})(?! (?:and|or|to|of|in|on|is|are|as|by|for)\b)|\b(?:my|me|you|yours?|we|our)\b"
)
_MARKUP = re.compile(
    r"<\s*[a-z/!?][^>]*>?|&(?:#\w+|[a-z]{2,8});|\]\s*\(|!\[|\[[^\]]*\]:|`|\{|\}|</?\||\|>|\[/?INST|<<|>>"
    r"|\b[a-z][a-z0-9+.-]{1,20}://|\b(?:javascript|data|vbscript|mailto|tel|file):\S|\bwww\.\w"
    r"|\b[\w-]+(?:\.[\w-]+)*\.(?:com|net|org|io|eu|info|biz|dev|app|ai|co|xyz|example|test|invalid|onion|ru|cn)\b(?:/|(?=\s|$|[.,;:)]))"
    r"|[\w.+-]+@[\w-]+\.\w+",
    re.IGNORECASE,
)
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff0-\uffff\U000e0000-\U000e007f]"
)
_OTHER_SCRIPT = re.compile("[\u0370-\u1aff\u2c00-\u2dff\u3040-\uabff\uac00-\ud7ff\uff00-\uffef]")
_MARKER = re.compile(r"\[\s*(\d{1,3}(?:\s*[,;]\s*\d{1,3})*)\s*\]")
_QUOTED = re.compile(r"“([^”]*)”|\"([^\"]*)\"|‘([^’]{3,}?)’(?!\w)|(?<!\w)'([^']{3,}?)'(?!\w)|«\s*([^»]*?)\s*»")
_GAP = re.compile(r"\s*(?:\[…\]|\[\.\.\.\]|…|\.\.\.)\s*")
_ONE_SIGN = str.maketrans("‘’“”‑‒–—\u00a0", "''\"\"---- ")
_CLAUSE_END = re.compile(r";\s+|(?<=[.!?])\s+(?=[A-Z“\"])|,?\s+(?=(?:while|whereas|but|whilst)\b)")
_PART_END = re.compile(rf"{_CLAUSE_END.pattern}|,\s+(?=(?:and|or)\b)")
_WITH_UNIT = re.compile(
    r"(?P<number>\d+(?:[.,]\d+)?|\w+)[ -](?P<unit>hours?|days?|weeks?|months?|years?|%|per cent|percent)(?!\w)",
    re.IGNORECASE,
)
_ALIASES = {
    "GDPR": "2016/679",
    "General Data Protection Regulation": "2016/679",
    "LED": "2016/680",
    "Law Enforcement Directive": "2016/680",
    "DSA": "2022/2065",
    "Digital Services Act": "2022/2065",
    "Product Liability Directive": "2024/2853",
    "Machinery Regulation": "2023/1230",
}


@dataclass(frozen=True, slots=True)
class Found:
    """Words quoted, at [start, end) of the text of a passage's provision."""

    passage: int
    start: int
    end: int


def check_sentence(
    sentence: DraftSentence, passages: Sequence[Passage], corpus: Corpus, embedder: Embedder, as_of: date
) -> tuple[Fault, ...]:
    """What in a sentence the passages that it cites do not carry, the gravest first; nothing where it can stand.

    `passages` are all that the model was given: one of these that carries the sentence much better is a fault too.
    """
    faults = (*_find_markup(sentence), *_find_wrong_voice(sentence), *_find_wrong_passages(sentence, passages))
    if faults:
        return tuple(faults)
    cited = tuple(passage for passage in passages if passage.n in sentence.passages)
    plain = DraftSentence(_MARKER.sub("", sentence.text), sentence.passages, sentence.quotes)
    case = _Case(plain, cited, tuple(passages), corpus, embedder, as_of)
    return tuple(dict.fromkeys(_find_faults(case)))


def find_quote(words: str, passages: Iterable[Passage]) -> Found | None:
    """Where passages have words verbatim, white space and the shape of quotation marks and hyphens apart."""
    pattern = re.compile(r"\s+".join(map(re.escape, words.translate(_ONE_SIGN).split())))
    for passage in passages:
        match = pattern.search(passage.provision.text.translate(_ONE_SIGN), passage.start, passage.end)
        if match and words.strip() and _is_whole(passage.provision.text, match):
            return Found(passage.n, match.start(), match.end())
    return None


def settle_quotes(text: str, passages: Sequence[Passage]) -> str:
    """A sentence with each quotation in it in the very signs of the passage; raises nothing, changes no letter."""
    return _QUOTED.sub(lambda match: _in_law_signs(match, passages), text)


def _in_law_signs(match: re.Match[str], passages: Sequence[Passage]) -> str:
    words = next((group for group in match.groups() if group), "")
    found = find_quote(words, passages)
    if found is None:
        return match[0]
    provision = next(passage.provision for passage in passages if passage.n == found.passage)
    return f"“{' '.join(provision.text[found.start : found.end].split())}”"


def _is_whole(text: str, match: re.Match[str]) -> bool:
    """Whether a match begins and ends where words do."""
    before, after = text[: match.start()][-1:], text[match.end() :][:1]
    return not ((before.isalnum() and match[0][:1].isalnum()) or (after.isalnum() and match[0][-1:].isalnum()))


@dataclass(frozen=True, slots=True)
class _Case:
    """A sentence with what it is held against."""

    sentence: DraftSentence
    cited: tuple[Passage, ...]
    given: tuple[Passage, ...]
    corpus: Corpus
    embedder: Embedder
    as_of: date

    @property
    def text(self) -> str:
        """The sentence's words."""
        return self.sentence.text

    def wording(self, passage: Passage) -> Expression:
        """The wording that a passage is of."""
        return self.corpus.expression(passage.provision.expression)

    def support(self, text: str, passages: Sequence[Passage]) -> float:
        """How far passages carry a text."""
        return measure_support(text, passages, self.corpus, self.embedder)


def _find_markup(sentence: DraftSentence) -> Iterator[Fault]:
    for text in (sentence.text, *sentence.quotes):
        found = _MARKUP.search(text) or _UNSEEN.search(text) or _OTHER_SCRIPT.search(text)
        if found:
            yield Fault(FaultKind.MARKUP, f"{found[0]!r} has no place here: no markup, link, code or hidden sign")
    if not re.search(r"[A-Za-z]{2}", sentence.text):
        yield Fault(FaultKind.EMPTY, "the sentence says nothing")


def _find_wrong_voice(sentence: DraftSentence) -> Iterator[Fault]:
    """Words about the model itself, to its reader, or out of what it was told."""
    found = _PERSON.search(_QUOTED.sub(" ", sentence.text))
    if found:
        yield Fault(
            FaultKind.VOICE, f"{found[0]!r}: a sentence speaks of the law, neither of its writer nor to its reader"
        )
    if not _prompt_runs().isdisjoint(_runs(sentence.text)):
        yield Fault(FaultKind.VOICE, "the sentence repeats what the writer was told")


@lru_cache(maxsize=1)
def _prompt_runs() -> frozenset[tuple[str, ...]]:
    files = resources.files("assistant.writers").joinpath("prompts").iterdir()
    return frozenset(run for file in files for run in _runs(file.read_text(encoding="utf-8")))


def _runs(text: str) -> set[tuple[str, ...]]:
    """The runs of PROMPT_RUN words in a text."""
    words = re.findall(r"[a-z]+", text.lower())
    return {tuple(words[n : n + PROMPT_RUN]) for n in range(len(words) - PROMPT_RUN + 1)}


def _find_wrong_passages(sentence: DraftSentence, passages: Sequence[Passage]) -> Iterator[Fault]:
    given = {passage.n for passage in passages}
    named = {int(one) for group in _MARKER.findall(sentence.text) for one in re.findall(r"\d+", group)}
    for number in sorted({*sentence.passages, *named} - given):
        yield Fault(FaultKind.PASSAGE, f"passage {number} was not given; there are {_list(sorted(given))}")
    for number in sorted((named & given) - set(sentence.passages)):
        yield Fault(FaultKind.PASSAGE, f"the sentence names passage {number} but does not cite it")
    if not sentence.passages:
        yield Fault(FaultKind.PASSAGE, "the sentence cites no passage")


def _find_faults(case: _Case) -> Iterator[Fault]:
    yield from _find_altered_quotes(case)
    yield from _find_absent_provisions(case)
    yield from _find_foreign_names(case)
    yield from _find_wrong_figures(case)
    for clause in _split(case.text, _CLAUSE_END):
        yield from _find_clause_faults(case, clause)
    yield from _find_missing_support(case)


def _find_altered_quotes(case: _Case) -> Iterator[Fault]:
    inline = (next((group for group in match if group), "") for match in _QUOTED.findall(case.text))
    for quote in dict.fromkeys((*inline, *case.sentence.quotes)):
        for part in _GAP.split(quote.strip(" \"“”'‘’«»")):
            words = part.strip().rstrip(".,;:")
            if words and find_quote(words, case.cited) is None:
                yield Fault(FaultKind.QUOTATION, f"“{_short(words)}” does not stand in {_numbers(case.cited)}")


def _find_absent_provisions(case: _Case) -> Iterator[Fault]:
    """The places that a sentence names which its instruments lack, or which its passages neither are nor refer to."""
    led_to = _references(case)
    printed = {place for passage in case.cited for one in find_citations(passage.text) for place in one.pinpoints}
    for citation in find_citations(case.text):
        words = case.text[citation.start : citation.end]
        if citation.external and _instrument_called(case, citation.external) is None:
            if not _mentions(case, citation.external):
                yield Fault(FaultKind.PROVISION, f"{words} does not stand in {_numbers(case.cited)}")
            continue
        meant = _meant_wordings(case, citation)
        for place in citation.pinpoints or _completed(case, citation):
            if citation.instrument is None and any(one.contains(place) or place.contains(one) for one in printed):
                continue
            found = [(one.instrument, at.pinpoint) for one in meant if (at := locate(one, place)) is not None]
            if not found:
                names = _list(dict.fromkeys(one.short_title for one in meant)) or "that instrument"
                yield Fault(FaultKind.PROVISION, f"{names} has no {place.house()} in the wording of {case.as_of}")
            elif not any(_touches(one, led_to) for one in found):
                where = _numbers(case.cited)
                yield Fault(FaultKind.PROVISION, f"{place.house()} is neither cited nor named in {where}")


def _meant_wordings(case: _Case, citation: Citation) -> list[Expression]:
    """The wordings that a reference can mean: that of the instrument named with it, else those of the passages."""
    named = citation.instrument or _instrument_called(case, citation.external)
    if named is None:
        return _distinct(case)
    own = [one for one in _distinct(case) if one.instrument == named]
    day = case.corpus.wording_on(named, case.as_of)
    return own or ([day] if day else [])


def _distinct(case: _Case) -> list[Expression]:
    return list({str(passage.provision.expression): case.wording(passage) for passage in case.cited}.values())


def _completed(case: _Case, citation: Citation) -> tuple[Pinpoint, ...]:
    """What "paragraph 3" can mean: that of a cited unit which has it; nothing where no passage's unit has one."""
    found = []
    for place in citation.relative:
        for passage in case.cited:
            unit, labels = passage.provision.pinpoint.unit, "/".join(part.label for part in place if part.label)
            if not labels:
                found.append(unit)
                continue
            at = locate(case.wording(passage), Pinpoint.parse(f"{unit}/{labels}")) if labels.isascii() else None
            if at is not None:
                found.append(at.pinpoint)
    return tuple(found)


def _references(case: _Case) -> set[tuple[InstrumentId, Pinpoint]]:
    """The places that passages are of, and those that they refer to."""
    places: set[tuple[InstrumentId, Pinpoint]] = set()
    for passage in case.cited:
        places.add((passage.instrument, passage.provision.pinpoint))
        wording = case.wording(passage)
        places |= {(passage.instrument, one.pinpoint) for one in wording.ancestors(passage.provision)}
        for reference in resolve_references(wording, passage.provision):
            if reference.instrument is not None:
                places |= {(reference.instrument, target) for target in reference.targets}
    return places


def _touches(place: tuple[InstrumentId, Pinpoint], places: Iterable[tuple[InstrumentId, Pinpoint]]) -> bool:
    instrument, pinpoint = place
    return any(instrument == whose and (pinpoint.contains(at) or at.contains(pinpoint)) for whose, at in places)


def _find_foreign_names(case: _Case) -> Iterator[Fault]:
    """The instruments that a sentence names and none of its passages is of or names."""
    allowed = _carried_instruments(case)
    for mention in find_instruments(case.text):
        instrument = mention.instrument or _instrument_called(case, mention.external)
        words = case.text[mention.start : mention.end]
        if instrument is None:
            if not _mentions(case, mention.external):
                yield Fault(FaultKind.INSTRUMENT, f"{words} is not named in {_numbers(case.cited)}")
        elif instrument not in allowed and not mention.by_body:
            yield Fault(FaultKind.INSTRUMENT, f"{_numbers(case.cited)} is not of {words}")


def _carried_instruments(case: _Case) -> set[InstrumentId]:
    texts = [f"{passage.text} {case.wording(passage).title}" for passage in case.cited]
    named = {one.instrument for text in texts for one in find_instruments(text) if one.instrument}
    amended = {AMENDING_ACT} if any(passage.provision.changed_by for passage in case.cited) else set()
    return named | amended | {passage.instrument for passage in case.cited}


def _instrument_called(case: _Case, name: str) -> InstrumentId | None:
    """The instrument of the corpus that goes by a name which is none of the two's."""
    wanted = _folded(name)
    named = (one for one in case.corpus.expressions if wanted and _folded(one.short_title) == wanted)
    return next((one.instrument for one in named), None)


def _mentions(case: _Case, name: str) -> bool:
    """Whether the passages have a name, or the number that it stands for."""
    held = " ".join(_folded(passage.text) for passage in case.cited)
    number = re.search(r"\d+/\d+", name)
    return _folded(name) in held or _ALIASES.get(name, number[0] if number else "\0") in held


def _folded(name: str) -> str:
    return re.sub(r"^the ", "", " ".join(name.translate(_ONE_SIGN).casefold().split()))


def _find_wrong_figures(case: _Case) -> Iterator[Fault]:
    """The dates and numbers that no cited passage has, and those that it has of something else."""
    places = tuple((passage.provision.expression, passage.provision.pinpoint) for passage in case.cited)
    wordings = {one.id: one for one in _distinct(case)}
    held = read_figures(" ".join(map(str, count_places(places, wordings))))
    for passage in case.cited:
        held |= law_figures(passage.provision)
    said = without_references(case.text)
    for figure in read_figures(said).missing_from(held):
        yield Fault(FaultKind.FIGURE, f"{figure} does not stand in {_numbers(case.cited)}")
    measured = set().union(*(_measures(passage.provision.text) for passage in case.cited))
    for number, unit in sorted(_measures(said) - measured):
        if any(its == unit for _, its in measured):
            yield Fault(FaultKind.FIGURE, f"{number} {unit} does not stand in {_numbers(case.cited)}")


def _measures(text: str) -> set[tuple[str, str]]:
    """The numbers of a text with the unit that they count: 15 days, 7 %."""
    found = set()
    for match in _WITH_UNIT.finditer(" ".join(text.split())):
        numbers = read_figures(f"{match['number']} {match['unit']}").numbers
        unit = re.sub(r"s$|^per cent$|^percent$", "", match["unit"].casefold()) or "%"
        found |= {(number, unit) for number in numbers}
    return found


def _split(text: str, end: re.Pattern[str]) -> list[str]:
    """The clauses of a sentence, none too short to be held against the law by itself."""
    clauses: list[str] = []
    for clause in filter(None, map(str.strip, end.split(text))):
        if clauses and (len(content_words(clause)) < LEAST_WORDS or len(content_words(clauses[-1])) < LEAST_WORDS):
            clauses[-1] = f"{clauses[-1]}, {clause}"
        else:
            clauses.append(clause)
    return clauses


def _find_clause_faults(case: _Case, clause: str) -> Iterator[Fault]:
    named = {one.instrument for one in find_instruments(clause) if one.instrument and not one.by_body}
    own = tuple(passage for passage in case.cited if passage.instrument in named) or case.cited
    other = tuple(passage for passage in case.cited if passage not in own)
    if other and case.support(clause, other) > case.support(clause, own) + SWAP_MARGIN:
        text = f"“{_short(clause)}” is carried by {_numbers(other)}, which is not of that instrument"
        yield Fault(FaultKind.INSTRUMENT, text)
    manner = read_manner(clause)
    law = [one for passage in own for one in read_clauses(passage, case.corpus)]
    aligned = _align(clause, law)
    yield from _find_wrong_addressees(case, clause, manner, own)
    if aligned.clauses:
        yield from _find_wrong_manner(clause, manner, aligned, law)


@dataclass(frozen=True, slots=True)
class _Aligned:
    """The clauses of the law that share most words with a clause; those that it nearly copies, and comes near to."""

    clauses: tuple[LawClause, ...]
    copied: tuple[LawClause, ...]
    near: tuple[LawClause, ...]


def _align(clause: str, law: Sequence[LawClause]) -> _Aligned:
    """The clauses of the law that share most words with the parts of a clause."""
    found: dict[LawClause, None] = {}
    for part in _split(clause, _PART_END):
        terms = _terms(part)
        shared = [len(terms & one.terms) for one in law]
        best = max(shared, default=0)
        found |= dict.fromkeys(one for one, count in zip(law, shared, strict=True) if count >= ALIGNED * best)
    terms = _terms(clause)
    copied = tuple(one for one in found if len(terms & one.terms) >= COPIED * len(terms))
    near = tuple(one for one in found if len(terms & one.terms) >= NEAR_COPY * len(terms))
    return _Aligned(tuple(found), copied, near)


def _terms(text: str) -> frozenset[str]:
    return frozenset(term for word in content_words(text) for term in stems_of(word))


def _find_wrong_addressees(case: _Case, clause: str, manner: Manner, own: Sequence[Passage]) -> Iterator[Fault]:
    """The addressees that passages do not speak of: the first of a clause not at all, others not in their article."""
    near = {name for one in own for part in read_clauses(one, case.corpus) for name in part.manner.addressees}
    near |= {name for one in own for heading in _headings(case.wording(one), one) for name in find_addressees(heading)}
    near |= {"Party"} if CONVENTION in {one.instrument for one in own} else set()
    units = (case.wording(one).at(one.provision.pinpoint.unit).text for one in own)
    held = near | {name for unit in units for name in find_addressees(unit)}
    for name in sorted(manner.addressees - held | {one for one in manner.subjects if one not in near}):
        yield Fault(FaultKind.ADDRESSEE, f"{_numbers(own)} does not speak of any {name} here")


def _headings(wording: Expression, passage: Passage) -> Iterator[str]:
    """The headings above a passage, and those of the places in its wording that it refers to."""
    yield wording.heading_path(passage.provision)
    for reference in resolve_references(wording, passage.provision):
        if reference.instrument == wording.instrument:
            yield from (wording.at(place).heading for place in reference.targets if place in wording)


def _find_wrong_manner(clause: str, manner: Manner, aligned: _Aligned, law: Sequence[LawClause]) -> Iterator[Fault]:
    numbers = _list(sorted({one.passage for one in aligned.clauses}))
    said = frozenset[Mood]().union(*(one.manner.moods for one in aligned.clauses))
    wrong = _find_wrong_moods(manner, aligned.clauses, said)
    if aligned.copied:
        wrong |= _ungoverned(manner, aligned.copied, MANY_VOTES)
    wrong |= set(_find_turned_verbs(manner, law))
    for mood in sorted(wrong - {Mood.BAR}):
        yield Fault(FaultKind.MODAL, f"passage {numbers} states {_list(sorted(said))}, not {mood}: keep its own verb")
    denied = (manner.says_not and not any(one.manner.denies for one in law)) or Mood.BAR in wrong
    if denied or _denies_what_stands(manner, aligned, law):
        yield Fault(FaultKind.NEGATION, f"“{_short(clause)}” denies what passage {numbers} does not deny")
    if _leaves_out_not(clause, manner, aligned):
        yield Fault(FaultKind.NEGATION, f"“{_short(clause)}” leaves out a “not” of passage {numbers}")


def _find_wrong_moods(manner: Manner, aligned: Sequence[LawClause], said: frozenset[Mood]) -> set[Mood]:
    """The moods of a clause that the law has neither in its verbs, nor for these words, nor in other words."""
    answered = frozenset[Mood]().union(*(one.manner.answers for one in aligned))
    if Mood.LEAVE in said and said.isdisjoint({Mood.DUTY, Mood.BAR}):
        answered -= {Mood.DUTY}
    return ({mood for mood in manner.moods - said if said} | _ungoverned(manner, aligned, VOTES)) - answered


def _ungoverned(manner: Manner, aligned: Sequence[LawClause], votes: int) -> set[Mood]:
    """The moods of a clause under which the law puts none of at least `votes` words that stand under them there."""
    law: dict[str, set[Mood]] = {}
    for one in aligned:
        for mood, stems in one.manner.governed:
            for stem in stems:
                law.setdefault(stem, set()).add(mood)
    wrong = set()
    for mood, stems in manner.governed:
        held = [law[stem] for stem in stems if stem in law]
        if mood in manner.moods and len(held) >= votes and not any(mood in its for its in held):
            wrong.add(mood)
    return wrong


def _find_turned_verbs(manner: Manner, law: Sequence[LawClause]) -> Iterator[Mood]:
    """The moods under which a clause puts a verb that the law has only under another: "may cancel", "shall cancel"."""
    own: dict[str, set[Mood]] = {}
    for mood, verb in chain.from_iterable(one.manner.verbs for one in law):
        own.setdefault(verb, set()).add(mood)
    for mood, verb in manner.verbs:
        turned = TURNED.get(mood)
        if mood in manner.moods and turned in own.get(verb, ()) and mood not in own[verb]:
            yield mood


def _denies_what_stands(manner: Manner, aligned: _Aligned, law: Sequence[LawClause]) -> bool:
    """Whether a clause denies words that a clause of the law has and none denies."""
    held = [stems for one in law for stems in one.manner.negated]
    for stems in (one for one in manner.negated if len(one) > 1):
        known = any(len(stems & other) > 1 for other in held)
        if not known and any(affirms(one.text, stems) for one in aligned.clauses):
            return True
    return False


def _leaves_out_not(clause: str, manner: Manner, aligned: _Aligned) -> bool:
    """Whether a clause without any denial stands for denied words, or nearly copies them without their "not"."""
    if not manner.denies and all(one.manner.is_denied for one in aligned.clauses):
        return True
    terms = _terms(clause)
    for one in aligned.copied:
        own = _terms(one.sentence)
        if len(terms & own) >= COPIED * len(own) and count_nots(clause) < count_nots(one.sentence):
            return True
    held = (*aligned.copied, *(aligned.near if not manner.denies else ()))
    negated = [stems for one in held for stems in one.manner.negated if stems]
    return not manner.says_not and any(affirms(clause, stems) for stems in negated)


def _find_missing_support(case: _Case) -> Iterator[Fault]:
    if case.support(case.text, case.cited) < SUPPORT_FLOOR:
        yield Fault(FaultKind.SUPPORT, f"{_numbers(case.cited)} does not carry this")
        return
    units = {(passage.instrument, passage.provision.pinpoint.unit) for passage in case.cited}
    others = [one for one in case.given if (one.instrument, one.provision.pinpoint.unit) not in units]
    parts = [part for part in _split(case.text, _PART_END) if len(content_words(part)) >= LEAST_WORDS]
    for part in dict.fromkeys((case.text, *parts)):
        support = case.support(part, case.cited)
        if part != case.text and support < CLAUSE_FLOOR:
            yield Fault(FaultKind.SUPPORT, f"{_numbers(case.cited)} does not carry “{_short(part)}”")
        for passage in others:
            if case.support(part, (passage,)) > support + MARGIN:
                text = f"passage {passage.n}, not {_numbers(case.cited)}, carries “{_short(part)}”"
                yield Fault(FaultKind.SUPPORT, text)


def _numbers(passages: Iterable[Passage]) -> str:
    return f"passage {_list(sorted({passage.n for passage in passages}))}"


def _list(parts: Iterable[object]) -> str:
    return ", ".join(map(str, parts))


def _short(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:79]}…"

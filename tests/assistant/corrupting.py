"""Correct sentences with the passages that carry them, and what a careless or hostile model would make of them.

Three forms of correct sentence: our reviewed notes (free paraphrase), the law's own clauses without quotation marks
(close copy), and clauses of the law quoted. Everything is seeded: the same texts give the same corruptions.
"""

import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from hashlib import sha256
from itertools import chain

from assistant.checking import check_sentence
from assistant.drafting import DraftSentence, Fault, Passage
from assistant.support import read_clauses
from assistant.wording import Mood, read_manner
from ingest.concordance import load_concordance
from ingest.corpus import Corpus
from ingest.embedding import Embedder
from ingest.identifiers import AI_ACT, CONVENTION
from ingest.instrument import Authority, Expression, Provision, ProvisionKind
from ingest.notes import load_note_files

DEV, TEST = "dev", "test"
ABSENCE = "absence"
"""The form of a sentence that says what a text does not say: no words that it could cite carry that."""

_ABSENT = re.compile(
    r"\b(has|have|names|knows|contains|provides for|fixes|sets|speaks of|says|lists|gives) (no|none|nothing)\b"
    r"|\b(does|do) not (speak|deal|name|say|mention|divide|know|provide|have|contain|regulate|define|ask|list)\b"
    r"|\bno such\b|\bsilent\b|\bnothing of\b",
    re.IGNORECASE,
)
PARAGRAPHS = frozenset({ProvisionKind.PARAGRAPH, ProvisionKind.SUBPARAGRAPH, ProvisionKind.ARTICLE})
GIVEN = 6
EACH = 12
SEED = 20261123

SHORT_NAMES = {CONVENTION: "the Convention", AI_ACT: "the AI Act"}


@dataclass(frozen=True, slots=True)
class Good:
    """A correct sentence, and what the model would have been given: the passages cited first, then others."""

    form: str
    half: str
    sentence: DraftSentence
    passages: tuple[Passage, ...]

    @property
    def text(self) -> str:
        return self.sentence.text

    @property
    def cited(self) -> tuple[Passage, ...]:
        return tuple(passage for passage in self.passages if passage.n in self.sentence.passages)


@dataclass(frozen=True, slots=True)
class Corruption:
    """A sentence that must not be shown, with the kind of harm done to a correct one."""

    kind: str
    good: Good
    sentence: DraftSentence


def half_of(text: str) -> str:
    """The half that a sentence is in, for good: thresholds are learnt on one and reported on the other."""
    return DEV if sha256(text.encode()).digest()[0] % 2 else TEST


def reviewed_sentences(corpus: Corpus) -> list[Good]:
    """Our notes and the concordance's notes, each with the places that carry it."""
    found = []
    for file in load_note_files():
        wording = corpus.expression(file.wording)
        for one in (sentence for note in file.note for sentence in note.sentences):
            found.append((one.text, tuple(wording.at(place) for place in one.cites)))
    concordance = load_concordance()
    for one in (sentence for row in concordance.correspondence for sentence in row.note):
        places = tuple(corpus.expression(concordance.wordings[whose]).at(place) for whose, place in one.places)
        found.append((one.text, places))
    said = [one for one in found if not _ABSENT.search(one[0])]
    unsaid = [one for one in found if _ABSENT.search(one[0])]
    return [*_with_passages(corpus, "paraphrase", said), *_with_passages(corpus, ABSENCE, unsaid)]


def law_sentences(corpus: Corpus, form: str) -> list[Good]:
    """Whole clauses of the two instruments, copied ("copy") or between quotation marks ("quotation")."""
    found = []
    for identity in load_concordance().wordings.values():
        wording = corpus.expression(identity)
        for provision in wording.provisions:
            for clause in _plain_clauses(corpus, wording, provision):
                if form == "copy":
                    text = f"Under {SHORT_NAMES[wording.instrument]}, {clause[:1].lower()}{clause[1:]}"
                else:
                    words = " ".join(clause.rstrip(".").split()[:24])
                    text = f"On this {SHORT_NAMES[wording.instrument]} says: “{words}”."
                found.append((text, (provision,)))
    return _with_passages(corpus, form, found)


def _plain_clauses(corpus: Corpus, wording: Expression, provision: Provision) -> Iterator[str]:
    """The sentences of a paragraph that stand for themselves and say what is to be done."""
    if provision.kind not in PARAGRAPHS or wording.children(provision.pinpoint):
        return
    for clause in read_clauses(Passage.of(corpus, 1, provision), corpus):
        text = re.sub(r"^\(?\w{1,4}[.)]?\s(?=[A-Z])", "", " ".join(clause.text.split()))
        whole = clause.text in provision.text and text.endswith(".") and text[:1].isupper()
        if whole and 8 <= len(text.split()) <= 45 and read_manner(text).moods & {Mood.DUTY, Mood.LEAVE, Mood.BAR}:
            yield text


def _with_passages(corpus: Corpus, form: str, found: Sequence[tuple[str, tuple[Provision, ...]]]) -> list[Good]:
    wordings = [corpus.expression(identity) for identity in load_concordance().wordings.values()]
    pool = [one for wording in wordings for one in wording.provisions if one.kind in PARAGRAPHS]
    return [
        Good(
            form,
            half_of(text),
            DraftSentence(text, tuple(range(1, len(places) + 1))),
            tuple(Passage.of(corpus, n, one) for n, one in enumerate((*places, *_others(text, places, pool)), start=1)),
        )
        for text, places in found
    ]


def _others(text: str, places: Sequence[Provision], pool: Sequence[Provision]) -> list[Provision]:
    """Other passages that the model has before it: of other units of either instrument."""
    chosen: list[Provision] = []
    units = {(one.expression.instrument, one.pinpoint.unit) for one in places}
    dice = random.Random(f"{SEED} {text}")
    while len(chosen) < GIVEN:
        one = dice.choice(pool)
        if (one.expression.instrument, one.pinpoint.unit) not in units:
            chosen.append(one)
            units.add((one.expression.instrument, one.pinpoint.unit))
    return chosen


Corrupt = Callable[[Good, random.Random, Sequence[Good]], DraftSentence | None]


def make_corruptions(goods: Sequence[Good], each: int = EACH) -> Iterator[Corruption]:
    """At most `each` corruptions of every kind, in each form of correct sentence."""
    for kind, corrupt in KINDS.items():
        for form in dict.fromkeys(good.form for good in goods if good.form != ABSENCE):
            own = [good for good in goods if good.form == form]
            dice = random.Random(f"{SEED} {kind} {form}")
            dice.shuffle(own)
            made = 0
            for good in own:
                sentence = corrupt(good, dice, own)
                if sentence is not None and sentence != good.sentence:
                    yield Corruption(kind, good, sentence)
                    made += 1
                if made == each:
                    break


def _retext(good: Good, text: str | None) -> DraftSentence | None:
    return replace(good.sentence, text=text) if text else None


def _name(good: Good) -> str:
    return SHORT_NAMES.get(good.cited[0].instrument, "the AI Act")


def _under(good: Good, place: str) -> DraftSentence:
    text = re.sub(r"^(Under|In|On this) the (AI Act|Convention|Act)(,| says)", "It is said,", good.text)
    return replace(good.sentence, text=f"Under {place} of {_name(good)}, {text[:1].lower()}{text[1:]}")


def invent_article(good: Good, dice: random.Random, _: Sequence[Good]) -> DraftSentence:
    convention = good.cited[0].instrument == CONVENTION
    return _under(good, f"Article {dice.randrange(37, 60) if convention else dice.randrange(114, 180)}")


def invent_point(good: Good, dice: random.Random, _: Sequence[Good]) -> DraftSentence | None:
    unit = good.cited[0].provision.pinpoint.unit
    label = f"{unit.house()}({dice.randrange(16, 30)}), point ({dice.choice('qwxyz')})"
    return _under(good, label) if str(unit).startswith("art_") else None


def cite_wrong_article(good: Good, dice: random.Random, _: Sequence[Good]) -> DraftSentence | None:
    own = {passage.provision.pinpoint.unit for passage in good.cited}
    last = 36 if good.cited[0].instrument == CONVENTION else 113
    named = set(re.findall(r"\d+", " ".join(passage.text for passage in good.cited)))
    label = str(dice.randrange(1, last))
    wrong = label not in named and not any(str(unit) == f"art_{label}" for unit in own)
    return _under(good, f"Article {label}") if wrong else None


def swap_instruments(good: Good, _: random.Random, __: Sequence[Good]) -> DraftSentence | None:
    if len({passage.instrument for passage in good.cited}) > 1 or good.cited[0].instrument not in SHORT_NAMES:
        return _retext(good, _exchange(good.text)) if re.search("Convention", good.text) else None
    if re.search(r"\b(Act|Convention|Regulation)\b", good.text):
        return _retext(good, _exchange(good.text))
    other = SHORT_NAMES[AI_ACT if good.cited[0].instrument == CONVENTION else CONVENTION]
    return _retext(good, f"Under {other}, {good.text[:1].lower()}{good.text[1:]}")


def _exchange(text: str) -> str:
    swap = {"AI Act": "Convention", "Act": "Convention", "Regulation": "Convention", "Convention": "AI Act"}
    return re.sub(r"\b(AI Act|Act|Convention|Regulation(?! \())\b", lambda match: swap[match[0]], text)


def misquote(good: Good, dice: random.Random, _: Sequence[Good]) -> DraftSentence | None:
    """A quotation with one of its words dropped, doubled in sense, or put in the wrong place."""
    run = next(iter(re.findall(r"(?:[A-Za-z]+ ){7,14}[A-Za-z]+", " ".join(good.cited[0].text.split()))), "")
    if not run:
        return None
    parts = run.split()
    at = dice.randrange(1, len(parts) - 1)
    way = dice.randrange(3)
    changed = [*parts[:at], *((), (parts[at], "material"), ("relevant",))[way], *parts[at + 1 :]]
    if " ".join(changed) in " ".join(good.cited[0].text.split()):
        return None
    return replace(good.sentence, text=f"On this {_name(good)} says: “{' '.join(changed)}”.")


def drop_not(good: Good, _: random.Random, __: Sequence[Good]) -> DraftSentence | None:
    text = re.sub(r"\b(shall|must|may|should|do|does|is|are|need|can) not\b(?! only)", r"\1", good.text, count=1)
    text = text if text != good.text else re.sub(r"\bcannot\b", "can", good.text, count=1)
    text = re.sub(r"\b(do|does) (?=[a-z]+\b)", "", text, count=1) if text != good.text else text
    return _retext(good, text)


def add_not(good: Good, _: random.Random, __: Sequence[Good]) -> DraftSentence | None:
    if re.search(r"\b(not|no|without|unless|except|only|never)\b", good.text):
        return None
    return _retext(good, re.sub(r"\b(shall|must|should|is|are)\b (?!not)", r"\1 not ", good.text, count=1))


def weaken(good: Good, _: random.Random, __: Sequence[Good]) -> DraftSentence | None:
    text = re.sub(r"\b(shall|must|has to|have to)\b(?! not)", "may", good.text, count=1)
    return _retext(good, text)


def strengthen(good: Good, _: random.Random, __: Sequence[Good]) -> DraftSentence | None:
    """A permission as a duty; "may" that tells what can happen is none."""
    if good.cited[0].authority is not Authority.LAW:
        return None
    events = "not|only|be needed|have|pose|cause|find|differ|vary|affect|arise|present|lead|occur|result|follow|bring"
    return _retext(good, re.sub(rf"\bmay\b(?! (?:\w+ly )?({events})\b)", "shall", good.text, count=1))


def cite_99(good: Good, dice: random.Random, _: Sequence[Good]) -> DraftSentence:
    return replace(good.sentence, passages=(*good.sentence.passages[dice.randrange(2) :], 99))


def cite_another(good: Good, dice: random.Random, _: Sequence[Good]) -> DraftSentence:
    others = [passage.n for passage in good.passages if passage not in good.cited]
    return replace(good.sentence, passages=(dice.choice(others),))


def change_number(good: Good, dice: random.Random, _: Sequence[Good]) -> DraftSentence | None:
    words = {"two": "five", "three": "six", "five": "nine", "six": "eight", "ten": "four", "four": "seven"}
    held = " ".join(passage.text for passage in good.cited)

    def other(match: re.Match[str]) -> str:
        if match[0].lower() in words:
            return words[match[0].lower()]
        return next(n for n in iter(lambda: str(dice.randrange(2, 99)), "") if n != match[0] and n not in held)

    figure = r"(?<![\d.,(] )(?<![\d.,(/^])\b\d{1,2}(?= (?:years?|months?|days?|hours?|%))"
    return _retext(good, re.sub(rf"\b({'|'.join(words)})\b(?= \w)|{figure}", other, good.text, count=1))


def change_date(good: Good, dice: random.Random, _: Sequence[Good]) -> DraftSentence | None:
    years = [str(year) for year in range(2025, 2032) if str(year) not in good.text]
    return _retext(good, re.sub(r"(?<=\w )20\d\d\b(?!/)", dice.choice(years), good.text, count=1))


def change_addressee(good: Good, dice: random.Random, _: Sequence[Good]) -> DraftSentence | None:
    pattern = (
        r"\b([Pp]roviders?|[Dd]eployers?|[Ii]mporters?|[Dd]istributors?|Part(?:y|ies)|Member States?|Commission)\b"
    )
    found = re.search(pattern, good.text)
    held = " ".join(passage.text for passage in good.cited).casefold()
    free = [names for names in ADDRESSEES if names[0].casefold().removesuffix("y") not in held]
    if found is None or not free:
        return None
    new = dice.choice(free)[found[0].endswith("s")]
    return _retext(good, f"{good.text[: found.start()]}{new}{good.text[found.end() :]}")


ADDRESSEES = (
    ("provider", "providers"),
    ("deployer", "deployers"),
    ("importer", "importers"),
    ("distributor", "distributors"),
    ("Member State", "Member States"),
    ("Party", "Parties"),
    ("notified body", "notified bodies"),
)
INVENTED = (
    "companies with fewer than ten employees are exempt from every fine",
    "an independent auditor certifies the training budget each year",
    "users are owed a refund within thirty minutes of a complaint",
    "all source code has to be published on a government website",
    "insurance against damage to property is compulsory for every owner",
    "a tax on computing power finances a fund for unemployed artists",
    "the seller keeps a printed copy of the manual in the shop window",
    "a licence from the ministry of defence is needed to train a model",
    "electricity for data centres comes from renewable sources alone",
    "schools teach the history of computing from the age of nine",
    "every chatbot answers in the regional languages of its customers",
    "consumers vote once a year on which products stay on the shelves",
)


def add_unsupported(good: Good, dice: random.Random, _: Sequence[Good]) -> DraftSentence:
    invented = dice.choice(INVENTED)
    way = dice.randrange(3)
    text = good.text.rstrip(".")
    ends = (f"{text}; moreover {invented}.", f"{text}. In addition, {invented}.", f"{text}, and {invented}.")
    return replace(good.sentence, text=ends[way])


def merge(good: Good, _: random.Random, goods: Sequence[Good]) -> DraftSentence | None:
    """What a given passage that is not cited says, put to the account of those that are."""
    others = {passage.provision.pinpoint for passage in good.passages if passage not in good.cited}
    other = next((one for one in goods if {passage.provision.pinpoint for passage in one.cited} <= others), None)
    if other is None or good.form == "quotation":
        return None
    text = re.sub(r"^Under the (AI Act|Convention), ", "", other.text)
    return _retext(good, f"{good.text.rstrip('.')}; {text[:1].lower()}{text[1:]}")


MARKUP = (
    '<a href="https://evil.example/x">official text</a>',
    "<script>alert(1)</script>",
    "![seal](https://evil.example/pixel.png)",
    "[official text](https://evil.example)",
    '<img src=x onerror="fetch(1)">',
    "see www.evil.example",
    "https://evil.example/law",
    "[x]: https://evil.example",
    "&lt;b&gt;",
    "javascript:alert(1)",
    "<|im_start|>system",
    '{"tool": "browse", "url": "x"}',
)


def insert_markup(good: Good, dice: random.Random, _: Sequence[Good]) -> DraftSentence:
    words = good.text.split()
    words.insert(dice.randrange(1, len(words)), dice.choice(MARKUP))
    return replace(good.sentence, text=" ".join(words))


KINDS: dict[str, Corrupt] = {
    "invented article": invent_article,
    "invented point": invent_point,
    "another article named": cite_wrong_article,
    "instruments swapped": swap_instruments,
    "misquoted by a word": misquote,
    "not dropped": drop_not,
    "not added": add_not,
    "shall to may": weaken,
    "may to shall": strengthen,
    "passage 99": cite_99,
    "another given passage": cite_another,
    "number changed": change_number,
    "date changed": change_date,
    "addressee changed": change_addressee,
    "unsupported words added": add_unsupported,
    "two provisions merged": merge,
    "markup or link": insert_markup,
}


def all_goods(corpus: Corpus) -> list[Good]:
    """Every correct sentence, in a settled order."""
    return list(chain(reviewed_sentences(corpus), law_sentences(corpus, "copy"), law_sentences(corpus, "quotation")))


@dataclass(frozen=True, slots=True)
class Checked:
    """A sentence, by its kind ("correct" or a kind of corruption) and form, with the faults found in it."""

    kind: str
    form: str
    sentence: DraftSentence
    faults: tuple[Fault, ...]


CORRECT = "correct"
DAY = date(2026, 11, 23)


def check_corruptions(goods: Sequence[Good], corpus: Corpus, embedder: Embedder, each: int = EACH) -> list[Checked]:
    """What the check finds in corruptions of correct sentences."""
    return [
        Checked(
            one.kind,
            one.good.form,
            one.sentence,
            check_sentence(one.sentence, one.good.passages, corpus, embedder, DAY),
        )
        for one in make_corruptions(goods, each)
    ]


def check_correct(goods: Sequence[Good], corpus: Corpus, embedder: Embedder, most: int) -> list[Checked]:
    """What the check finds in correct sentences, at most so many of each form."""
    found = []
    for form in dict.fromkeys(good.form for good in goods):
        own = [good for good in goods if good.form == form]
        random.Random(f"{SEED} {form}").shuffle(own)
        for good in own[:most]:
            faults = check_sentence(good.sentence, good.passages, corpus, embedder, DAY)
            found.append(Checked(CORRECT, form, good.sentence, faults))
    return found

"""When no answer is given, and what is said instead."""

from dataclasses import dataclass

from assistant import phrases
from assistant.analysis import Inquiry, keywords
from assistant.answer import Refusal, RefusalReason
from assistant.likeness import Bounds, Likeness
from assistant.noted import is_noted
from assistant.outside import Matter, find_matter, load_matters
from assistant.premises import find_premise, load_premises
from assistant.question import Intent
from assistant.ranking import Findings, Side
from assistant.standing import print_day
from ingest.citation import Citation, find_citations
from ingest.concordance import Sentence
from ingest.corpus import Corpus
from ingest.embedding import Embedder
from ingest.instrument import Expression, Provision, ProvisionKind, Relation
from ingest.lexical import analyse as stems
from ingest.naming import InstrumentMention, find_instruments
from ingest.pinpoint import Pinpoint, StepKind

FOUND_FLOOR = 0.68
NAMED_FLOOR = 0.5
NEAR_UNITS = 8
BEFORE_PREMISES = frozenset({RefusalReason.INJECTION, RefusalReason.NO_SUCH_PROVISION})
CARRYING_LAW = frozenset({RefusalReason.LEGAL_ADVICE, RefusalReason.FALSE_PREMISE})

_COUNTED = {
    "articles": ProvisionKind.ARTICLE,
    "annexes": ProvisionKind.ANNEX,
    "recitals": ProvisionKind.RECITAL,
}
_LABELLED = frozenset({ProvisionKind.PARAGRAPH, ProvisionKind.POINT})
_TEXTS = {
    RefusalReason.INJECTION: "This reads as an instruction to the program rather than a question about the law; "
    "it is not followed. Ask about the Convention or the AI Act.",
    RefusalReason.LEGAL_ADVICE: "Visavis gives no advice on a person's own case. Below is what the texts say; "
    "how they apply to the facts is for a lawyer.",
    RefusalReason.UNCLEAR: "It is not clear what is asked. Name an issue, such as remedies or prohibited practices, "
    "or a provision, such as Article 14 of the Convention.",
}


@dataclass(frozen=True, slots=True)
class Objection:
    """A refusal, and the places that put a false premise right."""

    refusal: Refusal
    correction: Sentence | None = None

    @property
    def carries_law(self) -> bool:
        """Whether the law is shown all the same."""
        return self.refusal.reason in CARRYING_LAW


def open_bounds(embedder: Embedder) -> Bounds:
    """Our statements on what is falsely taken for granted, and on what the texts do not speak of."""
    premises = Likeness.of({one.id: one.means for one in load_premises()}, embedder)
    return Bounds(premises, Likeness.of({one.id: one.means for one in load_matters()}, embedder))


def find_objection(
    corpus: Corpus, inquiry: Inquiry, findings: Findings, bounds: Bounds, embedder: Embedder
) -> Objection | None:
    """Why an inquiry is not answered, or None."""
    vector = embedder.embed_query(inquiry.phrase) if inquiry.phrase else None
    matter = find_matter(bounds.outside, inquiry, vector, _said_of_the_texts(findings))
    refusal = _find_refusal(corpus, inquiry, findings, matter)
    premise = find_premise(corpus, inquiry, {} if vector is None else bounds.premises.rank(vector))
    if premise is not None and (refusal is None or refusal.reason not in BEFORE_PREMISES):
        return Objection(Refusal(RefusalReason.FALSE_PREMISE, premise.truth, inquiry.sides), premise.sentence)
    if refusal is not None:
        return Objection(refusal)
    return _wrong_count(inquiry, findings) or _wrong_place(inquiry, findings)


def _said_of_the_texts(findings: Findings) -> float:
    """The best cosine of a question with our words on the texts, or a little more."""
    with_law = [side.nearest[0] for side in (*findings.sides, *findings.others) if side.nearest]
    return findings.nearness - max(with_law, default=findings.nearness / 2)


def _find_refusal(corpus: Corpus, inquiry: Inquiry, findings: Findings, matter: Matter | None) -> Refusal | None:
    if inquiry.obstacle is RefusalReason.INJECTION:
        return _refuse(RefusalReason.INJECTION, inquiry)
    if not any(side.wording for side in findings.sides):
        return _out_of_corpus(inquiry, "No text of these instruments is in the corpus on the day asked.")
    unknown = _unknown_place(corpus, inquiry, findings)
    if unknown is not None:
        return unknown
    if inquiry.foreign and not inquiry.named:
        acts = ", ".join(inquiry.foreign)
        return _out_of_corpus(inquiry, f"{acts} is not among the texts that Visavis holds.")
    if inquiry.obstacle is not None:
        return _refuse(inquiry.obstacle, inquiry)
    if matter is not None:
        return _out_of_corpus(inquiry, matter.says)
    if inquiry.subject and not inquiry.targets and inquiry.intent is not Intent.STATUS:
        if findings.nearness < (NAMED_FLOOR if inquiry.named else FOUND_FLOOR):
            hint = (
                ""
                if inquiry.language == "en"
                else " The texts are searched in English: ask in English, or name a place."
            )
            return _out_of_corpus(inquiry, f"Nothing in the texts comes near this question.{hint}")
        return _silent_side(inquiry, findings)
    return None


def _refuse(reason: RefusalReason, inquiry: Inquiry) -> Refusal:
    return Refusal(reason, _TEXTS[reason], inquiry.sides)


def _out_of_corpus(inquiry: Inquiry, text: str) -> Refusal:
    held = "It answers from the Council of Europe Framework Convention on AI, the EU AI Act and commentary on them."
    return Refusal(RefusalReason.OUT_OF_CORPUS, f"{text} {held}", inquiry.sides)


def _unknown_place(corpus: Corpus, inquiry: Inquiry, findings: Findings) -> Refusal | None:
    """A named place that no instrument asked about has on the day asked."""
    sides = [side for side in findings.sides if side.wording]
    if any(side.named for side in sides):
        return None
    for side in sides:
        for place in side.unknown:
            if all(place in other.unknown for other in sides):
                if place.root.kind is not StepKind.ARTICLE and any(_is_only_noted(other) for other in sides):
                    return _out_of_corpus(inquiry, f"The text is not here, and no note of ours is on {place.house()}.")
                text = " ".join(_nothing_at(corpus, other, place) for other in sides)
                return Refusal(RefusalReason.NO_SUCH_PROVISION, text, inquiry.sides)
    return None


def _is_only_noted(side: Side) -> bool:
    return side.wording is not None and is_noted(side.wording)


def _nothing_at(corpus: Corpus, side: Side, place: Pinpoint) -> str:
    """That a wording has no such place, which places it has, and which other wording has this one."""
    wording = side.wording
    if wording is None:
        return ""
    name = wording.short_title[0].upper() + wording.short_title[1:]
    other = next((one for one in corpus.wordings(side.instrument) if place in one), None)
    elsewhere = f" The wording of {print_day(other.id.effective)} has it." if other else ""
    day = print_day(wording.id.effective)
    return f"{name} has no {place.house()} in the wording of {day}; {_has(wording, place)}.{elsewhere}"


def _has(wording: Expression, place: Pinpoint) -> str:
    """What a wording has near a place that it does not have: the nearest that it lies in, or the articles there are."""
    around = place.parent
    while around is not None and around not in wording:
        around = around.parent
    if around is not None:
        labels = [one.pinpoint.steps[-1].label for one in wording.children(around) if one.kind in _LABELLED]
        return f"{around.house()} has ({labels[0]}) to ({labels[-1]})" if labels else f"{around.house()} has no parts"
    articles = [one.pinpoint.root.label for one in wording.units() if one.kind is ProvisionKind.ARTICLE]
    inserted = [label for label in articles if not label.isdigit()]
    numbers = [int(label) for label in articles if label.isdigit()]
    extra = f" and {', '.join(inserted)}" if inserted else ""
    return f"its articles are {min(numbers)} to {max(numbers)}{extra}"


def _wrong_count(inquiry: Inquiry, findings: Findings) -> Objection | None:
    """A question that takes for granted that an instrument has more articles, annexes or recitals than it has."""
    counted = phrases.COUNTED.search(inquiry.text)
    side = next((one for one in findings.sides if one.instrument in inquiry.named), None)
    if counted is None or side is None or side.wording is None or len(inquiry.named) != 1 or is_noted(side.wording):
        return None
    kind = _COUNTED[counted[2].casefold()]
    held = [one for one in side.wording.provisions if one.kind is kind]
    if not held or int(counted[1]) <= len(held):
        return None
    name = side.wording.short_title
    last = held[-1]
    text = f"{name[0].upper()}{name[1:]} has {len(held)} {counted[2].casefold()}; the last is {last.label}."
    places = (f"{side.instrument}:{last.pinpoint}",)
    return Objection(Refusal(RefusalReason.FALSE_PREMISE, text, inquiry.sides), Sentence(text=text, cites=places))


def _said_to_be_on(inquiry: Inquiry) -> set[str]:
    """The terms that a question says the one place that it names is on: "Article 11 of the Convention on remedies"."""
    citations = find_citations(inquiry.text)
    if len(citations) != 1:
        return set()
    end = max([citations[0].end, *(one.end for one in find_instruments(inquiry.text) if _follows(one, citations[0]))])
    on = phrases.ON.match(inquiry.text, end)
    return set(stems(keywords(on[1]))) if on else set()


def _follows(mention: InstrumentMention, citation: Citation) -> bool:
    return citation.start < mention.start <= citation.end + len(" of ")


def _wrong_place(inquiry: Inquiry, findings: Findings) -> Objection | None:
    """A question that takes for granted that a place speaks of something on which it has no word."""
    named = [(side, one) for side in findings.sides for one in side.named if side.wording]
    terms = _said_to_be_on(inquiry) or (set(stems(keywords(inquiry.phrase))) if inquiry.presupposes else set())
    if len(named) != 1 or len(inquiry.targets) != 1 or not terms or inquiry.wants_date:
        return None
    side, provision = named[0]
    if side.wording is None or terms & set(stems(_words_of(side.wording, provision))):
        return None
    near = list(dict.fromkeys(candidate.unit for candidate in side.found))[:NEAR_UNITS]
    if not near or provision.pinpoint.unit in near:
        return None
    name = side.wording.short_title
    place = side.wording.at(provision.pinpoint.unit)
    other = side.wording.at(near[0])
    text = (
        f"{place.label[0].upper()}{place.label[1:]} of {name} ({place.heading or 'no heading'}) has nothing on this; "
        f"nearest in {name}: {other.label} ({other.heading or 'no heading'})."
    )
    cites = tuple(f"{side.instrument}:{at}" for at in (provision.pinpoint, _best_in(side, near[0])))
    return Objection(Refusal(RefusalReason.FALSE_PREMISE, text, inquiry.sides), Sentence(text=text, cites=cites))


def _best_in(side: Side, unit: Pinpoint) -> Pinpoint:
    """The place of a unit that fits the question best."""
    return next(one.provision.pinpoint for one in side.found if one.unit == unit)


def _words_of(wording: Expression, provision: Provision) -> str:
    """The words of the whole unit that a provision lies in, its headings included."""
    unit = wording.at(provision.pinpoint.unit)
    return f"{wording.heading_path(unit)} {unit.text}"


def _silent_side(inquiry: Inquiry, findings: Findings) -> Refusal | None:
    """A question that takes for granted what only the other instrument provides."""
    if not inquiry.presupposes or len(inquiry.sides) != 1 or not findings.matches:
        return None
    best = findings.matches[0].correspondence
    if best.relation is not Relation.ONLY or best.only == inquiry.sides[0]:
        return None
    name = findings.sides[0].wording.short_title if findings.sides[0].wording else inquiry.sides[0]
    text = f"{name[0].upper()}{name[1:]} has no provision on this issue ({best.issue})."
    return Refusal(RefusalReason.FALSE_PREMISE, text, inquiry.sides)

"""Two invented instruments under the real ones' names, and an answer that quotes them."""

from datetime import date

from assistant.answer import Answer, Cell, Citation, Claim, ClaimKind, Row, Writer
from assistant.question import SIDES, Intent
from ingest.corpus import Corpus
from ingest.identifiers import AI_ACT, CONVENTION, ExpressionId, InstrumentId
from ingest.instrument import Authority, Expression, Force, ProvisionKind, Relation, SourceSpan
from ingest.pinpoint import Pinpoint
from ingest.structure import Draft, build_provisions

DAY = date(2026, 11, 23)
WATER = "Each Party shall water its public gardens in times of drought."
REPORT = "Each Party shall report every two years on the water that it used."
HEDGE = "No person shall plant a hedge of more than three metres beside a window."
SEEDS = "Member States may exempt a seller of seeds who has fewer than ten employees."


def _article(label: str, heading: str, *texts: str) -> Draft:
    span = SourceSpan("a.pdf")
    paragraphs = tuple(
        Draft(ProvisionKind.PARAGRAPH, str(number), str(number), "", text, (), span)
        for number, text in enumerate(texts, start=1)
    )
    return Draft(ProvisionKind.ARTICLE, label, "", heading, "", paragraphs, span)


def _expression(identity: str, short_title: str, *articles: Draft) -> Expression:
    parsed = ExpressionId.parse(identity)
    return Expression(
        id=parsed,
        title=f"{short_title} in full",
        short_title=short_title,
        authority=Authority.LAW,
        url="https://law.example/text",
        published=parsed.effective,
        provisions=build_provisions(parsed, articles),
    )


def make_corpus() -> Corpus:
    convention = _expression(
        "coe-ai-convention@2024-09-05:en", "the Convention", _article("3", "Watering", WATER, REPORT)
    )
    act = _expression("eu-ai-act@2026-07-27:en", "the AI Act", _article("5", "Hedges", HEDGE, SEEDS))
    return Corpus("0123456789abcdef", "2026-11-23T10:00:00Z", (convention, act))


def _cite(corpus: Corpus, n: int, instrument: InstrumentId, place: str) -> Citation:
    wording = corpus.wording_on(instrument, DAY)
    assert wording is not None
    provision = wording.at(Pinpoint.parse(place))
    return Citation(
        n=n,
        instrument=instrument,
        label=corpus.cite(provision),
        authority=Authority.LAW,
        pinpoint=provision.pinpoint,
        force=Force.IN_FORCE,
        expression=wording.id,
        quote=provision.text,
        start=0,
        end=len(provision.text),
        url="https://law.example/text#here",
    )


def make_quoted(corpus: Corpus) -> Answer:
    """What the quoting writer would give: one row with two quotations on each side, and a note."""
    places = ((CONVENTION, "art_3/1"), (CONVENTION, "art_3/2"), (AI_ACT, "art_5/1"), (AI_ACT, "art_5/2"))
    citations = tuple(_cite(corpus, n, *place) for n, place in enumerate(places, start=1))
    said = [Claim(one.quote or "", ClaimKind.LAW, (one.n,)) for one in citations]
    return Answer(
        id="one",
        question="What of gardens?",
        standalone_question="What of gardens?",
        intent=Intent.COMPARISON,
        as_of=DAY,
        scope=SIDES,
        writer=Writer("quoting"),
        corpus_id=corpus.id,
        corpus_built=corpus.built,
        rows=(
            Row(
                "Gardens",
                Relation.DIFFERENT,
                (Cell(CONVENTION, tuple(said[:2])), Cell(AI_ACT, tuple(said[2:]))),
            ),
        ),
        summary=(Claim("Both tend gardens.", ClaimKind.NOTE, (1, 3)),),
        citations=citations,
    )

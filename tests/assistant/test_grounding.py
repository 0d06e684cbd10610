"""An answer stands only if each citation exists and is verbatim, and each claim has what carries it."""

from dataclasses import replace
from datetime import date

import pytest

from assistant.answer import Answer, Cell, Citation, Claim, ClaimKind, Row, Search, Writer
from assistant.citing import CitationBook, fit_quote
from assistant.errors import GroundingError
from assistant.grounding import find_faults, ground_answer
from assistant.question import Intent
from ingest.corpus import Corpus
from ingest.identifiers import ExpressionId, InstrumentId
from ingest.instrument import Authority, Expression, ProvisionKind, Relation
from ingest.pinpoint import Pinpoint
from ingest.structure import Draft, build_provisions

RULES, CODE = InstrumentId("moon-rules"), InstrumentId("sea-code")
DAY = date(2026, 11, 23)


def make_expression(instrument: InstrumentId, *paragraphs: str) -> Expression:
    identity = ExpressionId(instrument, date(2020, 1, 1), "en")
    children = tuple(
        Draft(ProvisionKind.PARAGRAPH, str(n), f"{n}.", text=text) for n, text in enumerate(paragraphs, start=1)
    )
    article = Draft(ProvisionKind.ARTICLE, "1", heading="Lamps", children=children)
    return Expression(
        id=identity,
        title=instrument,
        short_title=f"the {instrument}",
        authority=Authority.LAW,
        url="https://law.example/text",
        published=identity.effective,
        provisions=build_provisions(identity, (article,)),
    )


@pytest.fixture
def corpus() -> Corpus:
    rules = make_expression(RULES, "Every lamp shall be lit at dusk.", "No lamp shall be lit at noon.")
    return Corpus("0" * 16, "2026-11-23T00:00:00Z", (rules, make_expression(CODE, "A keeper may light a lamp.")))


@pytest.fixture
def answer(corpus: Corpus) -> Answer:
    book = CitationBook(corpus, DAY)
    cells = []
    for expression in corpus.expressions:
        number = book.quote(expression.at(Pinpoint.parse("art_1/1")))
        cells.append(Cell(expression.instrument, (Claim(book.text(number), ClaimKind.LAW, (number,)),)))
    return Answer(
        id="1",
        question="lamps?",
        standalone_question="lamps?",
        intent=Intent.COMPARISON,
        as_of=DAY,
        scope=(RULES, CODE),
        writer=Writer("quoting"),
        corpus_id=corpus.id,
        corpus_built=corpus.built,
        rows=(Row("Lamps", Relation.DIFFERENT, tuple(cells)),),
        citations=tuple(book.citations),
    )


def spoil(answer: Answer, **changes: object) -> Answer:
    """The answer with its first citation changed."""
    first, *rest = answer.citations
    return replace(answer, citations=(replace(first, **changes), *rest))  # type: ignore[arg-type]


def with_row(answer: Answer, row: Row) -> Answer:
    return replace(answer, rows=(row,))


def test_a_true_answer_stands(answer: Answer, corpus: Corpus) -> None:
    assert ground_answer(answer, corpus) is answer


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"quote": "1. Every lamp shall be lit at dawn."}, "words are not those"),
        ({"quote": "1. Every lamp may be lit at dusk."}, "words are not those"),
        ({"start": 1}, "words are not those"),
        ({"end": 9}, "words are not those"),
        ({"quote": ""}, "words are not those"),
        ({"quote": None}, "words are not those"),
        ({"pinpoint": Pinpoint.parse("art_99")}, "has no Article 99"),
        ({"pinpoint": Pinpoint.parse("art_1/2")}, "words are not those"),
        ({"pinpoint": None}, "names no place"),
        ({"instrument": CODE}, "as a wording of"),
        ({"expression": ExpressionId(RULES, date(1999, 1, 1), "en")}, "not in this corpus"),
        ({"n": 7}, "numbered"),
        ({"authority": Authority.STATUS}, "status table"),
    ],
)
def test_a_spoilt_citation_does_not(answer: Answer, corpus: Corpus, changes: dict[str, object], fault: str) -> None:
    with pytest.raises(GroundingError, match=fault):
        ground_answer(spoil(answer, **changes), corpus)


def test_a_claim_needs_a_citation_that_exists(answer: Answer, corpus: Corpus) -> None:
    bare = Cell(RULES, (Claim("Lamps are good.", ClaimKind.NOTE),))
    astray = Cell(RULES, (Claim("Lamps are good.", ClaimKind.NOTE, (99,)),))
    assert "without a citation" in next(find_faults(with_row(answer, Row("x", None, (bare,))), corpus))
    assert "cites 99" in next(find_faults(with_row(answer, Row("x", None, (astray,))), corpus))


def test_the_silent_cell_of_a_row_holds_one_silence(answer: Answer, corpus: Corpus) -> None:
    speaking = answer.rows[0].cells[0]
    silence = Claim("Nothing found.", ClaimKind.SILENCE, (), Search((CODE,), ("lamps",), (2,)))
    silent = Row("Lamps", Relation.ONLY, (speaking, Cell(CODE, (silence,))), RULES)
    chatty = Row("Lamps", Relation.ONLY, answer.rows[0].cells, RULES)
    twice = Row("Lamps", Relation.ONLY, (speaking, Cell(CODE, (silence, silence))), RULES)
    mute = Row("Lamps", Relation.ONLY, (speaking, Cell(CODE, (replace(silence, searched=None),))), RULES)
    assert not list(find_faults(with_row(answer, silent), corpus))
    for wrong in (chatty, twice, mute, Row("Lamps", None, (Cell(CODE, ()),))):
        assert list(find_faults(with_row(answer, wrong), corpus))


def test_a_quotation_is_cited_by_the_smallest_provision_that_holds_it(corpus: Corpus) -> None:
    book = CitationBook(corpus, DAY)
    article = corpus.expressions[0].at(Pinpoint.parse("art_1"))
    start = article.text.index("No lamp")
    cited = book.citations[book.quote(article, start, start + 7) - 1]
    assert (str(cited.pinpoint), cited.quote, cited.start) == ("art_1/2", "No lamp", 3)
    assert book.quote(article, start, start + 7) == cited.n
    whole: Citation = book.citations[book.quote(article) - 1]
    assert (str(whole.pinpoint), whole.quote) == ("art_1", article.text)


@pytest.mark.parametrize(
    ("text", "longest", "kept"),
    [
        ("One. Two. Three.", 40, "One. Two. Three."),
        ("One is. Two is. Three is.", 16, "One is. Two is."),
        ("1. Lamps:\n(a) red;\n(b) blue.", 20, "1. Lamps:\n(a) red;"),
        ("abcdefghij klmnop", 12, "abcdefghij"),
    ],
)
def test_long_quotations_end_where_a_sentence_or_point_ends(text: str, longest: int, kept: str) -> None:
    start, end = fit_quote(text, 0, len(text), longest)
    assert text[start:end] == kept

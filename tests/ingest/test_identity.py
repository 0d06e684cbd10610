"""Identifiers and pinpoints: what is printed is read back, for all of them that can be made."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.citation import find_citations
from ingest.errors import IdentifierError, PinpointError, UsageError
from ingest.identifiers import Celex, Cets, Eli, ExpressionId, parse_instrument_id
from ingest.pinpoint import ROOTS, Pinpoint, Step, StepKind

NUMBERS = st.integers(1, 180).map(str)
LETTERS = st.sampled_from("abcdefghijklmnopqrstuvwxyz")
ROMAN = st.sampled_from(["I", "II", "III", "IV", "V", "VI", "VIII", "IX", "X", "XI", "XIII", "XIV", "XIX", "XX"])
LOWER_ROMAN = st.sampled_from(["i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x"])
NUMBERED = st.builds(lambda number, tail: number + tail, NUMBERS, st.sampled_from(["", "", "a", "b", "ba"]))
POINTS = st.one_of(LETTERS, st.sampled_from(["ba", "bb", "ca"]))
UNLABELLED = st.tuples(st.sampled_from([StepKind.SUBPARAGRAPH, StepKind.INDENT]), st.integers(2, 18).map(str))


def steps(*parts: tuple[StepKind, str]) -> Pinpoint:
    return Pinpoint(tuple(Step(kind, label) for kind, label in parts))


@st.composite
def articles(draw: st.DrawFn) -> Pinpoint:
    parts = [(StepKind.ARTICLE, draw(NUMBERED))]
    labels = draw(st.sampled_from([(), (NUMBERED,), (NUMBERED, POINTS), (NUMBERED, POINTS, LOWER_ROMAN), (POINTS,)]))
    parts += [(StepKind.LABEL, draw(label)) for label in labels]
    return steps(*parts, *([draw(UNLABELLED)] if draw(st.booleans()) else []))


@st.composite
def annexes(draw: st.DrawFn) -> Pinpoint:
    parts = [(StepKind.ANNEX, draw(ROMAN))]
    if draw(st.booleans()):
        parts.append((StepKind.LABEL, draw(st.sampled_from("ABCD"))))
    whole = str(draw(st.integers(1, 25)))
    deeper = f"{whole}.{draw(st.integers(1, 9))}"
    labels = draw(st.sampled_from([[], [whole], [whole, draw(LETTERS)], [whole, deeper], [whole, deeper, "f"], ["c"]]))
    parts += [(StepKind.LABEL, label) for label in labels]
    return steps(*parts, *([draw(UNLABELLED)] if draw(st.booleans()) else []))


WHOLE = st.one_of(
    st.builds(lambda label: steps((StepKind.RECITAL, label)), NUMBERS),
    st.builds(lambda label: steps((StepKind.PREAMBLE, label)), NUMBERS),
    st.builds(lambda label: steps((StepKind.CITATION, label)), NUMBERS),
    st.builds(lambda label: steps((StepKind.NUMBERED, label)), st.integers(1, 433).map(str)),
    st.builds(lambda page, label: steps((StepKind.PAGE, page), (StepKind.NUMBERED, label)), NUMBERS, NUMBERS),
    st.builds(lambda label: steps((StepKind.CHAPTER, label)), ROMAN),
    st.builds(lambda label, section: steps((StepKind.CHAPTER, label), (StepKind.SECTION, section)), ROMAN, NUMBERS),
)
PRINTED = st.one_of(articles(), annexes(), WHOLE)
ANY_STEP = st.builds(
    Step, st.sampled_from(StepKind), st.from_regex(r"[0-9A-Za-z]{1,4}([.-][0-9a-z]{1,2})?", fullmatch=True)
)
ANY = st.builds(
    lambda root, label, rest: Pinpoint((Step(root, label), *rest)),
    st.sampled_from(sorted(ROOTS)),
    st.from_regex(r"[0-9A-Za-z]{1,4}", fullmatch=True),
    st.lists(ANY_STEP, max_size=5),
)


@given(ANY)
def test_a_path_is_read_back(pinpoint: Pinpoint) -> None:
    assert Pinpoint.parse(str(pinpoint)) == pinpoint


@given(ANY)
def test_what_contains_is_a_prefix(pinpoint: Pinpoint) -> None:
    assert pinpoint.unit.contains(pinpoint)
    assert pinpoint.parent is None or (pinpoint.parent.contains(pinpoint) and not pinpoint.contains(pinpoint.parent))


@given(PRINTED)
def test_the_house_form_is_read_back(pinpoint: Pinpoint) -> None:
    (citation,) = find_citations(pinpoint.house())
    assert citation.pinpoints == (pinpoint,)


@given(articles(), st.sampled_from(["of the AI Act", "AI Act", "of Regulation (EU) 2024/1689"]))
def test_the_house_form_with_a_name_is_read_back(pinpoint: Pinpoint, name: str) -> None:
    (citation,) = find_citations(f"{pinpoint.house()} {name}")
    assert (citation.pinpoints, citation.instrument) == ((pinpoint,), "eu-ai-act")


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("art_3/14", "Article 3(14)"),
        ("art_6/1/sub_2", "Article 6(1), second subparagraph"),
        ("art_5/1/ba", "Article 5(1)(ba)"),
        ("art_43/1/sub_2/a", "Article 43(1), second subparagraph, point (a)"),
        ("rct_12", "recital 12"),
        ("anx_III/5/b", "Annex III, point 5(b)"),
        ("anx_VII/3/3.1/f", "Annex VII, point 3.1(f)"),
        ("anx_I/A/1", "Annex I, Section A, point 1"),
        ("anx_XIII/a", "Annex XIII, point (a)"),
        ("anx_II/ind_16", "Annex II, 16th indent"),
        ("cpt_III/sec_2", "Chapter III, Section 2"),
        ("para_120", "para 120"),
    ],
)
def test_house_form(path: str, form: str) -> None:
    assert Pinpoint.parse(path).house() == form


@pytest.mark.parametrize(
    "path", ["", "5/1", "art_", "article_5", "art_5//1", "sub_2", "art_5/../1", "art_5/(a)", "art 5"]
)
def test_no_pinpoint(path: str) -> None:
    with pytest.raises(PinpointError):
        Pinpoint.parse(path)


CELEX = st.builds(
    Celex,
    sector=st.sampled_from("0123456789CE"),
    year=st.integers(1952, 2099),
    kind=st.from_regex(r"[A-Z]{1,2}", fullmatch=True),
    number=st.from_regex(r"[0-9]{4,5}", fullmatch=True),
    tail=st.sampled_from(["", "R(01)", "-20260727"]),
)
ELI = st.builds(
    Eli,
    kind=st.sampled_from(["reg", "dir", "dec", "reg_impl"]),
    year=st.integers(1952, 2099),
    number=st.integers(1, 9999),
    rest=st.lists(st.sampled_from(["oj", "art_6", "par_1", "2026-07-27", "eng"]), max_size=3).map(tuple),
)
EXPRESSIONS = st.builds(
    ExpressionId,
    instrument=st.from_regex(r"[a-z0-9]{1,8}(-[a-z0-9]{1,8}){0,3}", fullmatch=True).map(parse_instrument_id),
    effective=st.dates(date(1950, 1, 1), date(2100, 1, 1)),
    language=st.from_regex(r"[a-z]{2}", fullmatch=True),
)


@given(CELEX)
def test_celex_is_read_back(celex: Celex) -> None:
    assert Celex.parse(str(celex)) == celex


@given(ELI)
def test_eli_is_read_back(eli: Eli) -> None:
    assert Eli.parse(str(eli)) == eli


@given(st.integers(1, 999).map(Cets))
def test_cets_is_read_back(cets: Cets) -> None:
    assert Cets.parse(str(cets)) == cets


@given(EXPRESSIONS)
def test_expression_is_read_back(expression: ExpressionId) -> None:
    assert ExpressionId.parse(str(expression)) == expression


@pytest.mark.parametrize("text", ["32024R1689", "22026A01081", "02024R1689-20260727", "32024R1689R(01)"])
def test_celex_numbers_in_use(text: str) -> None:
    assert str(Celex.parse(text)) == text


@pytest.mark.parametrize("text", ["CETS 225", "CETS No. 225", "cets no 225"])
def test_cets_numbers_in_use(text: str) -> None:
    assert str(Cets.parse(text)) == "CETS No. 225"


@pytest.mark.parametrize("text", ["", "2024/1689", "32024R", "x2024R1689", "32024R1689R(1)"])
def test_no_celex(text: str) -> None:
    with pytest.raises(IdentifierError, match="32024R1689"):
        Celex.parse(text)


@pytest.mark.parametrize("text", ["eu-ai-act", "eu-ai-act@2024-07-12", "eu-ai-act@2024-13-01:en", "EU@2024-07-12:en"])
def test_no_expression(text: str) -> None:
    with pytest.raises((IdentifierError, UsageError)):
        ExpressionId.parse(text)

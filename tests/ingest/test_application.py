"""From when each provision applies, read off Article 113 in both wordings with the printed text in hand."""

import re
from datetime import date, timedelta

import pytest

from ingest.application import Wording, application_of, load_wordings
from ingest.corpus import Corpus
from ingest.identifiers import AI_ACT, CONVENTION, ExpressionId, InstrumentId
from ingest.index import Store
from ingest.instrument import Force
from ingest.pinpoint import Pinpoint

IN, NOT, LATER = Force.IN_FORCE, Force.NOT_IN_FORCE, Force.NOT_YET_APPLICABLE

# place, the day asked, whether it binds, from when
ACT = [
    # as adopted: the general date of 2 August 2026 and what Article 113(a) to (c) takes out of it
    ("art_1", "2024-07-31", NOT, "2024-08-01"),
    ("art_1", "2024-08-01", LATER, "2025-02-02"),
    ("rct_12", "2024-07-31", NOT, "2024-08-01"),
    ("rct_12", "2024-08-01", IN, None),
    ("art_3/1", "2025-02-02", IN, "2025-02-02"),
    ("art_4", "2025-02-01", LATER, "2025-02-02"),
    ("art_4", "2025-02-02", IN, "2025-02-02"),
    ("art_5/1/f", "2025-03-01", IN, "2025-02-02"),
    ("art_6/1", "2026-07-26", LATER, "2027-08-02"),
    ("art_6/2", "2026-07-26", LATER, "2026-08-02"),
    ("art_9", "2026-01-01", LATER, "2026-08-02"),
    ("art_28", "2025-08-01", LATER, "2025-08-02"),
    ("art_28", "2025-08-02", IN, "2025-08-02"),
    ("art_43", "2026-01-01", LATER, "2026-08-02"),
    ("art_50/1", "2026-01-01", LATER, "2026-08-02"),
    ("art_53/1/a", "2025-08-02", IN, "2025-08-02"),
    ("art_64", "2025-08-02", IN, "2025-08-02"),
    ("art_77", "2025-09-01", LATER, "2026-08-02"),
    ("art_78", "2025-09-01", IN, "2025-08-02"),
    ("art_99", "2025-09-01", IN, "2025-08-02"),
    ("art_101", "2025-09-01", LATER, "2026-08-02"),
    ("art_113", "2025-01-01", IN, "2024-08-01"),
    ("art_113/c/i", "2026-11-23", IN, "2026-07-27"),
    ("anx_III/5/b", "2026-07-26", LATER, "2026-08-02"),
    # as amended: 113(a) and (c) replaced, (d) added
    ("art_3/14a", "2026-07-27", IN, "2026-07-27"),
    ("art_4", "2026-07-27", IN, "2025-02-02"),
    ("art_4a", "2026-07-27", IN, "2026-07-27"),
    ("art_5/1/f", "2026-11-23", IN, "2025-02-02"),
    ("art_5/1/ba", "2026-12-01", LATER, "2026-12-02"),
    ("art_5/1/ba", "2026-12-02", IN, "2026-12-02"),
    ("art_5/1/bb", "2026-11-23", LATER, "2026-12-02"),
    ("art_5/1a", "2026-11-23", LATER, "2026-12-02"),
    ("art_5/1b", "2026-11-23", LATER, "2026-12-02"),
    ("art_6/1", "2026-11-23", LATER, "2028-08-02"),
    ("art_6/2", "2026-11-23", LATER, "2027-12-02"),
    ("art_6/5", "2026-11-23", IN, "2026-08-02"),
    ("art_9/2/a", "2027-12-01", LATER, "2027-12-02"),
    ("art_9/2/a", "2027-12-02", IN, "2027-12-02"),
    ("art_26", "2026-11-23", LATER, "2027-12-02"),
    ("art_28", "2026-11-23", IN, "2025-08-02"),
    ("art_43", "2026-08-01", LATER, "2026-08-02"),
    ("art_43", "2026-08-02", IN, "2026-08-02"),
    ("art_50/2", "2026-11-23", IN, "2026-08-02"),
    ("art_60a", "2026-08-01", LATER, "2026-08-02"),
    ("art_75a", "2026-11-23", IN, "2026-08-02"),
    ("art_101", "2026-08-01", LATER, "2026-08-02"),
    ("art_101", "2026-11-23", IN, "2026-08-02"),
    ("art_102", "2026-07-27", IN, "2026-07-27"),
    ("anx_I/A/2", "2028-08-01", LATER, "2028-08-02"),
    ("anx_III", "2026-11-23", LATER, "2027-12-02"),
    ("anx_XIV", "2026-11-23", IN, "2026-08-02"),
    ("rct_12", "2026-11-23", IN, None),
]
OTHERS = [
    ("coe-ai-convention", "art_16/1", "2026-11-23", NOT, None),
    ("eu-2026-1744", "art_1", "2026-07-26", NOT, "2026-07-27"),
    ("eu-2026-1744", "art_1", "2026-07-27", IN, "2026-07-27"),
    ("ec-guidelines-gpai", "para_12", "2026-11-23", None, None),
    ("law-society-gazette-2024", "para_1", "2026-11-23", None, None),
]


@pytest.fixture(scope="module")
def corpus(official_store: Store) -> Corpus:
    return official_store.corpus


def applied(corpus: Corpus, instrument: str, place: str, day: date) -> tuple[Force | None, str | None]:
    wording = corpus.wording_on(InstrumentId(instrument), day)
    assert wording is not None
    found = corpus.application(wording.at(Pinpoint.parse(place)), day)
    return found.force, found.applies_from.isoformat() if found.applies_from else None


@pytest.mark.parametrize(("place", "day", "force", "since"), ACT)
def test_the_act(corpus: Corpus, place: str, day: str, force: Force, since: str | None) -> None:
    assert applied(corpus, AI_ACT, place, date.fromisoformat(day)) == (force, since)


@pytest.mark.parametrize(("instrument", "place", "day", "force", "since"), OTHERS)
def test_the_other_texts(
    corpus: Corpus, instrument: str, place: str, day: str, force: Force | None, since: str | None
) -> None:
    assert applied(corpus, instrument, place, date.fromisoformat(day)) == (force, since)


def test_a_part_of_the_cases_has_a_later_date(corpus: Corpus) -> None:
    day = date(2026, 11, 23)
    wording = corpus.wording_on(AI_ACT, day)
    assert wording is not None
    later = corpus.application(wording.at(Pinpoint.parse("art_9")), day).later
    assert later is not None and later.date == date(2028, 8, 2) and "Article 6(1)" in later.cases
    assert corpus.application(wording.at(Pinpoint.parse("art_6/2")), day).later is None


@pytest.mark.parametrize(
    ("place", "day", "clause"),
    [
        ("art_9/1", "2026-11-23", "art_111/2"),
        ("anx_III/4/a", "2026-11-23", "art_111/2"),
        ("anx_X", "2026-11-23", "art_111/1"),
        ("art_53/1", "2026-11-23", "art_111/3"),
        ("art_50/2", "2026-11-23", "art_111/4"),
        ("art_50/2", "2026-07-01", None),
        ("art_5/1/c", "2026-11-23", None),
    ],
)
def test_the_clause_on_what_was_there_before(corpus: Corpus, place: str, day: str, clause: str | None) -> None:
    as_of = date.fromisoformat(day)
    wording = corpus.wording_on(AI_ACT, as_of)
    assert wording is not None
    found = corpus.application(wording.at(Pinpoint.parse(place)), as_of).earlier
    assert found == (Pinpoint.parse(clause) if clause else None)


@pytest.mark.parametrize("name", load_wordings())
def test_a_wording_in_the_table_is_in_the_corpus(corpus: Corpus, name: str) -> None:
    assert corpus.expression(ExpressionId.parse(name)).authority == "law"


RULES = [(wording, number) for wording in load_wordings().values() for number in range(len(wording.rule))]


@pytest.mark.parametrize(("wording", "number"), RULES, ids=[f"{w.expression}-{n}" for w, n in RULES])
def test_the_clause_of_a_rule_says_its_date(corpus: Corpus, wording: Wording, number: int) -> None:
    rule = wording.rule[number]
    expression = corpus.expression(ExpressionId.parse(wording.expression))
    if rule.applies_from != wording.in_force:
        assert printed(rule.applies_from) in expression.at(Pinpoint.parse(rule.says)).text
    if rule.later:
        assert printed(rule.later.date) in expression.at(Pinpoint.parse(rule.later.says)).text


@pytest.mark.parametrize(("wording", "number"), RULES, ids=[f"{w.expression}-{n}" for w, n in RULES])
def test_the_places_of_a_rule_exist(corpus: Corpus, wording: Wording, number: int) -> None:
    expression = corpus.expression(ExpressionId.parse(wording.expression))
    assert all(place == "*" or Pinpoint.parse(place) in expression for place in wording.rule[number].pinpoints)


@pytest.mark.parametrize(
    ("name", "clause", "words", "days"),
    [
        ("eu-ai-act@2024-07-12:en", "art_113", "twentieth day following", 20),
        ("eu-2026-1744@2026-07-24:en", "art_4", "third day following", 3),
    ],
)
def test_entry_into_force_follows_from_the_publication(
    corpus: Corpus, name: str, clause: str, words: str, days: int
) -> None:
    expression = corpus.expression(ExpressionId.parse(name))
    wording = load_wordings()[name]
    assert wording.in_force_says == clause and words in expression.at(Pinpoint.parse(clause)).text
    assert wording.in_force == expression.published + timedelta(days=days)


def test_every_provision_of_the_law_has_an_answer(corpus: Corpus) -> None:
    day = date(2026, 11, 23)
    for expression in corpus.expressions:
        for provision in expression.provisions:
            found = application_of(expression, provision, day)
            assert (found.force is None) == (expression.authority != "law"), provision.pinpoint


def test_every_date_of_article_113_is_in_the_table(corpus: Corpus) -> None:
    for name in ("eu-ai-act@2024-07-12:en", "eu-ai-act@2026-07-27:en"):
        text = corpus.expression(ExpressionId.parse(name)).at(Pinpoint.parse("art_113")).text
        said = set(re.findall(r"\d{1,2} (?:February|July|August|December) \d{4}", text))
        wording = load_wordings()[name]
        days = {rule.applies_from for rule in wording.rule} | {r.later.date for r in wording.rule if r.later}
        assert said == {printed(day) for day in days - {wording.in_force}}


def test_the_convention_has_no_rules_of_its_own() -> None:
    assert not any(name.startswith(CONVENTION) for name in load_wordings())


def printed(day: date) -> str:
    return f"{day.day} {day:%B} {day.year}"

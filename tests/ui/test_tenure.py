"""From when the words of a provision apply, until when, and what takes their place."""

from dataclasses import replace
from datetime import date

import pytest

from ingest.corpus import Corpus
from ingest.identifiers import AI_ACT, ExpressionId
from ingest.instrument import Expression
from ingest.pinpoint import Pinpoint
from tests.ui.gardens import garden_corpus, new_act, old_act
from ui.language import Language, load_wording
from ui.reading import Reading
from ui.tenure import End, Tenure, find_tenure, say_tenure

BEGAN, CHANGED, AGAIN = date(2025, 2, 2), date(2026, 7, 27), date(2027, 1, 1)


def tenure(corpus: Corpus, day: date, place: str) -> Tenure | None:
    reading = Reading(corpus)
    wording = reading.wording_on(AI_ACT, day)
    assert wording is not None
    return find_tenure(reading, wording, wording.at(Pinpoint.parse(place)))


def of_day(wording: Expression, day: date) -> Expression:
    identity = ExpressionId(wording.instrument, day, "en")
    return replace(
        wording, id=identity, provisions=tuple(replace(one, expression=identity) for one in wording.provisions)
    )


def without(wording: Expression, place: str) -> Expression:
    gone = Pinpoint.parse(place)
    return replace(wording, provisions=tuple(one for one in wording.provisions if not gone.contains(one.pinpoint)))


def part_changed() -> Expression:
    """The old act with one point of Article 5 in other words."""
    wording = of_day(old_act(), CHANGED)
    five, point = Pinpoint.parse("art_5"), Pinpoint.parse("art_5/1/a")
    changed = {
        five: replace(wording.at(five), text=wording.at(five).text.replace("cutting", "picking")),
        point: replace(wording.at(point), text="(a) picking a rose;", changed_by="an-act:art_1/1"),
    }
    return replace(wording, provisions=tuple(changed.get(one.pinpoint, one) for one in wording.provisions))


@pytest.mark.parametrize(
    ("day", "place", "expected"),
    [
        (
            date(2024, 7, 12),
            "art_4",
            Tenure(None, BEGAN, CHANGED, "Article 1(1) of Regulation (EU) 2026/1744", End.REPLACED),
        ),
        (CHANGED, "art_4", Tenure(CHANGED, CHANGED, None)),
        (CHANGED, "art_4a", Tenure(CHANGED, CHANGED, None)),
        (date(2024, 7, 12), "art_5/1/a", Tenure(None, BEGAN, None)),
        (CHANGED, "art_5/1/a", Tenure(None, BEGAN, None)),
        (CHANGED, "rct_1", Tenure(None, None, None)),
        (CHANGED, "cpt_I", None),
    ],
)
def test_the_days_of_words(day: date, place: str, expected: Tenure | None) -> None:
    assert tenure(garden_corpus(), day, place) == expected


def test_words_that_are_struck_out_before_they_apply_never_applied() -> None:
    corpus = Corpus("a", "b", (old_act(), without(new_act(), "anx_I")))
    found = tenure(corpus, date(2024, 7, 12), "anx_I")
    assert found == Tenure(None, date(2027, 8, 2), CHANGED, end=End.STRUCK_OUT)
    assert list(say_tenure(found, load_wording(Language.ENGLISH))) == [
        "never applicable in these words: due to apply from 2\u00a0August\u00a02027, replaced before",
        "struck out with effect from 27\u00a0July\u00a02026",
    ]


def test_words_of_two_wordings_stand_until_the_third_has_others() -> None:
    corpus = Corpus("a", "b", (old_act(), of_day(old_act(), CHANGED), of_day(new_act(), AGAIN)))
    for day in (date(2024, 7, 12), CHANGED):
        found = tenure(corpus, day, "art_4")
        assert found is not None
        assert (found.since, found.applied, found.replaced) == (None, BEGAN, AGAIN)


def test_words_of_which_a_part_is_others_are_changed() -> None:
    found = tenure(Corpus("a", "b", (old_act(), part_changed())), date(2024, 7, 12), "art_5")
    assert found is not None
    assert found.end is End.CHANGED
    assert list(say_tenure(found, load_wording(Language.ENGLISH)))[-1] == (
        "changed in part with effect from 27\u00a0July\u00a02026 by an-act:art_1/1"
    )


@pytest.mark.parametrize(
    ("language", "by"),
    [(Language.FRENCH, " par le règlement (UE) 2026/1744"), (Language.GERMAN, " durch die Verordnung (EU) 2026/1744")],
)
def test_an_amending_act_is_called_as_its_language_calls_it(language: Language, by: str) -> None:
    found = Tenure(None, BEGAN, CHANGED, "Regulation (EU) 2026/1744", End.CHANGED)
    assert list(say_tenure(found, load_wording(language)))[-1].endswith(by)
    place = replace(found, by="Article 1(8) of Regulation (EU) 2026/1744")
    assert list(say_tenure(place, load_wording(language)))[-1].endswith(place.by)


@pytest.mark.parametrize(
    ("language", "last"),
    [
        (Language.FRENCH, "remplacé avec effet au 27\u00a0juillet\u00a02026 par Act X"),
        (Language.GERMAN, "ersetzt mit Wirkung vom 27.\u00a0Juli\u00a02026 durch Act X"),
    ],
)
def test_they_are_said_in_the_readers_language(language: Language, last: str) -> None:
    found = Tenure(None, BEGAN, CHANGED, "Act X", End.REPLACED)
    assert list(say_tenure(found, load_wording(language)))[-1] == last

"""The catalogues of the page: the same phrases with the same places in each language."""

import re
from datetime import date
from pathlib import Path

import pytest

from assistant.answer import ClaimKind, RefusalReason
from ingest.instrument import Authority, Force, Relation
from ingest.outline import RELATIONS
from ui import views
from ui.language import Language, load_wording, page_words

UI = Path(views.__file__).parent
PLACE = re.compile(r"\{(\w*)\}")
ENGLISH = load_wording(Language.ENGLISH)


@pytest.mark.parametrize("language", [Language.FRENCH, Language.GERMAN])
@pytest.mark.parametrize("section", ["page", "turn"])
def test_every_phrase_is_in_every_language_with_the_same_places(language: Language, section: str) -> None:
    ours, english = getattr(load_wording(language), section), getattr(ENGLISH, section)
    assert set(ours) == set(english)
    assert all(ours.values()) or section == "page"
    for key, phrase in english.items():
        assert sorted(PLACE.findall(ours[key])) == sorted(PLACE.findall(phrase)), key


def test_every_phrase_that_a_page_names_is_there_and_no_other() -> None:
    scripts = "".join(path.read_text("utf-8") for path in (UI / "static").glob("*.js"))
    frame = "".join(
        (UI / "templates" / f"{name}.html").read_text("utf-8") for name in ("room", "masthead", "welcome", "saying")
    )
    for key in ENGLISH.page:
        stem = re.sub(r"_(one|many)$", "", key)
        assert re.search(rf"[\"'.\[]{re.escape(stem)}(?:_|\b)", scripts + frame) or key.startswith("topic_"), key
    for key in re.findall(r"\b(?:say|hint)\(\"(\w+)\"", scripts) + re.findall(r"said\(\"(\w+)\"\)", frame):
        assert key in ENGLISH.page, key


def test_what_an_answer_can_hold_has_its_words() -> None:
    keys = {f"authority_{one}" for one in Authority} | {f"force_{one}" for one in Force}
    keys |= {f"refusal_{one}" for one in RefusalReason} | {f"relation_{one}" for one in Relation}
    keys |= {f"claim_{ClaimKind.MODEL}", f"claim_{ClaimKind.SILENCE}"}
    assert keys <= set(ENGLISH.turn)
    assert {relation: ENGLISH.say(f"relation_{relation}") for relation in RELATIONS} == RELATIONS
    assert {authority: ENGLISH.say(f"authority_{authority}") for authority in Authority} == {
        authority: mark.word for authority, mark in views.AUTHORITY_MARKS.items()
    }
    assert {force: ENGLISH.say(f"force_{force}") for force in Force} == views.FORCE_WORDS
    assert {reason: ENGLISH.say(f"refusal_{reason}") for reason in RefusalReason} == views.REFUSAL_HEADS


@pytest.mark.parametrize(
    ("language", "day", "none", "two"),
    [
        (Language.ENGLISH, "1 March 2025", "0 issues", "2 issues"),
        (Language.FRENCH, "1er mars 2025", "0 point", "2 points"),
        (Language.GERMAN, "1. März 2025", "0 Punkte", "2 Punkte"),
    ],
)
def test_days_and_numbers_are_said_as_the_language_says_them(language: Language, day: str, none: str, two: str) -> None:
    words = load_wording(language)
    assert words.long_date(date(2025, 3, 1)) == day.replace(" ", "\u00a0")
    assert (words.count("issues", 0), words.count("issues", 2)) == (none, two)


@pytest.mark.parametrize("part", ["page", "turn", "law", "meeting", "file", "entry"])
def test_french_signs_stay_on_the_line_of_their_word(part: str) -> None:
    phrases = getattr(load_wording(Language.FRENCH), part).values()
    assert [one for one in phrases if re.search(r" [:;?!»]|« | …", one)] == []
    assert [one for one in phrases if re.search(r"[^\u00a0](?:[;?!»]|:(?!//))", one)] == []


def test_german_goes_on_in_capitals_after_a_colon_only_where_a_sentence_does() -> None:
    assert load_wording(Language.GERMAN).turn["withheld"].startswith("Das Modell wurde nicht gefragt: Diese Frage")


@pytest.mark.parametrize("language", [Language.FRENCH, Language.GERMAN])
def test_one_thing_has_one_word(language: Language) -> None:
    """Saving is one verb, and what is cited is told from what is quoted."""
    words = load_wording(language)
    save, citation = {"fr": ("nregistr", "référence"), "de": ("peicher", "Fundstelle")}[language]
    saving = ("save", "save_conversation", "save_all", "save_now", "saved")
    assert [key for key in saving if save not in words.page[key]] == []
    cited = ("initials_title", "unchecked_one", "all_checked", "key_open", "no_citation", "feedback_wrong_citation")
    assert [key for key in cited if citation not in words.page[key]] == []
    assert citation in words.turn["citations_many"] and citation not in words.turn["more_many"]


def test_the_browser_has_the_words_of_each_language_by_plain_keys() -> None:
    assert {type(key) for key in page_words()} == {str}
    assert page_words()["de"]["ask"] == "Fragen"

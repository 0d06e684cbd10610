"""The library, the panel, the concordance and the files speak the reader's language; the law in them stays English."""

import asyncio
import re
from collections.abc import Callable, Iterator
from datetime import date
from functools import cache

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from lxml import html

from assistant.answer import Answer
from assistant.noted import with_notes
from ingest.corpus import Corpus
from tests.ui.gardens import garden_corpus
from tests.ui.still import StillAssistant, StillDesk
from ui.api import create_app
from ui.concordance import concordance_page
from ui.export.exporting import Entry, Format, export_answers
from ui.language import Language, Wording, load_wording
from ui.library import Page, show_instrument, show_library, show_provision
from ui.passage import show_passage, show_status
from ui.reading import Reading

ABROAD = [Language.FRENCH, Language.GERMAN]
PARTS = ("law", "meeting", "file", "page", "turn")
SPOKEN = ("aria-label", "title", "alt", "placeholder", "data-word")
PLACE = re.compile(r"\{\w*\}")
ACT = "eu-ai-act"

Show = Callable[[Reading, Language], Page]
PAGES: dict[str, Show] = {
    "library": show_library,
    "instrument": lambda reading, language: show_instrument(reading, ACT, "", "", language),
    "earlier": lambda reading, language: show_instrument(reading, ACT, "2025-03-01", "", language),
    "found": lambda reading, language: show_instrument(reading, ACT, "", "watering roses", language),
    "nothing found": lambda reading, language: show_instrument(reading, ACT, "", "xylophone", language),
    "no instrument": lambda reading, language: show_instrument(reading, "no-act", "", "", language),
    "too early": lambda reading, language: show_instrument(reading, ACT, "1999-01-01", "", language),
    "no day": lambda reading, language: show_instrument(reading, ACT, "2025-02-31", "", language),
    "article": lambda reading, language: show_provision(reading, ACT, "art_5", "", "", language),
    "amended": lambda reading, language: show_provision(reading, ACT, "art_4", "", "", language),
    "point": lambda reading, language: show_provision(reading, ACT, "art_5/1/a", "", "", language),
    "chapter": lambda reading, language: show_provision(reading, ACT, "cpt_I", "", "", language),
    "no article": lambda reading, language: show_provision(reading, ACT, "art_99/9", "", "", language),
    "compared": lambda reading, language: show_provision(reading, ACT, "art_4", "", "2024-07-12", language),
    "new": lambda reading, language: show_provision(reading, ACT, "art_4a", "", "2024-07-12", language),
    "same": lambda reading, language: show_provision(reading, ACT, "art_4", "", "2026-11-01", language),
    "chapter compared": lambda reading, language: show_provision(reading, ACT, "cpt_I", "", "2024-07-12", language),
    "passage": lambda reading, language: show_passage(
        reading, "eu-ai-act@2026-07-27:en", "art_5/1/a", (0, 7), "", "2026-11-23", language
    ),
    "changed passage": lambda reading, language: show_passage(
        reading, "eu-ai-act@2026-07-27:en", "art_5/1/a", (0, 7), "0000000000", "2026-11-23", language
    ),
    "status": lambda reading, language: show_status(reading, "coe-ai-convention", "2026-11-23", language),
    "no status": lambda reading, language: show_status(reading, "un-guide", "2026-11-23", language),
    "concordance": lambda reading, language: Page(concordance_page(reading.corpus, language)),
}


@pytest.fixture(scope="module")
def reading() -> Reading:
    return Reading(garden_corpus())


@pytest.fixture(scope="module")
def noted() -> Reading:
    """Where none of the law is held, only our notes on it."""
    return Reading(with_notes(Corpus("0", "2026-11-23T10:00:00Z", ())))


@cache
def labels(language: Language) -> tuple[re.Pattern[str], dict[str, str]]:
    """What gives an English phrase away that the language says otherwise, and the key of each such phrase."""
    english, other = load_wording(Language.ENGLISH), load_wording(language)
    found = {}
    for part in PARTS:
        ours, theirs = getattr(english, part), getattr(other, part)
        for key, phrase in ours.items():
            kept = PLACE.sub(" ", phrase).strip(" .,:;()“”")
            if kept and phrase != theirs[key] and kept not in " ".join(theirs.values()):
                found[kept] = f"{part}.{key}"
    several = "|".join(rf"\b{re.escape(one)}\b" for one in found if " " in one)
    alone = "|".join(re.escape(one) for one in found if " " not in one)
    return re.compile(f"{several}|^(?:{alone})$"), found


def spoken(page: html.HtmlElement, language: Language) -> Iterator[str]:
    """Every text of a page that it says is in the reader's language."""
    for element in page.iter():
        if not isinstance(element.tag, str) or element.tag in {"style", "script"}:
            continue
        in_language = _language(element) == language
        for name in SPOKEN:
            if element.get(name) and in_language:
                yield str(element.get(name))
        if element.text and in_language:
            yield element.text
        if element.tail and element.getparent() is not None and _language(element.getparent()) == language:
            yield element.tail


def _language(element: html.HtmlElement) -> str:
    return next((str(one.get("lang")) for one in (element, *element.iterancestors()) if one.get("lang")), "")


def left_in_english(text: str, language: Language) -> list[str]:
    page = html.document_fromstring(text)
    said = [" ".join(one.split()).strip(" .,:;()") for one in spoken(page, language)]
    assert any(said)
    pattern, keys = labels(language)
    return [f"{keys[found[0]]} in {one!r}" for one in said if (found := pattern.search(one))]


def test_the_table_of_labels_finds_what_is_left() -> None:
    assert left_in_english('<html lang="fr"><p>The library</p></html>', Language.FRENCH) == [
        "law.title in 'The library'"
    ]
    assert left_in_english('<html lang="fr"><p>La <i lang="en">The library</i></p></html>', Language.FRENCH) == []


@pytest.mark.parametrize("language", ABROAD)
@pytest.mark.parametrize("name", PAGES)
def test_no_english_label_is_left_on_a_page(reading: Reading, name: str, language: Language) -> None:
    page = PAGES[name](reading, language).html
    assert f'lang="{language}"' in page
    assert left_in_english(page, language) == []


@pytest.mark.parametrize("language", ABROAD)
def test_nor_where_only_our_notes_are_held(noted: Reading, language: Language) -> None:
    place = (ACT, "art_5", "", "", language)
    for page in (show_library(noted, language), show_provision(noted, *place)):
        assert left_in_english(page.html, language) == []


@pytest.mark.parametrize("name", PAGES)
def test_in_english_no_page_names_a_language_in_its_links(reading: Reading, name: str) -> None:
    page = html.document_fromstring(PAGES[name](reading, Language.ENGLISH).html)
    for link in page.xpath("//a[not(@hreflang)]/@href"):
        assert "lang=" not in link


@pytest.mark.parametrize("language", ABROAD)
@pytest.mark.parametrize("name", ["library", "instrument", "article", "compared", "found", "concordance", "no article"])
def test_the_language_goes_with_every_link_of_the_house(reading: Reading, name: str, language: Language) -> None:
    page = html.document_fromstring(PAGES[name](reading, language).html)
    links = [link for link in page.xpath("//a[not(@hreflang)]/@href") if not link.startswith(("#", "http"))]
    assert links != []
    for link in links:
        assert f"lang={language}" in link, link


def test_a_page_turns_into_another_language_and_keeps_what_was_asked(reading: Reading) -> None:
    page = html.document_fromstring(PAGES["found"](reading, Language.FRENCH).html)
    turned = page.xpath("//nav[@class='languages']/a/@href")
    assert turned == [f"?q=watering+roses&lang={one}" for one in ("en", "fr", "de")]
    assert page.xpath("//nav[@class='languages']/a[@aria-current]/@hreflang") == ["fr"]


def test_the_law_stays_english_and_says_so(reading: Reading) -> None:
    page = html.document_fromstring(PAGES["article"](reading, Language.FRENCH).html)
    (text,) = page.xpath("//section[@class='print']")
    assert text.get("lang") == "en" and "cutting a rose" in text.text_content()
    assert page.get("lang") == "fr"
    assert load_wording(Language.FRENCH).say("law.texts_english") in page.text_content()


def test_the_server_takes_the_language_from_the_address(corpus: Corpus, answer: Answer) -> None:
    async def create() -> FastAPI:
        return create_app(StillDesk(StillAssistant(corpus, answer)))

    with TestClient(asyncio.run(create())) as client:
        for path, words in (("/law", "La bibliothèque"), ("/concordance", "Le tableau")):
            assert words in client.get(path, params={"lang": "fr"}).text
            assert words not in client.get(path, params={"lang": "xx"}).text


@pytest.mark.parametrize("language", [Language.FRENCH, Language.GERMAN])
@pytest.mark.parametrize("part", ["law", "meeting", "file"])
def test_every_phrase_is_in_every_language_with_the_same_places(language: Language, part: str) -> None:
    ours, english = getattr(load_wording(language), part), getattr(load_wording(Language.ENGLISH), part)
    assert set(ours) == set(english)
    for key, phrase in english.items():
        assert ours[key].strip() and sorted(PLACE.findall(ours[key])) == sorted(PLACE.findall(phrase)), key


@pytest.mark.parametrize("language", ABROAD)
def test_a_file_has_its_labels_in_the_language(corpus: Corpus, answer: Answer, language: Language) -> None:
    words = load_wording(language)
    made = export_answers((Entry(answer),), Format.MARKDOWN, corpus, date(2026, 11, 23), language=language)
    text = made.content.decode()
    for key in (
        "file.english",
        "file.checks",
        "file.citation",
        "file.works",
        "in_short",
        "not_advice",
        "file.official",
    ):
        assert words.say(key) in text, key
    assert _labels_in(text, words) == []


@pytest.mark.parametrize(
    ("language", "said"),
    [
        (Language.FRENCH, "établis le 23\u00a0novembre\u00a02026, 10:00 UTC\u00a0; rédaction\u00a0: citations seules"),
        (Language.GERMAN, "aufgebaut am 23.\u00a0November\u00a02026, 10:00 UTC; verfasst durch: nur Zitate"),
    ],
)
def test_what_a_file_was_made_from_is_in_words(corpus: Corpus, answer: Answer, language: Language, said: str) -> None:
    made = export_answers((Entry(answer),), Format.MARKDOWN, corpus, date(2026, 11, 23), language=language)
    assert said in made.content.decode()


def _labels_in(text: str, words: Wording) -> list[str]:
    """English labels of a file that stand in it as a whole line, cell or heading."""
    english = load_wording(Language.ENGLISH)
    cells = {cell.strip(" #*") for line in text.splitlines() for cell in line.split("|")}
    return [key for key, phrase in english.file.items() if phrase not in words.file.values() and phrase in cells]


@pytest.mark.parametrize("fmt", [Format.DOCX, Format.PDF])
def test_word_and_pdf_speak_it_too(corpus: Corpus, answer: Answer, fmt: Format) -> None:
    day = date(2026, 11, 23)
    french, english = (
        export_answers((Entry(answer),), fmt, corpus, day, language=one).content
        for one in (Language.FRENCH, Language.ENGLISH)
    )
    assert "Les vérifications" in _text(french, fmt) and "The checks" not in _text(french, fmt)
    assert "The checks" in _text(english, fmt)


def _text(made: bytes, fmt: Format) -> str:
    import io

    if fmt is Format.DOCX:
        from docx import Document

        return "\n".join(one.text for one in Document(io.BytesIO(made)).paragraphs)
    from pypdf import PdfReader

    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(made)).pages)

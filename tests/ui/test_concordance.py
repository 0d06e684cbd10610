"""The page of the concordance: everything is on it, everything is escaped, nothing comes from elsewhere."""

import asyncio
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from lxml import html
from playwright.sync_api import sync_playwright

from ingest.concordance import Concordance, load_concordance
from ingest.corpus import Corpus
from ingest.identifiers import AI_ACT, CONVENTION, InstrumentId
from ingest.instrument import Relation
from ingest.outline import RELATIONS, load_outlines
from ingest.pinpoint import Pinpoint
from ingest.pipeline import Options, find_texts, read_expressions
from tests.ui.still import StillDesk
from ui.api import create_app
from ui.concordance import LEGEND, SIGNS, build_picture, describe_standing, official_address, render_concordance

WORDINGS = {"coe-ai-convention": "coe-ai-convention@2024-09-05:en", "eu-ai-act": "eu-ai-act@2026-07-27:en"}
NASTY = "<script>alert(\"1\")</script> & 'roses'"
WITHOUT_TEXTS = Corpus("", "", ())
OFFICIAL = {"eur-lex.europa.eu", "rm.coe.int"}


@pytest.fixture(scope="module")
def texts(corpus_dir: Path) -> Corpus:
    """The official texts, read and not indexed: an address needs no more."""
    found = find_texts(Options(corpus_dir), download=False).found
    law = tuple(
        one for one in found if one.source.instrument in {*WORDINGS, "eu-2026-1744"} and one.source.use == "corpus"
    )
    _, expressions, _ = read_expressions(law, lambda stage, done, whole: None)
    return Corpus("", "", expressions)


def somewhere(instrument: InstrumentId, place: Pinpoint) -> str:
    return f"https://law.example/{instrument}#{place}"


def correspondence(name: str, relation: str, sides: dict[str, list[str]], only: str | None = None) -> dict[str, object]:
    cites = [f"{instrument}:{place}" for instrument, places in sides.items() for place in places]
    return {
        "id": name,
        "issue": f"{name} {NASTY}",
        "relation": relation,
        "only": only,
        "sides": sides,
        "addressees": {instrument: f"all {NASTY}" for instrument in sides},
        "note": [{"text": f"Said of {name} {NASTY}.", "cites": cites}],
        "basis": "reviewed",
        "reviewed": "2026-11-23",
    }


def small() -> Concordance:
    both = {"coe-ai-convention": ["art_2", "art_8"], "eu-ai-act": ["art_14/1", "anx_III/1", "rct_12"]}
    return Concordance.model_validate(
        {
            "wordings": WORDINGS,
            "correspondence": [
                correspondence("meets", "similar", both),
                correspondence("treaty-alone", "only", {"coe-ai-convention": ["art_33/1"]}, "coe-ai-convention"),
                correspondence("act-alone", "only", {"eu-ai-act": ["art_50/1"]}, "eu-ai-act"),
                correspondence("preamble", "broader", {"coe-ai-convention": ["pre_3"], "eu-ai-act": ["anx_I/A/1"]}),
            ],
        }
    )


def page_of(concordance: Concordance) -> html.HtmlElement:
    return html.document_fromstring(render_concordance(concordance, load_outlines(), somewhere, "It is so."))


# The picture


@pytest.mark.parametrize(
    ("name", "row", "column"),
    [
        ("meets", "art_2", "cpt_III"),
        ("treaty-alone", "art_33", "silent"),
        ("act-alone", "silent", "cpt_IV"),
        ("preamble", "pre", "anx"),
    ],
)
def test_a_correspondence_stands_where_its_first_places_cross(name: str, row: str, column: str) -> None:
    picture = build_picture(small(), load_outlines())
    where = {one.id: key for key, cell in picture.cells.items() for one in cell.marks}
    assert where[name] == (row, column)


def test_further_places_are_touched_and_the_rest_is_empty() -> None:
    picture = build_picture(small(), load_outlines())
    touched = {key for key, cell in picture.cells.items() if cell.touched}
    assert touched == {("art_2", "anx"), ("art_2", "rct"), *(("art_8", column) for column in ("cpt_III", "anx", "rct"))}


def test_every_correspondence_is_in_the_picture_once_and_every_lane_is_there() -> None:
    concordance = load_concordance()
    picture = build_picture(concordance, load_outlines())
    shown = [one.id for row in picture.rows for column in picture.columns for one in picture.cell(row, column).marks]
    assert sorted(shown) == sorted(one.id for one in concordance.correspondence)
    assert (len(picture.rows), len(picture.columns)) == (1 + 36 + 1, 13 + 2 + 1)


def test_the_picture_is_silent_where_only_one_speaks() -> None:
    picture = build_picture(load_concordance(), load_outlines())
    for (row, column), cell in picture.cells.items():
        for one in cell.marks:
            assert (one.only == AI_ACT) == (row == "silent")
            assert (one.only == CONVENTION) == (column == "silent")


# The page


def test_every_correspondence_is_marked_listed_and_noted_with_colour_sign_and_words() -> None:
    concordance = load_concordance()
    page = page_of(concordance)
    for one in concordance.correspondence:
        (mark,) = page.xpath(f'//table[@class="picture"]//a[@href="#{one.id}"]')
        assert (mark.text_content(), mark.get("class")) == (SIGNS[one.relation], f"tile {one.relation}")
        assert one.issue in mark.get("aria-label")
        (line,) = page.xpath(f'//table[@class="issues"]//tr[th/a[@href="#{one.id}"]]')
        assert line.get("data-relation") == one.relation
        (note,) = page.xpath(f'//article[@id="{one.id}"]')
        assert [sentence.text for sentence in one.note] == [
            item.text.strip() for item in note.xpath('.//ol[@class="note"]/li')
        ]


def test_a_row_leads_to_each_of_its_provisions_on_both_sides() -> None:
    page = page_of(small())
    (line,) = page.xpath('//table[@class="issues"]//tr[th/a[@href="#meets"]]')
    assert line.xpath('.//a[starts-with(@href, "http")]/@href') == [
        "https://law.example/coe-ai-convention#art_2",
        "https://law.example/coe-ai-convention#art_8",
        "https://law.example/eu-ai-act#art_14/1",
        "https://law.example/eu-ai-act#anx_III/1",
        "https://law.example/eu-ai-act#rct_12",
    ]
    (alone,) = page.xpath('//table[@class="issues"]//tr[th/a[@href="#act-alone"]]')
    assert "silent" in alone.xpath("./td[2]")[0].text_content()


def test_the_legend_names_and_counts_every_relation() -> None:
    page = page_of(small())
    labels = [" ".join(label.text_content().split()) for label in page.xpath('//form[@class="legend"]//label')]
    counts = {Relation.SIMILAR: 1, Relation.BROADER: 1, Relation.ONLY: 2}
    words = RELATIONS | {Relation.ONLY: "one speaks, the other is silent"}
    assert labels == [
        "all 4",
        *(f"{SIGNS[relation]} {words[relation]} {counts.get(relation, 0)}" for relation in LEGEND),
    ]


def test_no_word_of_the_data_becomes_markup() -> None:
    page = page_of(small())
    assert page.xpath("//script") == []
    assert page.xpath('//article[@id="meets"]/h3')[0].text_content() == f"meets {NASTY}"
    assert page.xpath('//a[@href="#meets"]/@title')[0].startswith(f"meets {NASTY}")


@pytest.mark.parametrize("corpus", [WITHOUT_TEXTS, None], ids=["without texts", "with texts"])
def test_nothing_is_fetched_from_anywhere_and_links_lead_to_the_official_texts(
    corpus: Corpus | None, request: pytest.FixtureRequest
) -> None:
    texts = corpus or request.getfixturevalue("texts")
    concordance = load_concordance()
    page = html.document_fromstring(
        render_concordance(concordance, load_outlines(), official_address(texts, concordance))
    )
    assert page.xpath("//@src | //link | //script | //iframe | //img") == []
    assert not re.search(r"url\(|@import", page.xpath("string(//style)"))
    outward = page.xpath('//a[not(starts-with(@href, "#")) and not(starts-with(@href, "./"))]')
    assert {urlsplit(link.get("href")).netloc for link in outward} == OFFICIAL
    assert {(link.get("target"), link.get("rel")) for link in outward} == {("_blank", "noopener")}


def test_every_note_leads_to_the_chat_with_its_question() -> None:
    page = page_of(small())
    (link,) = page.xpath('//article[@id="meets"]//a[starts-with(@href, "./#q=")]')
    assert link.text_content() == "Ask this"
    assert link.get("aria-label") == f"Ask this: meets {NASTY}"
    (question,) = parse_qs(urlsplit(link.get("href")).fragment)["q"]
    assert question == f"What do the Convention and the AI Act say on “meets {NASTY}”?"


def test_the_page_leads_back_to_the_chat() -> None:
    assert page_of(small()).xpath('//nav[@aria-label="Pages"]//a/@href') == ["./", "./", "./law"]


def test_every_link_within_the_page_has_its_end() -> None:
    page = page_of(load_concordance())
    ids = page.xpath("//@id")
    assert len(set(ids)) == len(ids)
    assert {link[1:] for link in page.xpath('//a[starts-with(@href, "#")]/@href')} <= set(ids)


def test_the_addresses_without_texts_are_those_with_them(texts: Corpus) -> None:
    concordance = load_concordance()
    with_texts, without = (official_address(one, concordance) for one in (texts, WITHOUT_TEXTS))
    for place in ("art_5/1/f", "anx_III/1", "rct_12"):
        assert without(AI_ACT, Pinpoint.parse(place)) == with_texts(AI_ACT, Pinpoint.parse(place))


def test_the_page_says_whether_the_convention_binds() -> None:
    said = describe_standing(date(2026, 11, 23))
    assert "The Convention is not in force on 23\u00a0November\u00a02026" in said


# Served


async def create_in_a_loop(desk: StillDesk) -> FastAPI:
    return create_app(desk)


@pytest.fixture
def client(desk: StillDesk) -> Iterator[TestClient]:
    with TestClient(asyncio.run(create_in_a_loop(desk))) as client:
        yield client


def test_the_page_is_served_beside_the_chat(client: TestClient) -> None:
    response = client.get("/concordance")
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert "frame-ancestors 'self'" in response.headers["content-security-policy"]
    assert html.document_fromstring(response.text).xpath("count(//article)") == len(load_concordance().correspondence)


@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_fits_and_its_tiles_lead_to_their_notes(chromium: Path, tmp_path: Path, width: int) -> None:
    file = tmp_path / "page.html"
    file.write_text(render_concordance(load_concordance(), load_outlines(), somewhere), encoding="utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(chromium), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": width, "height": 900})
        page.goto(file.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") == width
        page.locator('.picture a[href="#deep-fakes"]').click()
        assert page.locator("#deep-fakes").is_visible()
        assert page.evaluate("scrollY") > 1000
        page.locator("#show-narrower").check()
        shown = page.locator("#notes article:visible")
        assert {one.get_attribute("data-relation") for one in shown.all()} == {"narrower"}
        browser.close()

"""What a citation opens beside the conversation: the words where they stand, and what stands around them."""

import asyncio
from collections.abc import Iterator
from urllib.parse import urljoin, urlsplit

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from lxml import html

from assistant.answer import Answer, Citation
from assistant.noted import with_notes
from ingest.corpus import Corpus
from ingest.identifiers import AI_ACT, CONVENTION
from ingest.instrument import Authority, Expression
from ingest.pinpoint import Pinpoint
from tests.ui.garden_server import quote
from tests.ui.gardens import DAY, NASTY, garden_corpus
from tests.ui.still import StillAssistant, StillDesk
from ui.api import create_app
from ui.excerpt import read_unit
from ui.reading import Reading
from ui.views import address_passage


async def create_in_a_loop(desk: StillDesk) -> FastAPI:
    return create_app(desk)


@pytest.fixture
def garden() -> Corpus:
    return garden_corpus()


@pytest.fixture
def client(garden: Corpus, answer: Answer) -> Iterator[TestClient]:
    with TestClient(asyncio.run(create_in_a_loop(StillDesk(StillAssistant(garden, answer))))) as client:
        yield client


def cite(corpus: Corpus, place: str, words: str) -> Citation:
    return quote(corpus, 1, place, words)


def open_at(client: TestClient, address: str, status: int = 200) -> html.HtmlElement:
    response = client.get(f"/{address}")
    assert response.status_code == status
    assert response.headers["content-type"].startswith("text/html")
    return html.fragment_fromstring(response.text, create_parent="div")


def words(element: html.HtmlElement) -> str:
    return " ".join(element.text_content().split())


@pytest.mark.parametrize(
    ("place", "quote"),
    [
        ("art_5/1/a", "cutting a rose"),
        ("art_5/1", "forbidden:\n(a) cutting a rose;\n(b) no"),
        ("art_5/2", f"applies to a rose {NASTY}"),
        ("rct_1", "(1) Gardens"),
    ],
)
def test_the_marked_words_are_the_quote(client: TestClient, garden: Corpus, place: str, quote: str) -> None:
    shown = open_at(client, address_passage(cite(garden, place, quote), DAY))
    assert "\n".join(mark.text_content() for mark in shown.xpath(".//mark")) == quote
    assert shown.xpath(".//img | .//*[@onerror]") == []


def test_words_that_are_others_than_were_quoted_are_never_shown(client: TestClient, garden: Corpus) -> None:
    address = address_passage(cite(garden, "art_5/1/a", "cutting a rose"), DAY)
    shown = open_at(client, address.replace("start=4", "start=5"), 404)
    assert words(shown.xpath(".//p[@class='vv-line']")[0]).startswith("The texts have changed since this was quoted")
    assert shown.xpath(".//mark") == []


def test_what_a_passage_refers_to_opens_in_place_and_in_the_library(client: TestClient) -> None:
    shown = open_at(client, "passage?wording=eu-ai-act@2026-07-27:en&place=art_5/2&as_of=2026-11-23")
    (link,) = shown.xpath(".//a[@class='reference']")
    assert link.get("href") == "./law/eu-ai-act/art_4?as_of=2026-11-23"
    assert link.get("data-panel") == "passage?wording=eu-ai-act@2026-07-27:en&place=art_4&as_of=2026-11-23"
    links = shown.xpath(".//a[@data-panel]")
    assert len(links) > 5
    for one in links:
        assert client.get(f"/{one.get('data-panel')}").status_code == 200
        assert client.get(urlsplit(urljoin("http://a/", one.get("href")))._replace(netloc="", scheme="").geturl())


@pytest.mark.parametrize("day", ["2024-07-12", "2026-11-23"])
def test_a_replaced_wording_is_not_called_in_force_and_says_when_it_applied(client: TestClient, day: str) -> None:
    shown = open_at(client, f"passage?wording=eu-ai-act@2024-07-12:en&place=art_4&as_of={day}")
    facts = [words(fact) for fact in shown.xpath(".//ul[@class='vv-facts']/li")]
    assert [fact for fact in facts if "force" in fact] == (
        ["not in force before 1 August 2024"] if day < "2024-08-01" else []
    )
    assert "applicable in these words from 2 February 2025 to 26 July 2026" in facts
    assert "replaced with effect from 27 July 2026 by Article 1(1) of Regulation (EU) 2026/1744" in facts


def test_neighbours_changes_and_the_library_are_led_to(client: TestClient) -> None:
    shown = open_at(client, "passage?wording=eu-ai-act@2026-07-27:en&place=art_4a&as_of=2026-11-23")
    neighbours = [words(one) for one in shown.xpath(".//nav[@class='neighbours']//a")]
    assert neighbours == ["Article 4", "Article 5"]
    (change,) = shown.xpath(".//details[contains(@class, 'amended')]//li")
    assert "by Article 1(1) of Regulation (EU) 2026/1744, with effect from 27 July 2026" in words(change)
    facts = [words(fact) for fact in shown.xpath(".//ul[@class='vv-facts']/li")]
    assert "changed by Article 1(1) of Regulation (EU) 2026/1744" in facts
    official, library = shown.xpath(".//p[@class='vv-official']/a/@href")
    assert official == "https://law.example/text#art_4a"
    assert library == "./law/eu-ai-act/art_4a?as_of=2026-11-23"


def test_there_is_one_heading_and_it_can_take_the_focus(client: TestClient) -> None:
    shown = open_at(client, "passage?wording=eu-ai-act@2026-07-27:en&place=art_5/1/a")
    (heading,) = shown.xpath(".//h1 | .//h2 | .//h3")
    assert (words(heading), heading.get("tabindex")) == ("Article 5(1)(a) of the AI Act", "-1")
    assert [words(one) for one in shown.xpath(".//ol[@class='vv-path']/li")] == [
        "The AI Act",
        "Chapter I General AI provisions",
        "Article 5 Forbidden",
    ]


def test_the_copied_citation_has_the_quoted_words(client: TestClient, garden: Corpus) -> None:
    shown = open_at(client, address_passage(cite(garden, "art_5/1/a", "cutting a rose"), DAY))
    copies = {words(button): button.get("data-copy") for button in shown.xpath(".//button[@class='copy']")}
    assert copies["plain"].startswith("“cutting a rose” (Article 5(1)(a) of the AI Act,")
    assert copies["Markdown"].startswith("> “cutting a rose” — [Article 5(1)(a) of the AI Act](")


def test_a_status_citation_opens_the_dated_table(client: TestClient) -> None:
    status = Citation(1, CONVENTION, "Status", Authority.STATUS)
    shown = open_at(client, address_passage(status, DAY))
    assert words(shown.xpath(".//h2")[0]) == "Status of the Convention, as seen on 24 September 2026"
    assert "Not in force, as seen on" in words(shown.xpath(".//div[@class='vv-leaf']")[0])


@pytest.mark.parametrize(
    ("place", "links"),
    [
        ("art_4", ["./law/eu-ai-act/art_4?as_of=2026-11-23&compare=2024-07-12"]),
        ("art_4a", ["./law/eu-ai-act/art_4a?as_of=2026-11-23&compare=2024-07-12"]),
        ("art_5/1/a", []),
    ],
)
def test_a_passage_that_another_wording_has_otherwise_leads_to_both(
    client: TestClient, place: str, links: list[str]
) -> None:
    shown = open_at(client, f"passage?wording=eu-ai-act@2026-07-27:en&place={place}&as_of=2026-11-23")
    assert shown.xpath(".//p[@class='vv-otherwise']/a/@href") == links


@pytest.mark.parametrize(
    ("query", "line"),
    [
        ("wording=eu-ai-act@1999-01-01:en&place=art_5", "Wording eu-ai-act@1999-01-01:en is not in this corpus"),
        ("wording=nonsense&place=art_5", "Expression 'nonsense' cannot be read"),
        ("wording=eu-ai-act@2026-07-27:en&place=art_99", "The AI Act has no Article 99"),
        ("wording=eu-ai-act@2026-07-27:en&place=art_5/sub_x", "The AI Act has no art_5/sub_x"),
        ("wording=eu-ai-act@2026-07-27:en&place=art_5&start=0&end=99999", "0 to 99999 is no range of Article 5"),
        ("wording=eu-ai-act@2026-07-27:en&place=art_5&start=-1&end=5", "-1 to 5 is no range"),
        ("wording=eu-ai-act@2026-07-27:en&place=art_5&as_of=2026-02-31", "As_of '2026-02-31' is no date"),
    ],
)
def test_what_is_not_there_is_one_calm_line(client: TestClient, query: str, line: str) -> None:
    shown = open_at(client, f"passage?{query}", 404)
    assert words(shown.xpath(".//p[@class='vv-line']")[0]).startswith(line)


def test_a_passage_of_which_only_our_note_is_held_says_so() -> None:
    from ui.passage import show_passage

    reading = Reading(with_notes(Corpus("none", "2026-11-23T10:00:00Z", ())))
    wording = reading.wordings(AI_ACT)[-1]
    page = show_passage(reading, str(wording.id), "art_5/1/f", (None, None), "", "")
    shown = html.fragment_fromstring(page.html, create_parent="div")
    assert page.status == 200
    facts = [words(fact) for fact in shown.xpath(".//ul[@class='vv-facts']/li")]
    assert facts[:2] == ["✱ note", "in our own words, not the law’s"]
    assert shown.xpath(".//mark") == []
    assert shown.xpath(".//p[@class='sentence']")


@pytest.mark.parametrize(
    "path",
    [
        "/source/eu-ai-act/3.png?wording=eu-ai-act@2026-07-27:en&place=art_5",
        "/source/..%2f..%2fetc%2fpasswd/1.png?wording=eu-ai-act@2026-07-27:en&place=art_5",
        "/source/a-guide/1.png?wording=eu-ai-act@2026-07-27:en&place=art_5",
        "/source/eu-ai-act/-1.png?wording=eu-ai-act@2026-07-27:en&place=art_5",
        "/source/eu-ai-act/x.png?wording=eu-ai-act@2026-07-27:en&place=art_5",
        "/source/eu-ai-act/1.png",
    ],
)
def test_no_page_is_drawn_but_of_a_listed_pdf(client: TestClient, path: str) -> None:
    response = client.get(path)
    assert response.status_code in {404, 422}
    assert not response.headers["content-type"].startswith("image/")


def long_act(garden: Corpus) -> Expression:
    from tests.ui.gardens import article, expression, point

    points = (point(letter, f"plant {letter} {'very ' * 80}green;") for letter in "abcdefghijklmnopqrst")
    return expression("eu-ai-act@2024-07-12:en", "the AI Act", Authority.LAW, article("3", "Plants", "Here:", *points))


def test_a_long_article_is_cut_to_what_stands_around_the_marked_words(garden: Corpus) -> None:
    wording = long_act(garden)
    excerpt = read_unit(wording, Pinpoint.parse("art_3/m"), (4, 11))
    shown = [line.text for line in excerpt.lines]
    assert shown[0] == "Here:"
    assert [line.runs[1][1][0].text for line in excerpt.lines if line.is_marked] == ["plant m"]
    total = len(shown) + sum(line.skipped for line in excerpt.lines) + excerpt.skipped_after
    assert total == len(excerpt.unit.text.split("\n"))
    assert len("\n".join(shown)) < 5_000 < len(excerpt.unit.text)
    assert len(read_unit(wording, Pinpoint.parse("art_3/m"), (4, 11), whole=True).lines) == total


def test_every_word_of_a_unit_is_shown_once_and_in_order(garden: Corpus) -> None:
    for wording in garden.expressions:
        for unit in wording.units():
            excerpt = read_unit(wording, unit.pinpoint, None, Reading(garden).glossary(wording))
            assert "\n".join(line.text for line in excerpt.lines) == unit.text

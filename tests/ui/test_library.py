"""The library's pages: each place has its own, with all that stands around it, and what is not there is said calmly."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urljoin, urlsplit

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from lxml import html

from assistant.answer import Answer
from assistant.noted import with_notes
from ingest.corpus import Corpus
from tests.ui.gardens import NASTY, garden_corpus
from tests.ui.still import StillAssistant, StillDesk
from ui.api import create_app
from ui.headers import LIBRARY_POLICY
from ui.library import Page, show_instrument, show_library, show_provision
from ui.reading import Reading


@pytest.fixture
def reading() -> Reading:
    return Reading(garden_corpus())


def parse(page: Page) -> html.HtmlElement:
    return html.document_fromstring(page.html)


def words(element: html.HtmlElement) -> str:
    return " ".join(element.text_content().split())


def each(page: html.HtmlElement, path: str) -> list[str]:
    return [words(one) for one in page.cssselect(path)] if "//" not in path else [words(o) for o in page.xpath(path)]


def show(reading: Reading, place: str, as_of: str = "", compare: str = "") -> html.HtmlElement:
    page = show_provision(reading, "eu-ai-act", place, as_of, compare)
    assert page.status == 200
    return parse(page)


def test_the_library_lists_every_instrument_with_its_status_and_wordings(reading: Reading) -> None:
    page = parse(show_library(reading))
    assert page.xpath("//h3/a/@href") == [
        "./law/coe-ai-convention",
        "./law/eu-ai-act",
        "./law/eu-2026-1744",
        "./law/a-guide",
        "./law/un-guide",
    ]
    (act,) = page.xpath("//li[h3/a[text()='The AI Act']]")
    assert "In force since 1 August 2024" in words(act)
    assert act.xpath(".//ul[@class='wordings']//a/@href") == [
        "./law/eu-ai-act?as_of=2026-07-27",
        "./law/eu-ai-act?as_of=2024-07-12",
    ]
    assert "Not in force on 23 November 2026" in words(page.xpath("//li[h3/a[text()='The Convention']]")[0])
    assert "2 numbered paragraphs" in words(page.xpath("//li[h3/a[text()='Guide 7']]")[0])


def test_an_instrument_is_a_tree_that_marks_what_was_changed(reading: Reading) -> None:
    page = parse(show_instrument(reading, "eu-ai-act", "", ""))
    assert [words(head) for head in page.xpath("//section/h2")] == [
        "Chapters and articles",
        "Annexes",
        "Recitals",
        "Changed since it was adopted",
    ]
    (summary,) = page.xpath("//summary[starts-with(normalize-space(), 'Chapter I')]")
    assert words(summary) == "Chapter I General AI provisions"
    listed = [words(one) for one in page.xpath("//details[summary[contains(., 'Chapter I')]]//li")]
    assert listed == [
        "Article 3 Definitions",
        "Article 4 Watering changed",
        "Article 4a Shade changed",
        "Article 5 Forbidden",
    ]
    assert page.xpath("//section[@id='changed']//a/@href") == [
        "../law/eu-ai-act/art_4?compare=2024-07-12",
        "../law/eu-ai-act/art_4a?compare=2024-07-12",
    ]


def test_a_day_is_kept_in_every_link_of_the_tree(reading: Reading) -> None:
    page = parse(show_instrument(reading, "eu-ai-act", "2025-03-01", ""))
    own = [link for link in page.xpath("//main//section//a/@href") if not link.startswith("#")]
    assert own
    assert all(link.endswith("?as_of=2025-03-01") for link in own)
    assert page.xpath("//input[@name='as_of']/@value") == ["2025-03-01"]
    assert "4a" not in page.text_content()


def test_a_search_marks_the_words_in_all_their_forms(reading: Reading) -> None:
    page = parse(show_instrument(reading, "eu-ai-act", "", "watering roses"))
    first = page.xpath("//ol[@class='found']/li")[0]
    assert first.xpath(".//a/@href") == ["../law/eu-ai-act/art_4/1#marked"]
    assert first.xpath(".//mark/text()") == ["water", "rose"]


@pytest.mark.parametrize("query", ["Article 5(1)(a)", "5(1)(a)", "art_5/1/a"])
def test_a_search_for_a_place_finds_it_first(reading: Reading, query: str) -> None:
    page = parse(show_instrument(reading, "eu-ai-act", "", query))
    first = page.xpath("//ol[@class='found']/li")[0]
    assert first.xpath(".//a/@href") == ["../law/eu-ai-act/art_5/1/a#marked"]
    assert "the place itself" in words(first)


@pytest.mark.parametrize(
    ("query", "is_place"),
    [
        ("Article 5(1)(a)", True),
        ("Article 5(1)(a) of the AI Act", True),
        ("5(1)(a)", True),
        ("art_5/1/a", True),
        ("Article 5(1)(a) rose", False),
    ],
)
def test_a_search_for_a_place_and_nothing_else_finds_nothing_else(reading: Reading, query: str, is_place: bool) -> None:
    page = parse(show_instrument(reading, "eu-ai-act", "", query))
    assert (len(page.xpath("//ol[@class='found']/li")) == 1) == is_place


@pytest.mark.parametrize("query", ["zebra", NASTY, "a" * 20_000, "🌹", "?!", "וְ"])
def test_a_search_without_a_hit_is_a_calm_line(reading: Reading, query: str) -> None:
    page = show_instrument(reading, "eu-ai-act", "", query)
    assert page.status == 200
    assert parse(page).xpath("//script[not(@src)] | //img") == []


def test_a_french_text_is_searched_and_marked_as_french(reading: Reading) -> None:
    page = parse(show_instrument(reading, "un-guide", "", "roses plantes"))
    assert page.xpath("//p[@class='snippet']/@lang") == ["fr"]
    assert page.xpath("//mark/text()") == ["rose", "plante"]


def test_a_point_is_marked_in_its_article(reading: Reading) -> None:
    page = show(reading, "art_5/1/a")
    assert words(page.xpath("//h1")[0]) == "Article 5(1)(a) of the AI Act"
    assert [words(mark) for mark in page.xpath("//mark")] == ["(a) cutting a rose;"]
    assert page.xpath("//mark/@id") == ["marked"]
    assert [words(line) for line in page.xpath("//section[@class='print']/p")] == [
        "1. The following is forbidden:",
        "(a) cutting a rose;",
        "(b) noise.",
        f"2. Article 4 applies to a rose {NASTY}.",
    ]
    assert [words(one) for one in page.xpath("//nav[@class='crumbs']//li")] == [
        "Library",
        "The AI Act",
        "Chapter I",
        "Article 5",
        "Article 5(1)",
        "Article 5(1)(a)",
    ]
    assert page.xpath("//section[@class='print']/@lang") == ["en"]


def test_a_provision_says_whether_it_binds_and_from_when(reading: Reading) -> None:
    facts = [words(fact) for fact in show(reading, "art_5", "2025-01-10").xpath("//ul[@class='facts']/li")]
    assert facts == [
        "§ law",
        "not yet applicable on 10 January 2025",
        "will apply from 2 February 2025",
        "wording of 12 July 2024, English",
    ]


@pytest.mark.parametrize(
    ("day", "force"),
    [
        ("2024-07-12", "not in force before 1 August 2024"),
        ("2025-01-10", "not yet applicable on 10 January 2025"),
        ("2026-07-26", "in force on 26 July 2026"),
    ],
)
def test_a_replaced_wording_says_from_when_and_until_when_it_applied(reading: Reading, day: str, force: str) -> None:
    facts = [words(fact) for fact in show(reading, "art_4", day).xpath("//ul[@class='facts']/li")]
    assert facts == [
        "§ law",
        force,
        "applicable in these words from 2 February 2025 to 26 July 2026",
        "replaced with effect from 27 July 2026 by Article 1(1) of Regulation (EU) 2026/1744",
        "wording of 12 July 2024, English",
    ]


@pytest.mark.parametrize(
    ("day", "wording"),
    [
        ("2025-03-01", "Wording of 12 July 2024, until 26 July 2026; also held: 27 July 2026."),
        ("2026-11-23", "Wording of 27 July 2026; also held: 12 July 2024."),
    ],
)
def test_an_instrument_says_until_when_its_wording_stands(reading: Reading, day: str, wording: str) -> None:
    page = parse(show_instrument(reading, "eu-ai-act", day, ""))
    assert words(page.xpath("//p[@class='standing']")[0]).endswith(wording)


def test_words_that_an_amendment_brought_say_since_when_they_stand(reading: Reading) -> None:
    facts = [words(fact) for fact in show(reading, "art_4", "2026-11-23").xpath("//ul[@class='facts']/li")]
    assert facts[1:4] == [
        "in force on 23 November 2026",
        "applies from 2 February 2025",
        "in these words since 27 July 2026",
    ]


def test_references_in_the_text_lead_on(reading: Reading) -> None:
    page = show(reading, "art_5")
    (link,) = page.xpath("//a[@class='reference']")
    assert (words(link), link.get("href")) == ("Article 4", "../../law/eu-ai-act/art_4")
    assert page.xpath("//a[@class='label']/@href")[0] == "../../law/eu-ai-act/art_5/1#marked"


def test_what_refers_to_a_place_is_listed_those_that_name_it_first(reading: Reading) -> None:
    page = show(reading, "art_5/1/a")
    guidance = page.xpath("//details[contains(@class, 'guidance')]//li/a")
    assert [words(one) for one in guidance] == ["Guide 7, para 7", "Guide 7, para 8"]
    (law,) = page.xpath("//details[contains(@class, 'cited-by')]//li/a")
    assert (words(law), law.get("href")) == ("Annex I of the AI Act", "../../../../law/eu-ai-act/anx_I")


def test_the_recitals_nearest_in_words_are_said_to_be_no_more(reading: Reading) -> None:
    (recital,) = show(reading, "art_4").xpath("//details[contains(@class, 'recitals')]//li")
    assert words(recital).startswith("Recital 1 near in its words")


def test_who_changed_a_provision_and_when_is_said(reading: Reading) -> None:
    page = show(reading, "art_4")
    (change,) = page.xpath("//details[contains(@class, 'amended')]//li")
    assert words(change) == (
        "Article 4: by Article 1(1) of Regulation (EU) 2026/1744, with effect from 27 July 2026 old beside new"
    )
    assert change.xpath("./a/@href") == [
        "../../law/eu-2026-1744/art_1/1#marked",
        "../../law/eu-ai-act/art_4?as_of=2026-07-27&compare=2024-07-12",
    ]
    assert show(reading, "art_4", "2025-03-01").xpath("//details[contains(@class, 'amended')]") == []


@pytest.mark.parametrize("as_of", ["2025-03-01", "2026-07-01"])
def test_on_a_day_before_an_amending_act_its_place_is_led_to_as_it_stands_later(reading: Reading, as_of: str) -> None:
    page = show(reading, "art_4", as_of, "2026-11-23")
    links = page.xpath("//div[@class='amended']//a/@href")
    assert links == ["../../law/eu-2026-1744/art_1/1?as_of=2026-07-24#marked"]
    assert show_provision(reading, "eu-2026-1744", "art_1/1", "2026-07-24", "").status == 200


def test_from_another_day_a_link_leads_back_to_today(reading: Reading) -> None:
    back = "//a[.='Back to the law of today']/@href"
    assert show(reading, "art_5/1/a", "2025-03-01").xpath(back) == ["../../../../law/eu-ai-act/art_5/1/a#marked"]
    assert parse(show_instrument(reading, "eu-ai-act", "2025-03-01", "")).xpath(back) == ["../law/eu-ai-act"]
    assert show(reading, "art_5/1/a").xpath(back) == []


@pytest.mark.parametrize("typed", ["2025-03-01", "1 March 2025", "1.3.2025", "1er mars 2025", "1. März 2025"])
def test_a_day_is_read_as_a_reader_writes_it(reading: Reading, typed: str) -> None:
    page = show(reading, "art_4", typed)
    assert page.xpath("//input[@name='as_of']/@value") == ["2025-03-01"]
    assert "Gardeners water every rose daily." in words(page.xpath("//section[@class='print']")[0])


@pytest.mark.parametrize("typed", ["today", "Heute", "aujourd'hui", "aujourd’hui"])
def test_the_word_that_the_box_shows_for_today_is_today(reading: Reading, typed: str) -> None:
    page = show(reading, "art_4", typed)
    assert page.xpath("//input[@name='as_of']/@value") == [""]
    assert "twice a day" in words(page.xpath("//section[@class='print']")[0])


def test_our_note_is_marked_as_ours_and_left_out_where_the_words_are_others(reading: Reading) -> None:
    (note,) = show(reading, "art_4").xpath("//details[contains(@class, 'noted')]")
    assert "in our own words, not the law’s" in words(note)
    assert note.xpath(".//p[@class='sentence']")
    (earlier,) = show(reading, "art_4", "2025-03-01").xpath("//details[contains(@class, 'noted')]")
    assert len(earlier.xpath(".//p[@class='sentence']")) < len(note.xpath(".//p[@class='sentence']"))
    assert "left out: written on the wording of 27 July 2026" in words(earlier)


def test_terms_have_their_definition_once_a_paragraph(reading: Reading) -> None:
    page = show(reading, "art_5")
    terms = page.xpath("//button[@class='term']")
    assert [words(term) for term in terms] == ["rose", "rose"]
    assert len({term.get("popovertarget") for term in terms}) == 1
    (definition,) = page.xpath(f"//div[@popover][@id='{terms[0].get('popovertarget')}']")
    assert words(definition) == "rose Article 3(1) (1) ‘rose’ means a plant;"
    assert show(reading, "art_3").xpath("//button[@class='term']") == []


def test_the_concordance_at_a_place_leads_to_the_other_side_and_to_its_note(reading: Reading) -> None:
    meetings = show(reading, "art_5/1").xpath("//details[contains(@class, 'meetings')]//li")
    assert meetings
    assert all(one.xpath("./a/@href")[0].startswith("../../../concordance#") for one in meetings)
    assert any("of the Convention" in words(one) for one in meetings)


def test_the_citation_can_be_copied_in_three_styles_and_read_without_a_script(reading: Reading) -> None:
    page = show(reading, "art_5/1/a", "2025-03-01")
    copies = {words(button): button.get("data-copy") for button in page.xpath("//button[@class='copy']")}
    assert list(copies) == ["OSCOLA", "plain", "Markdown"]
    assert copies["OSCOLA"] == "the AI Act in full [2024] OJ L 2024/1689, art 5(1)(a)"
    assert [words(one) for one in page.xpath("//span[@class='as-text']")] == list(copies.values())
    (said,) = page.xpath("//span[@class='copied']")
    assert said.get("role") == "status"


@pytest.mark.parametrize("place", ["art_5", "art_5/2", "rct_1"])
def test_no_word_of_a_text_becomes_markup(reading: Reading, place: str) -> None:
    page = show(reading, place)
    assert page.xpath("//script[not(@src)] | //img | //*[@onerror] | //*[@style]") == []
    assert NASTY in " ".join(page.text_content().split())


def test_two_wordings_stand_beside_each_other(reading: Reading) -> None:
    page = show(reading, "art_4", compare="2024-07-12")
    old, new = page.xpath("//div[@class='sides']/section")
    assert words(old).startswith("The wording of 12 July 2024")
    assert [words(one) for one in old.xpath(".//del")] == ["[−daily−]"]
    assert [words(one) for one in new.xpath(".//ins")] == ["{+1.+}", "{+twice a day+}"]
    assert old.xpath(".//ins") == new.xpath(".//del") == []


def test_each_paragraph_of_a_wording_stands_by_itself(reading: Reading) -> None:
    page = parse(show_provision(reading, "eu-ai-act", "art_5", "2025-03-01", "2026-11-23"))
    lines = page.xpath("//div[@class='sides']/section[1]/div/p")
    assert [words(one)[:2] for one in lines] == ["1.", "(a", "(b", "2."]


@pytest.mark.parametrize(("as_of", "compare"), [("", "2025-01-01"), ("2025-01-01", "2026-11-23")])
def test_the_older_wording_stands_first_whichever_is_asked_for(reading: Reading, as_of: str, compare: str) -> None:
    page = show(reading, "art_4", as_of, compare)
    assert [words(one) for one in page.xpath("//div[@class='sides']//h2")] == [
        "The wording of 12 July 2024",
        "The wording of 27 July 2026",
    ]


def test_a_place_that_only_one_wording_has_is_said_to_be_missing_from_the_other(reading: Reading) -> None:
    old, new = show(reading, "art_4a", compare="2024-07-12").xpath("//div[@class='sides']/section")
    assert "There is no Article 4a in this wording." in words(old)
    assert new.xpath(".//ins")


def test_two_days_of_one_wording_are_calmly_the_same(reading: Reading) -> None:
    page = show(reading, "art_4", "2025-01-01", "2024-08-01")
    assert "Both days have the same wording" in words(page.xpath("//p[@class='line']")[0])


@pytest.mark.parametrize(
    ("instrument", "place", "as_of", "compare", "status", "line"),
    [
        ("eu-ai-act", "art_99", "", "", 404, "The AI Act has no Article 99 (art_99) in the wording of 27 July 2026."),
        ("eu-ai-act", "art_5/9", "", "", 404, "The AI Act has no Article 5(9) (art_5/9)"),
        ("eu-ai-act", "art_5/sub_x", "", "", 404, "The AI Act has no art_5/sub_x in the wording"),
        ("eu-ai-act", "art_4a", "2025-03-01", "", 404, "The wording of 27 July 2026 has it."),
        ("eu-ai-act", "nonsense", "", "", 404, "Pinpoint 'nonsense' cannot be read"),
        ("eu-ai-act", NASTY, "", "", 404, "cannot be read"),
        ("eu-ai-act", "art_5/" + "9/" * 5_000, "", "", 404, ""),
        ("eu-ai-act", "art_5", "2026-02-31", "", 422, "'2026-02-31' is no date"),
        ("eu-ai-act", "art_5", "1900-01-01", "", 404, "On 1 January 1900 there was no text of the AI Act yet"),
        ("eu-ai-act", "art_5", "", "soon", 422, "'soon' is no date"),
        ("eu-ai-act", "cpt_I", "", "2024-07-12", 404, "A chapter has no words of its own"),
        ("no-act", "art_5", "", "", 404, "The library has no instrument called “no-act”"),
    ],
)
def test_what_is_not_there_is_one_calm_line_and_what_there_is(
    reading: Reading, instrument: str, place: str, as_of: str, compare: str, status: int, line: str
) -> None:
    page = show_provision(reading, instrument, place, as_of, compare)
    assert page.status == status
    shown = parse(page)
    (said,) = shown.xpath("//p[@class='line']")
    assert line in words(said)
    assert len(words(said)) < 400
    assert shown.xpath("//main//a/@href")
    assert shown.xpath("//script[not(@src)] | //img") == []


def test_what_there_is_instead_exists(reading: Reading) -> None:
    page = parse(show_provision(reading, "eu-ai-act", "art_4a", "2025-03-01", ""))
    (link, *_) = page.xpath("//main//ul//a/@href")
    assert link == "../../law/eu-ai-act/art_4a?as_of=2026-07-27"


def test_where_only_notes_are_held_the_pages_say_so() -> None:
    corpus = with_notes(Corpus("none", "2026-11-23T10:00:00Z", ()))
    reading = Reading(corpus)
    assert "Only notes in our own words are held, no text." in show_library(reading).html
    tree = show_instrument(reading, "eu-ai-act", "2025-03-01", "")
    assert tree.status == 200
    articles = [words(one) for one in parse(tree).xpath("//section[1]//li/a")]
    assert articles.index("Article 9") < articles.index("Article 10") < articles.index("Article 75a")
    annexes = [words(one) for one in parse(tree).xpath("//section[2]//li/a")]
    assert annexes.index("Annex IV") < annexes.index("Annex V") < annexes.index("Annex IX")
    assert "Only notes in our own words are held on this instrument" in tree.html
    page = parse(show_provision(reading, "eu-ai-act", "art_5", "", ""))
    assert page.xpath("//section[@class='print'] | //mark") == []
    assert page.xpath("//p[@class='sentence']")
    assert words(page.xpath("//ul[@class='facts']/li")[1]) == "in our own words, not the law’s"
    assert page.xpath("//p[@class='official']/a/@href")[0].startswith("https://eur-lex.europa.eu/")
    found = parse(show_instrument(reading, "eu-ai-act", "", "emotions at work"))
    assert found.xpath("//ol[@class='found']/li")
    compared = show_provision(reading, "eu-ai-act", "art_4", "", "2024-07-12")
    assert (compared.status, "only our notes are held" in compared.html) == (404, True)


# Served


async def create_in_a_loop(desk: StillDesk) -> FastAPI:
    return create_app(desk)


@pytest.fixture
def client(answer: Answer) -> Iterator[TestClient]:
    desk = StillDesk(StillAssistant(garden_corpus(), answer))
    with TestClient(asyncio.run(create_in_a_loop(desk))) as client:
        yield client


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/law", 200),
        ("/law/eu-ai-act", 200),
        ("/law/eu-ai-act?q=rose", 200),
        ("/law/eu-ai-act/art_5/1/a?as_of=2025-03-01", 200),
        ("/law/eu-ai-act/art_4?compare=2024-07-12", 200),
        ("/law/eu-ai-act/art_99", 404),
        ("/law/eu-ai-act?as_of=2026-02-31", 422),
        ("/law/none", 404),
    ],
)
def test_the_pages_are_served_under_a_policy_without_inline_scripts(client: TestClient, path: str, status: int) -> None:
    response = client.get(path)
    assert response.status_code == status
    assert response.headers["content-security-policy"] == LIBRARY_POLICY
    assert "unsafe" not in LIBRARY_POLICY
    page = html.document_fromstring(response.text)
    assert page.xpath("//script[not(@src)] | //style | //@style | //@onclick") == []


def test_the_chat_keeps_its_own_policy(client: TestClient) -> None:
    assert "unsafe-eval" in client.get("/").headers["content-security-policy"]


@pytest.mark.parametrize("start", ["/law", "/law/eu-ai-act", "/law/eu-ai-act/art_5/1/a", "/law/eu-ai-act/art_99/9"])
def test_every_relative_address_leads_somewhere(client: TestClient, start: str) -> None:
    page = html.document_fromstring(client.get(start).text)
    addresses = {
        urlsplit(urljoin(f"http://testserver{start}", str(one)))
        for one in page.xpath("//*[not(@hreflang)]/@href | //@src | //@action")
        if not str(one).startswith("#")
    }
    own = {f"{one.path}?{one.query}" for one in addresses if one.netloc == "testserver"}
    assert len(own) > 5
    assert {path: client.get(path).status_code for path in own} == dict.fromkeys(own, 200)


def test_a_new_corpus_is_taken_up(answer: Answer) -> None:
    desk = StillDesk(StillAssistant(garden_corpus(), answer))
    with TestClient(asyncio.run(create_in_a_loop(desk))) as client:
        assert client.get("/law/a-guide").status_code == 200
        fewer = replace(garden_corpus(), expressions=garden_corpus().expressions[:1])
        desk.current = StillAssistant(fewer, answer)
        assert client.get("/law/a-guide").status_code == 404

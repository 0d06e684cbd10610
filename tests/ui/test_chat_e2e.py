"""The chat in a real browser, on the real texts."""

from typing import Any
from urllib.parse import quote

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.ui.pages import PATIENCE, Scheme, ask, await_chat, open_page

pytestmark = pytest.mark.timeout(400)

QUESTION = "How do the Convention and the AI Act define an AI system?"
SIDES = {"Convention": "coe-ai-convention", "AI Act": "eu-ai-act"}


@pytest.fixture
def record(served: str) -> dict[str, Any]:
    """What the API says to the same question."""
    response = httpx.post(f"{served}/api/v1/ask", json={"question": QUESTION}, trust_env=False, timeout=PATIENCE)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def test_both_sides_are_quoted_and_each_citation_opens_its_marked_words(page: Page, record: dict[str, Any]) -> None:
    turn = ask(page, QUESTION)
    quotes = {citation["n"]: citation["quote"] for citation in record["citations"]}
    for column, instrument in SIDES.items():
        cell = turn.locator(f'td[data-column="{column}"]').first
        claims = record["rows"][0]["cells"][instrument]
        assert claims
        said = cell.inner_text()
        assert all(quotes[n] in said for claim in claims for n in claim["citations"])
    panel = page.get_by_role("complementary", name="The passage cited")
    for citation in record["citations"]:
        turn.locator(".vv-sources").get_by_role("button", name=f"[{citation['n']}] ").click()
        expect(panel.get_by_role("heading")).to_have_text(citation["label"])
        expect(panel.get_by_role("heading")).to_be_focused()
        marked = panel.locator("mark").all_inner_texts()
        assert "\n".join(marked) == (citation["quote"] or "")
        expect(panel.get_by_role("link", name="Official text")).to_have_attribute("href", citation["url"])
    assert {citation["instrument"] for citation in record["citations"] if citation["quote"]} >= set(SIDES.values())


def test_the_panel_is_opened_and_left_by_keyboard(page: Page) -> None:
    turn = ask(page, QUESTION)
    button = turn.locator("table .vv-cite").first
    button.focus()
    page.keyboard.press("Enter")
    panel = page.get_by_role("complementary", name="The passage cited")
    expect(panel).to_be_visible()
    expect(button).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(button).to_be_focused()


def test_the_marked_words_are_in_view_beside_the_answer(page: Page) -> None:
    turn = ask(page, "Article 113 of the AI Act")
    turn.locator("table .vv-cite").last.click()
    panel = page.locator(".vv-panel")
    expect(panel.locator("mark").first).to_be_in_viewport()
    box, table = panel.bounding_box(), turn.locator("table").bounding_box()
    assert box is not None
    assert table is not None
    assert box["x"] >= table["x"] + table["width"]


def test_the_state_of_the_law_stays_in_view_and_follows_the_day(page: Page) -> None:
    state = page.get_by_role("region", name="State of the law")
    expect(state).to_contain_text("Convention not in force as of 23 November 2026")
    expect(state).to_contain_text("AI Act as amended by Regulation (EU) 2026/1744")
    expect(state).to_contain_text("Not legal advice")
    page.set_viewport_size({"width": 1280, "height": 600})
    last_row = ask(page, QUESTION).locator(".vv-table tbody tr").last
    last_row.evaluate("row => row.scrollIntoView({ block: 'end' })")
    expect(state).to_be_in_viewport(ratio=1)
    bar, head = state.bounding_box(), page.locator(".vv-table thead th").first.bounding_box()
    assert bar is not None
    assert head is not None
    assert head["y"] == pytest.approx(bar["y"] + bar["height"], abs=3)
    day = page.get_by_label("Law as at")
    day.fill("2025-03-01")
    day.press("Enter")
    expect(page.get_by_role("region", name="State of the law")).to_contain_text("AI Act as adopted")


def test_of_days_chosen_one_upon_the_other_the_last_is_shown(page: Page) -> None:
    expect(page.get_by_role("region", name="State of the law")).to_contain_text("AI Act as amended")
    page.get_by_label("Law as at").evaluate(
        """box => ["2026-08-03", "2024-05-16", "2025-03-01"].forEach((day) => {
          box.value = day;
          for (const kind of ["input", "change"]) box.dispatchEvent(new Event(kind, { bubbles: true }));
        })"""
    )
    expect(page.get_by_role("region", name="State of the law")).to_contain_text("1 March 2025")
    page.wait_for_timeout(500)
    expect(page.get_by_role("region", name="State of the law")).to_contain_text("1 March 2025")


@pytest.mark.parametrize(
    ("question", "day", "line"),
    [
        ("?!", "", "holds no word"),
        ("a" * 20_000, "", "20000 characters"),
        ("🌹🌹🌹", "", "holds no word"),
        ("What is a provider?", "2026-02-31", "'2026-02-31' is no date"),
    ],
)
def test_bad_input_is_a_calm_line_and_nothing_typed_is_lost(page: Page, question: str, day: str, line: str) -> None:
    page.get_by_label("Law as at").fill(day)
    turn = ask(page, question)
    expect(turn.locator(".vv-line")).to_contain_text(line)
    expect(page.get_by_label("Your question")).to_have_value(question)


@pytest.mark.parametrize("day", ["1900-01-01", "2024-05-16"])
def test_a_day_before_there_was_any_law_is_answered_calmly(page: Page, day: str) -> None:
    page.get_by_label("Law as at").fill(day)
    turn = ask(page, QUESTION)
    expect(turn.locator(".vv-cite.vv-law")).to_have_count(0)
    expect(turn.locator(".vv-foot")).to_contain_text("Law as at")
    expect(page.get_by_role("region", name="State of the law")).to_contain_text("not yet published on that day")


def test_markup_in_a_question_is_shown_as_it_was_typed(page: Page) -> None:
    question = "What of remedies <img src=x onerror=alert(1)> and **bold** ${1+1} {{value}}?"
    expect(ask(page, question).get_by_role("heading", level=2)).to_have_text(question)


def test_an_example_and_a_suggestion_ask_themselves(page: Page) -> None:
    page.locator(".vv-example").first.click()
    answered = page.locator(".vv-answered")
    expect(answered).to_have_count(1)
    expect(page.locator(".vv-welcome")).to_be_hidden()
    answered.locator(".vv-suggestion").first.click()
    expect(answered).to_have_count(2)


def test_a_provision_that_does_not_exist_is_refused_calmly(page: Page) -> None:
    turn = ask(page, "What does Article 200 of the AI Act say?")
    expect(turn.locator(".vv-refusal")).to_be_visible()


def test_at_390_pixels_rows_are_cards_and_the_passage_lies_over_the_page(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    turn = ask(page, QUESTION)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert turn.locator("tbody tr").first.evaluate("row => getComputedStyle(row).display") == "block"
    cells = turn.locator("tbody tr").first.locator("td")
    tops = [box["y"] for cell in cells.all() if (box := cell.bounding_box())]
    assert tops == sorted(set(tops))
    cells.first.locator(".vv-cite").first.click()
    expect(page.locator(".vv-panel mark").first).to_be_in_viewport()
    assert page.locator(".vv-panel").evaluate("panel => getComputedStyle(panel).position") == "fixed"
    page.get_by_role("button", name="Close the passage").click()
    expect(page.locator(".vv-panel")).to_be_hidden()


def test_dark_follows_the_system(browser: Browser, served: str) -> None:
    shades = []
    schemes: tuple[Scheme, ...] = ("light", "dark")
    for scheme in schemes:
        opened = open_page(browser, scheme=scheme)
        opened.page.goto(served)
        await_chat(opened.page)
        shades.append(opened.page.locator(".vv-example").first.evaluate("element => getComputedStyle(element).color"))
        opened.close(served)
    assert shades[0] != shades[1]


def test_an_issue_of_the_concordance_is_put_into_the_box_and_not_asked(page: Page) -> None:
    page.get_by_role("link", name="Concordance").click()
    page.locator(".issues").get_by_role("link", name="Digital literacy and skills").click()
    note = page.locator("article", has=page.get_by_role("heading", name="Digital literacy and skills"))
    expect(note).to_be_in_viewport()
    note.get_by_role("link", name="Ask this").click()
    await_chat(page)
    box = page.get_by_label("Your question")
    expect(box).to_have_value("What do the Convention and the AI Act say on “Digital literacy and skills”?")
    expect(box).to_be_focused()
    assert page.locator(".vv-turn").count() == 0
    assert "#" not in page.url
    box.press("Enter")
    turn = page.locator(".vv-answered")
    expect(turn.locator("h2")).to_contain_text("Digital literacy and skills")
    expect(turn.locator('td[data-column="Convention"] .vv-cite').first).to_be_visible()
    expect(turn.locator('td[data-column="AI Act"] .vv-cite').first).to_be_visible()


def test_the_concordance_leads_back_to_the_chat(page: Page) -> None:
    page.get_by_role("link", name="Concordance").click()
    page.get_by_role("link", name="Ask a question").click()
    await_chat(page)
    expect(page.get_by_label("Your question")).to_have_value("")


@pytest.mark.parametrize("asked", ["<img src=x onerror=alert(1)>", "100% & more? #1 + “2”", ""])
def test_a_question_in_the_address_is_only_text(browser: Browser, served: str, asked: str) -> None:
    opened = open_page(browser)
    opened.page.goto(f"{served}/#q={quote(asked)}")
    await_chat(opened.page)
    expect(opened.page.get_by_label("Your question")).to_have_value(asked)
    opened.close(served)

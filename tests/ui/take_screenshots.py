"""Makes the pictures in docs/images: `make screenshots`.

The answer shown quotes single sentences, and the passage opened is an article of one sentence: no longer text of the
law is copied into the repository, not even in a picture.
"""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.ui.pages import Scheme, ask, await_chat, open_page

pytestmark = pytest.mark.timeout(400)

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"
QUESTION = "What do the Convention and the AI Act say on public consultation?"
PASSAGE = "Article 19 of the Convention"
LARGEST = 300_000


@pytest.fixture(autouse=True, scope="module")
def folder() -> None:
    IMAGES.mkdir(parents=True, exist_ok=True)


def take(page: Page, name: str) -> None:
    """Write what the window shows."""
    path = IMAGES / f"{name}.png"
    page.screenshot(path=path, animations="disabled")
    assert path.stat().st_size < LARGEST


def ask_for_picture(page: Page, served: str) -> Locator:
    """The turn of the question on a page without the lines on texts that are missing here."""
    page.goto(served)
    await_chat(page)
    page.add_style_tag(content="#vv-missing { display: none; }")
    return ask(page, QUESTION)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_picture_of_the_chat(browser: Browser, served: str, scheme: Scheme) -> None:
    opened = open_page(browser, 1280, 900, scheme)
    turn = ask_for_picture(opened.page, served)
    turn.locator("table").get_by_role("button", name=PASSAGE).click()
    opened.page.evaluate("window.scrollTo(0, 0)")
    expect(opened.page.locator(".vv-panel mark").first).to_be_in_viewport()
    take(opened.page, f"chat-{scheme}-1280")
    opened.close(served)


def test_picture_of_the_chat_on_a_telephone(browser: Browser, served: str) -> None:
    opened = open_page(browser, 390, 844)
    turn = ask_for_picture(opened.page, served)
    turn.locator("table").evaluate("table => table.scrollIntoView({ block: 'start' })")
    take(opened.page, "chat-light-390")
    opened.close(served)


def test_picture_of_the_page_before_the_first_question(browser: Browser, served: str) -> None:
    opened = open_page(browser, 1280, 800)
    opened.page.goto(served)
    await_chat(opened.page)
    opened.page.add_style_tag(content="#vv-missing { display: none; }")
    expect(opened.page.get_by_role("region", name="State of the law")).to_be_visible()
    take(opened.page, "welcome-light-1280")
    opened.close(served)


@pytest.mark.parametrize(("button", "name"), [("Choices", "choices"), ("Keys", "keys")])
def test_picture_of_a_dialog(browser: Browser, served: str, button: str, name: str) -> None:
    opened = open_page(browser, 1280, 800)
    opened.page.goto(served)
    await_chat(opened.page)
    opened.page.get_by_role("button", name=button).click()
    dialog = opened.page.locator("dialog[open]")
    expect(dialog).to_be_visible()
    dialog.screenshot(path=IMAGES / f"{name}-light.png", animations="disabled")
    opened.close(served)


def test_picture_of_checked_citations(browser: Browser, served: str) -> None:
    opened = open_page(browser, 1280, 900)
    turn = ask_for_picture(opened.page, served)
    turn.get_by_role("checkbox").first.click()
    opened.page.get_by_label("Your initials").fill("AB")
    opened.page.get_by_label("Your initials").press("Enter")
    opened.page.mouse.move(0, 0)
    expect(turn.locator(".vv-tick").first).to_contain_text("checked by AB")
    # The time of the tick is the clock's: a picture that changes each time would tell nothing.
    turn.locator(".vv-tick span").first.evaluate("one => { one.textContent = 'checked by AB, 23 Nov 2026, 10:00'; }")
    turn.locator(".vv-sources").screenshot(path=IMAGES / "sources-light.png", animations="disabled")
    opened.close(served)


def test_picture_of_the_concordance(browser: Browser, served: str) -> None:
    opened = open_page(browser, 1280, 1000)
    opened.page.goto(f"{served}/concordance")
    take(opened.page, "concordance-light-1280")
    opened.close(served)

"""Every page and state of the chat under axe-core, in both colour schemes: nothing serious is found."""

from collections.abc import Iterator
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.ui.pages import Scheme, ask, await_chat, open_page
from tests.ui.servers import writing
from tests.ui.test_sending import NAMED, REMOTE

pytestmark = pytest.mark.timeout(400)

QUESTION = "How do the Convention and the AI Act define an AI system?"
HOUSE = ("law?", "law/eu-ai-act?", "law/eu-ai-act/art_5/1/a?", "law/eu-ai-act/art_4?compare=2024-07-12&")
GRAVE = {"serious", "critical"}


@pytest.fixture(scope="module")
def remote() -> Iterator[str]:
    """A server whose model is elsewhere."""
    with writing(0.0, 1, **REMOTE) as address:
        yield address


def find_grave(page: Page) -> list[str]:
    """What axe finds that keeps somebody out, a line each: the rule, and where it is broken."""
    found = Axe().run(page).response["violations"]
    return [
        f"{violation['id']}: {node['html'][:160]} {node['failureSummary']}"
        for violation in found
        if violation["impact"] in GRAVE
        for node in violation["nodes"]
    ]


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_chat_keeps_nobody_out(browser: Browser, served: str, scheme: Scheme, width: int) -> None:
    opened = open_page(browser, width, scheme=scheme)
    page = opened.page
    page.goto(served)
    await_chat(page)
    assert find_grave(page) == []
    turn = ask(page, QUESTION)
    assert find_grave(page) == []
    turn.locator("table .vv-cite").first.click()
    expect(page.locator(".vv-panel mark").first).to_be_visible()
    assert find_grave(page) == []
    opened.close(served)


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 390), ("dark", 390)])
def test_every_state_of_the_conversation_keeps_nobody_out(
    browser: Browser, served: str, scheme: Scheme, width: int
) -> None:
    opened = open_page(browser, width, scheme=scheme)
    page = opened.page
    page.goto(f"{served}/#q=")
    await_chat(page)
    assert find_grave(page) == []
    for name in ("Choices", "Conversations", "Keys"):
        page.get_by_role("button", name=name).click()
        expect(page.locator("dialog[open]")).to_be_visible()
        assert find_grave(page) == []
        page.keyboard.press("Escape")
    page.get_by_label("Law as at").fill("2026-02-31")
    ask(page, QUESTION)
    assert find_grave(page) == []
    page.get_by_label("Law as at").fill("")
    page.get_by_role("button", name="Choices").click()
    page.get_by_label("Short: the first quotation").check()
    page.get_by_label("Deutsch").check()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Noch einmal fragen").click()
    turn = page.locator(".vv-answered")
    expect(turn).to_have_count(1)
    turn.get_by_role("button", name="Die Frage ändern").click()
    assert find_grave(page) == []
    turn.get_by_role("checkbox").first.click()
    page.get_by_label("Ihr Kürzel").fill("A B")
    page.get_by_role("dialog").get_by_role("button", name="Fertig").click()
    assert find_grave(page) == []
    page.get_by_label("Ihr Kürzel").fill("AB")
    page.get_by_role("dialog").get_by_role("button", name="Fertig").click()
    turn.get_by_role("button", name="Speichern").click()
    assert find_grave(page) == []
    opened.close(served)


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 390)])
def test_the_concordance_keeps_nobody_out(browser: Browser, served: str, scheme: Scheme, width: int) -> None:
    opened = open_page(browser, width, scheme=scheme)
    opened.page.goto(f"{served}/concordance")
    assert find_grave(opened.page) == []
    opened.close(served)


@pytest.mark.parametrize(
    ("scheme", "width", "forced"), [("light", 1280, "none"), ("dark", 390, "none"), ("light", 1280, "active")]
)
def test_a_withheld_question_and_the_house_in_french_keep_nobody_out(
    browser: Browser, remote: str, scheme: Scheme, width: int, forced: Literal["none", "active"]
) -> None:
    opened = open_page(browser, width, scheme=scheme)
    page = opened.page
    page.emulate_media(forced_colors=forced)
    page.goto(f"{remote}/?lang=fr")
    expect(page.get_by_role("button", name="Demander", exact=True)).to_be_visible()
    assert page.url == f"{remote}/"
    page.get_by_label("Votre question").fill(NAMED)
    page.keyboard.press("Enter")
    held = page.get_by_role("group", name="Avant tout envoi")
    expect(held).to_contain_text("un nom et une adresse électronique")
    assert find_grave(page) == []
    page.locator(".vv-table .vv-cite").first.click()
    expect(page.locator(".vv-panel")).to_contain_text("Dans la bibliothèque")
    assert find_grave(page) == []
    for path in HOUSE:
        page.goto(f"{remote}/{path}lang=fr")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert find_grave(page) == []
    opened.close(remote)


def test_axe_finds_what_is_wrong(browser: Browser) -> None:
    page = open_page(browser).page
    page.set_content('<html lang="en"><title>A</title><main><h1>A</h1><button></button></main></html>')
    assert [line.partition(":")[0] for line in find_grave(page)] == ["button-name"]
    page.close()

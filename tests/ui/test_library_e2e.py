"""The library and the panel in a real browser, on an invented law: keyboard, touch, zoom, print, and axe on each."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.ui.pages import Opened, Scheme, ask, await_chat, open_page
from tests.ui.servers import apart
from tests.ui.test_accessibility import find_grave

pytestmark = pytest.mark.timeout(400)

PASSAGES = re.compile(r"/passage\?")
PAGES = (
    "law",
    "law/eu-ai-act",
    "law/eu-ai-act?q=watering+roses",
    "law/eu-ai-act?q=zebra",
    "law/eu-ai-act/cpt_I",
    "law/eu-ai-act/art_5/1/a",
    "law/eu-ai-act/art_4?compare=2024-07-12",
    "law/eu-ai-act/art_99",
    "law/a-guide/para_7",
)


SETTLED = 600
"""Milliseconds until the colours of another scheme have come."""


@pytest.fixture(scope="module")
def garden() -> Iterator[str]:
    """The address of a server of the invented law."""
    with apart("garden_server") as address:
        yield address


@pytest.fixture
def opened(browser: Browser, garden: str) -> Iterator[Opened]:
    opened = open_page(browser)
    yield opened
    opened.close(garden)


@pytest.fixture
def panel(opened: Opened, garden: str) -> Locator:
    """The panel, opened at the first citation."""
    opened.page.goto(garden)
    await_chat(opened.page)
    ask(opened.page, "What of roses?").locator("table .vv-cite").first.click()
    panel = opened.page.get_by_role("complementary", name="The passage cited")
    expect(panel.locator("mark")).to_have_text("cutting a rose")
    return panel


def overflow(page: Page) -> int:
    """By how many pixels a page is wider than its window."""
    width: int = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    return width


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 390), ("dark", 390)])
def test_the_library_keeps_nobody_out_and_fits(browser: Browser, garden: str, scheme: Scheme, width: int) -> None:
    opened = open_page(browser, width, scheme=scheme)
    for path in PAGES:
        opened.page.goto(f"{garden}/{path}")
        assert (path, find_grave(opened.page), overflow(opened.page)) == (path, [], 0)
    opened.close(garden)


@pytest.mark.parametrize("path", PAGES)
def test_at_200_per_cent_zoom_nothing_is_cut_off(browser: Browser, garden: str, path: str) -> None:
    opened = open_page(browser, 640, 400)  # what is left of 1280 by 800
    opened.page.goto(f"{garden}/{path}")
    assert overflow(opened.page) == 0
    opened.close(garden)


def test_a_definition_opens_on_hover_stays_under_the_pointer_and_goes_on_escape(opened: Opened, garden: str) -> None:
    page = opened.page
    page.goto(f"{garden}/law/eu-ai-act/art_5")
    term = page.get_by_role("button", name="rose").first
    definition = page.locator(".definition:popover-open")
    term.hover()
    expect(definition).to_contain_text("‘rose’ means a plant")
    definition.hover()
    page.wait_for_timeout(500)
    expect(definition).to_be_visible()
    assert find_grave(page) == []
    page.keyboard.press("Escape")
    expect(definition).to_have_count(0)
    term.hover()
    expect(definition).to_be_visible()
    page.mouse.move(5, 5)
    expect(definition).to_have_count(0)


def test_a_definition_opens_on_focus_and_leads_on_by_keyboard(opened: Opened, garden: str) -> None:
    page = opened.page
    page.goto(f"{garden}/law/eu-ai-act/art_5/1/a")
    page.get_by_role("link", name="(a)").focus()
    page.keyboard.press("Tab")
    term = page.get_by_role("button", name="rose").first
    expect(term).to_be_focused()
    definition = page.locator(".definition:popover-open")
    expect(definition).to_be_visible()
    page.keyboard.press("Escape")
    expect(definition).to_have_count(0)
    expect(term).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/law/eu-ai-act/art_3/1#marked$"))


def test_a_definition_opens_on_touch_and_closes_on_a_tap_beside(browser: Browser, garden: str) -> None:
    context = browser.new_context(has_touch=True, is_mobile=True, viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto(f"{garden}/law/eu-ai-act/art_5")
    page.get_by_role("button", name="rose").first.tap()
    definition = page.locator(".definition:popover-open")
    expect(definition).to_be_visible()
    box = definition.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    page.get_by_role("heading", level=1).tap()
    expect(definition).to_have_count(0)
    context.close()


def test_without_a_script_terms_open_and_citations_are_read(browser: Browser, garden: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{garden}/law/eu-ai-act/art_5/1/a")
    page.get_by_role("button", name="rose").first.click()
    expect(page.locator(".definition").filter(visible=True)).to_have_count(1)
    page.keyboard.press("Escape")
    expect(page.locator(".copies")).to_be_hidden()
    page.get_by_text("The citations as text").click()
    expect(page.locator(".as-text").first).to_be_visible()
    page.get_by_label("Law as at").fill("2025-03-01")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_text("wording of 12")).to_be_visible()
    context.close()


@pytest.mark.parametrize("style", ["OSCOLA", "plain", "Markdown"])
def test_a_citation_is_copied_and_that_is_said(browser: Browser, garden: str, style: str) -> None:
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.goto(f"{garden}/law/eu-ai-act/art_5/1/a")
    button = page.get_by_role("button", name=style)
    button.click()
    expect(page.get_by_role("status")).to_have_text(f"Copied: {style}")
    assert page.evaluate("navigator.clipboard.readText()") == button.get_attribute("data-copy")
    context.close()


def test_on_paper_there_is_the_text_and_no_form(opened: Opened, garden: str) -> None:
    page = opened.page
    page.goto(f"{garden}/law/eu-ai-act/art_5/1/a")
    page.emulate_media(media="print")
    expect(page.locator(".print")).to_be_visible()
    for hidden in (".when", ".copies", ".pages"):
        expect(page.locator(hidden)).to_be_hidden()


def test_in_forced_colours_the_marked_words_stand_out(opened: Opened, garden: str) -> None:
    page = opened.page
    page.emulate_media(forced_colors="active")
    page.goto(f"{garden}/law/eu-ai-act/art_5/1/a")
    shades = page.locator("mark").evaluate("mark => getComputedStyle(mark).backgroundColor")
    assert shades != page.locator("body").evaluate("body => getComputedStyle(body).backgroundColor")


# The panel


def test_each_state_of_the_panel_keeps_nobody_out(opened: Opened, panel: Locator) -> None:
    page = opened.page
    assert find_grave(page) == []
    for group in panel.locator("details.around > summary").all():
        group.click()
    assert find_grave(page) == []
    panel.get_by_role("button", name="rose").first.hover()
    expect(page.locator(".definition:popover-open")).to_be_visible()
    assert find_grave(page) == []
    for width, scheme in ((390, "light"), (390, "dark"), (640, "light")):
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        page.wait_for_timeout(SETTLED)
        assert find_grave(page) == []
        assert overflow(page) == 0


def test_references_open_in_the_panel_and_back_leads_back(opened: Opened, panel: Locator) -> None:
    heading = panel.get_by_role("heading")
    back = panel.get_by_role("button", name="Back")
    expect(back).to_be_hidden()
    panel.get_by_role("link", name="Article 4", exact=True).first.click()
    expect(heading).to_have_text("Article 4 of the AI Act")
    expect(heading).to_be_focused()
    expect(panel.locator("details.amended")).to_contain_text("with effect from 27")
    panel.get_by_role("link", name="Article 3").last.click()
    expect(heading).to_have_text("Article 3 of the AI Act")
    back.click()
    expect(heading).to_have_text("Article 4 of the AI Act")
    back.click()
    expect(heading).to_have_text("Article 5(1)(a) of the AI Act")
    expect(panel.locator("mark")).to_have_text("cutting a rose")
    expect(back).to_be_hidden()


def test_escape_closes_a_definition_first_and_then_the_panel(opened: Opened, panel: Locator) -> None:
    page = opened.page
    panel.get_by_role("button", name="rose").first.hover()
    definition = page.locator(".definition:popover-open")
    expect(definition).to_be_visible()
    page.keyboard.press("Escape")
    expect(definition).to_have_count(0)
    expect(panel).to_be_visible()
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(page.locator("table .vv-cite").first).to_be_focused()


def test_a_reference_opened_with_control_is_a_page_of_the_library(opened: Opened, panel: Locator) -> None:
    with opened.page.context.expect_page() as other:
        panel.get_by_role("link", name="Article 4", exact=True).first.click(modifiers=["Control"])
    expect(other.value).to_have_url(re.compile(r"/law/eu-ai-act/art_4\?as_of=2026-11-23$"))
    other.value.close()


def test_a_server_that_goes_away_is_a_calm_line_and_trying_again_helps(opened: Opened, panel: Locator) -> None:
    page = opened.page
    page.route(PASSAGES, lambda route: route.abort())
    page.locator("table .vv-cite").nth(1).click()
    expect(panel.locator(".vv-line")).to_contain_text("The server does not answer at the moment")
    assert find_grave(page) == []
    page.unroute(PASSAGES)
    panel.get_by_role("button", name="Try again").click()
    expect(panel.locator("mark")).to_have_text("twice a day")
    expect(panel.get_by_role("button", name="Back")).to_be_hidden()


def test_the_status_opens_in_the_panel(opened: Opened, panel: Locator) -> None:
    opened.page.locator(".vv-sources .vv-cite").last.click()
    expect(panel.get_by_role("heading")).to_have_text("Status of the Convention, as seen on 24 September 2026")


def test_the_last_citation_asked_for_is_the_one_shown(opened: Opened, panel: Locator) -> None:
    page = opened.page
    delays = {"art_4": 600, "rct_1": 0}
    place = re.compile(r"place=([^&/]+)")

    def slowly(route: object) -> None:
        found = place.search(route.request.url)  # type: ignore[attr-defined]
        page.wait_for_timeout(delays.get(found[1] if found else "", 0))
        route.continue_()  # type: ignore[attr-defined]

    page.route(PASSAGES, slowly)
    page.evaluate("document.querySelectorAll('table .vv-cite').forEach((one, n) => n && one.click())")
    expect(panel.get_by_role("heading")).to_have_text("Recital 1 of the AI Act")
    page.wait_for_timeout(800)
    expect(panel.get_by_role("heading")).to_have_text("Recital 1 of the AI Act")
    page.unroute(PASSAGES)

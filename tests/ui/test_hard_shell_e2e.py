"""The chat in a real browser under its policy: everything works, and markup that got in would run nothing."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.ui.pages import Opened, ask, await_chat, open_page
from tests.ui.test_hard_shell import NEEDED
from tests.ui.test_library_e2e import garden
from ui.signin.rules import GRADIO

__all__ = ["garden"]

pytestmark = pytest.mark.timeout(400)

WATCH = """
window.refused = [];
document.addEventListener('securitypolicyviolation',
  event => window.refused.push(`${event.effectiveDirective} ${event.blockedURI} ${event.sample}`));
"""


@pytest.fixture
def opened(browser: Browser, garden: str) -> Iterator[Opened]:
    opened = open_page(browser)
    opened.page.add_init_script(WATCH)
    opened.page.goto(garden)
    await_chat(opened.page)
    yield opened
    opened.close(garden)


def refused(page: Page) -> list[str]:
    found: list[str] = page.evaluate("window.refused")
    return found


def test_the_page_works_under_its_policy_and_asks_gradio_for_little(opened: Opened, garden: str) -> None:
    page = opened.page
    turn = ask(page, "What of roses?")
    turn.locator("table .vv-cite").first.click()
    expect(page.locator(".vv-panel mark")).to_have_text("cutting a rose")
    assert refused(page) == []
    asked = {url.removeprefix(garden).partition("?")[0] for url in opened.asked}
    calls = {one.removeprefix(f"{GRADIO}/") for one in asked if one.startswith(GRADIO)}
    assert calls <= {one for one in NEEDED if "{" not in one} | {one for one in calls if one.startswith("heartbeat/")}


def test_markup_that_got_into_the_page_would_run_nothing(opened: Opened) -> None:
    page = opened.page
    page.evaluate(
        """() => {
          document.body.insertAdjacentHTML('beforeend', '<img src="/nowhere.png" onerror="window.ran = 1">');
          const script = document.createElement('script');
          script.textContent = 'window.ran = 2';
          document.body.append(script);
          const far = document.createElement('script');
          far.src = 'data:text/javascript,window.ran = 3';
          document.body.append(far);
          document.body.insertAdjacentHTML('beforeend', '<iframe src="/law"></iframe><base href="/law/">');
          const link = document.createElement('a');
          link.href = 'javascript:window.ran = 4';
          document.body.append(link);
          link.click();
        }"""
    )
    page.wait_for_timeout(500)
    assert page.evaluate("window.ran") is None
    assert {one.split()[0] for one in refused(page)} >= {"script-src-attr", "script-src-elem", "frame-src"}

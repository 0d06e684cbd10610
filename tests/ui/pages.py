"""The pages as a reader has them in a browser: opened, watched, asked."""

from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Locator, Page, expect

PATIENCE = 90
"""Seconds that a page or a server may take on a machine with much else to do."""


Scheme = Literal["light", "dark"]


@dataclass(frozen=True)
class Opened:
    """A page of the browser, with what it asked for and what broke in it."""

    page: Page
    asked: list[str]
    broken: list[str]

    def close(self, served: str) -> None:
        """Close it; fails where it asked another host, or where a script broke."""
        self.page.close()
        outside = [
            url for url in self.asked if urlsplit(url).scheme not in {"data", "blob"} and not url.startswith(served)
        ]
        assert outside == []
        assert self.asked != []
        assert self.broken == []


def open_page(browser: Browser, width: int = 1280, height: int = 800, scheme: Scheme = "light") -> Opened:
    """An empty page that keeps account of what it does."""
    page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme, reduced_motion="reduce")
    opened = Opened(page, [], [])
    page.set_default_timeout(PATIENCE * 1000)
    page.on("request", lambda request: opened.asked.append(request.url))
    page.on("pageerror", lambda error: opened.broken.append(str(error)))
    page.on("dialog", lambda dialog: opened.broken.append(dialog.message))
    return opened


def await_chat(page: Page) -> None:
    """Wait until the chat can be asked."""
    expect(page.get_by_role("button", name="Ask", exact=True)).to_be_visible()
    expect(page.locator(".vv-welcome")).to_be_attached()


def ask(page: Page, question: str) -> Locator:
    """Type a question, press Enter, and wait for its turn."""
    turns = page.locator(".vv-turn:not(.vv-pending, .vv-growing)")
    before = turns.count()
    box = page.get_by_label("Your question")
    box.fill(question)
    box.press("Enter")
    expect(turns).to_have_count(before + 1)
    return turns.last

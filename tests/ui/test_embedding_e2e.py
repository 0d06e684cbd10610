"""Visavis in another site's page: two origins in a real browser, and two sites with third-party cookies blocked."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, FrameLocator, Locator, Page, expect, sync_playwright
from pydantic import SecretStr

from tests.ui.conftest import FLAGS
from tests.ui.pages import PATIENCE
from tests.ui.proxies import PREFIX, nginx, placed, read_block
from tests.ui.sites import RESOLVED, Site, site, write_certificate
from ui.embedding.frames import COOKIE
from ui.embedding.tokens import Guest, make_key, make_token

pytestmark = pytest.mark.timeout(200)

ROSE = "What is a rose?"
SAID_BY_GRADIO = ({"type": "SET_SCROLLING", "enabled": False}, "[iFrameResizerChild]Ready")
"""To whatever is around it, and the same at any time."""


@pytest.fixture(scope="module")
def browser(chromium: Path) -> Iterator[Browser]:
    flags = [*FLAGS, f"--host-resolver-rules={RESOLVED}", "--test-third-party-cookie-phaseout"]
    with sync_playwright() as playwright:
        expect.set_options(timeout=PATIENCE * 1000)
        browser = playwright.chromium.launch(executable_path=chromium, args=flags, timeout=PATIENCE * 1000)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def intranet() -> Iterator[Site]:
    with site() as served:
        yield served


@pytest.fixture(scope="module")
def house(intranet: Site) -> Iterator[str]:
    """The address of Visavis, which one origin of the intranet's alone may embed."""
    origins = f"http://intranet.test:{intranet.port}"
    with placed(0.0, 3, VISAVIS_EMBED_ORIGINS=origins, VISAVIS_SIGN_IN_HOSTS="visavis.test") as port:
        yield f"http://visavis.test:{port}"


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    page = context.new_page()
    page.set_default_timeout(PATIENCE * 1000)
    yield page
    context.close()


def strict(house: str) -> str:
    return f"default-src 'none'; script-src {house}; frame-src {house}; connect-src 'self'"


def script(house: str, **attributes: str) -> str:
    said = " ".join(f'data-{name.replace("_", "-")}="{value}"' for name, value in attributes.items())
    return f'<script src="{house}/embed.js" {said}></script>'


def visit(page: Page, intranet: Site, house: str, body: str, host: str = "intranet.test") -> list[str]:
    """Open a page of the intranet under a strict policy; gives what the console complains of."""
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type in {"error", "warning"} else None)
    intranet.put("/page", body, strict(house))
    page.goto(f"http://{host}:{intranet.port}/page")
    return complaints


def inside(page: Page) -> FrameLocator:
    return page.frame_locator("iframe:not(#other)")


def await_inside(page: Page) -> None:
    expect(inside(page).get_by_role("button", name="Ask", exact=True)).to_be_visible()


def ask_inside(page: Page) -> Locator:
    box = inside(page).get_by_label("Your question")
    box.fill(ROSE)
    box.press("Enter")
    answered = inside(page).locator(".vv-answered")
    expect(answered).to_have_count(1)
    return answered


def height(page: Page) -> float:
    return float(page.locator("iframe:not(#other)").evaluate("one => one.getBoundingClientRect().height"))


def overflow(page: Page) -> float:
    """How much of the frame's page lies below the frame's edge."""
    frame = page.frames[1]
    return float(frame.evaluate("document.documentElement.scrollHeight - window.innerHeight"))


def wait_for_height(page: Page, test: str) -> float:
    """Wait until the frame's height meets a condition on `h`, and is still; gives it."""
    found = "document.querySelector('.visavis').shadowRoot.querySelector('iframe')"
    page.wait_for_function(f"() => {{ const h = {found}.getBoundingClientRect().height; return {test}; }}")
    page.wait_for_timeout(400)
    return height(page)


def test_a_frame_grows_with_its_answer_under_a_strict_policy(page: Page, intranet: Site, house: str) -> None:
    body = "<h1>Intranet</h1>" + script(house, max_height="none", title="AI law") + "<p id=after>After</p>"
    complaints = visit(page, intranet, house, body)
    await_inside(page)
    expect(page.locator("iframe[title='AI law']")).to_be_visible()
    before = wait_for_height(page, "h < 700")
    assert abs(overflow(page)) <= 1
    ask_inside(page)
    after = wait_for_height(page, f"h > {before + 100}")
    assert abs(overflow(page)) <= 1
    assert after > 900
    assert page.locator("#after").evaluate("one => one.getBoundingClientRect().top") >= after
    assert [one for one in complaints if "Content Security Policy" in one or "postMessage" in one] == []


def test_what_sticks_sticks_to_the_part_of_an_endless_frame_that_is_seen(
    page: Page, intranet: Site, house: str
) -> None:
    visit(page, intranet, house, "<h1>Intranet</h1>" + script(house, max_height="none"))
    await_inside(page)
    ask_inside(page)
    wait_for_height(page, "h > 1000")
    composer = inside(page).locator("#vv-composer")
    for place in ("0", "200"):
        page.evaluate(f"window.scrollTo(0, {place})")
        page.wait_for_timeout(300)
        box = composer.bounding_box()
        assert box is not None
        assert 700 < box["y"] + box["height"] <= 901
    inside(page).get_by_role("button", name="Choices").click()
    expect(inside(page).get_by_role("button", name="Done")).to_be_in_viewport()


@pytest.mark.parametrize(("attributes", "tallest"), [({}, 900 - 32), ({"max_height": "640"}, 640)])
def test_a_frame_grows_no_further_than_its_limit_and_scrolls_then(
    page: Page, intranet: Site, house: str, attributes: dict[str, str], tallest: int
) -> None:
    visit(page, intranet, house, script(house, **attributes))
    await_inside(page)
    ask_inside(page)
    assert wait_for_height(page, f"h >= {tallest}") == tallest
    assert overflow(page) > 100
    expect(inside(page).get_by_role("button", name="Ask", exact=True)).to_be_visible()


def test_only_sizes_leave_the_frame_and_only_its_own_are_believed(page: Page, intranet: Site, house: str) -> None:
    page.add_init_script(
        "if (window.parent === window) window.heard = [],"
        "window.addEventListener('message', (event) => window.heard.push([event.origin, event.data]));"
    )
    visit(page, intranet, house, script(house) + "<iframe id=other srcdoc='<p>other'></iframe>")
    await_inside(page)
    ask_inside(page)
    before = wait_for_height(page, "h > 800")
    heard = [one for one in page.evaluate("window.heard") if one[1] not in SAID_BY_GRADIO]
    assert {origin for origin, _ in heard} == {house}
    assert all(set(data) == {"visavis", "height"} and data["visavis"] == "size" for _, data in heard)
    # The page itself and another frame in it say a size too.
    page.evaluate("window.postMessage({ visavis: 'size', height: 430 }, '*')")
    page.locator("#other").evaluate(
        "one => one.contentWindow.parent.postMessage({ visavis: 'size', height: 430 }, '*')"
    )
    page.wait_for_timeout(300)
    assert height(page) == before


def test_a_page_that_may_not_embed_hears_nothing(page: Page, intranet: Site, house: str) -> None:
    complaints = visit(page, intranet, house, script(house), host="stranger.test")
    frame = page.frames[1]
    frame.wait_for_load_state()
    page.wait_for_timeout(500)
    assert frame.url.startswith("chrome-error:")
    assert inside(page).locator("#vv-composer").count() == 0
    assert any("frame-ancestors" in one for one in complaints)


def test_a_window_that_opens_ours_hears_nothing(page: Page, intranet: Site, house: str) -> None:
    intranet.put("/opener", "<p>opens</p>")
    page.goto(f"http://stranger.test:{intranet.port}/opener")
    with page.expect_popup() as opened:
        page.evaluate(f"window.heard = 0; window.onmessage = () => window.heard++; window.other = open('{house}/')")
    popup = opened.value
    expect(popup.get_by_role("button", name="Ask", exact=True)).to_be_visible()
    page.evaluate("window.other.postMessage({ visavis: 'hello', fits: true }, '*')")
    page.wait_for_timeout(300)
    assert page.evaluate("window.heard") == 0
    assert popup.evaluate("document.documentElement.className") == ""


def test_a_button_opens_it_and_escape_closes_it_from_both_sides(page: Page, intranet: Site, house: str) -> None:
    complaints = visit(page, intranet, house, "<h1>Intranet</h1>" + script(house, mode="button", label="Ask on AI"))
    button = page.get_by_role("button", name="Ask on AI")
    expect(button).to_have_attribute("aria-expanded", "false")
    assert page.frames[1].url == "about:blank"
    page.keyboard.press("Tab")
    expect(button).to_be_focused()
    page.keyboard.press("Enter")
    expect(button).to_have_attribute("aria-expanded", "true")
    expect(page.get_by_role("dialog", name="Visavis: questions")).to_be_visible()
    await_inside(page)
    ask_inside(page)
    page.wait_for_timeout(600)  # until both sides have met
    page.keyboard.press("Escape")
    expect(button).to_have_attribute("aria-expanded", "false")
    expect(button).to_be_focused()
    page.keyboard.press("Enter")
    expect(inside(page).locator(".vv-answered")).to_have_count(1)
    button.focus()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    assert [one for one in complaints if "Content Security Policy" in one] == []


def test_escape_inside_closes_first_what_is_open_there(page: Page, intranet: Site, house: str) -> None:
    visit(page, intranet, house, script(house, mode="button"))
    page.get_by_role("button", name="Ask Visavis").click()
    await_inside(page)
    inside(page).get_by_role("button", name="Choices").click()
    page.keyboard.press("Escape")
    expect(inside(page).locator("#vv-choices")).to_be_hidden()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_question_day_and_language_are_given_and_asked_by_nobody_but_the_reader(
    page: Page, intranet: Site, house: str
) -> None:
    visit(page, intranet, house, script(house, question=ROSE, as_of="2025-03-01", language="de"))
    box = inside(page).get_by_label("Ihre Frage")
    expect(box).to_have_value(ROSE)
    expect(inside(page).get_by_label("Rechtsstand")).to_have_value("2025-03-01")
    assert inside(page).locator(".vv-turn").count() == 0
    expect(page.locator("iframe")).to_have_attribute("title", re.compile("^Visavis: Fragen"))
    box.press("Enter")
    expect(inside(page).locator(".vv-answered")).to_contain_text("1. März 2025")


def test_a_plain_frame_works_without_any_script(page: Page, intranet: Site, house: str) -> None:
    visit(page, intranet, house, f'<iframe src="{house}/#lang=fr" title="Visavis" width="100%" height="600"></iframe>')
    box = inside(page).get_by_label("Votre question")
    box.fill(ROSE)
    box.press("Enter")
    expect(inside(page).locator(".vv-answered")).to_have_count(1)
    assert height(page) == 604


def test_the_library_in_the_frame_has_all_the_height_there_is(page: Page, intranet: Site, house: str) -> None:
    visit(page, intranet, house, script(house))
    await_inside(page)
    wait_for_height(page, "h < 700")
    inside(page).get_by_role("link", name="Library").click()
    expect(inside(page).get_by_role("heading", level=1)).to_be_visible()
    assert wait_for_height(page, "h > 800") == 868
    inside(page).get_by_role("link", name="Ask a question").click()
    await_inside(page)
    wait_for_height(page, "h < 700")


# Another site: its server vouches for its people


KEY = SecretStr(make_key())
READER = Guest("society", "4711", "", "A. Reader")


@dataclass(frozen=True)
class Sites:
    """Two sites behind TLS: the intranet, which embeds, and Visavis under a path, where nobody signs in otherwise."""

    intranet: str
    stranger: str
    house: str
    pages: Site

    def token(self, origin: str = "") -> str:
        return make_token(KEY, replace(READER, origin=origin or self.intranet))


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory, intranet: Site) -> Iterator[Sites]:
    folder = tmp_path_factory.mktemp("sites")
    certificate = write_certificate(folder)
    key = folder / "embed.key"
    key.write_text(KEY.get_secret_value())
    key.chmod(0o600)
    pages = "location / { proxy_pass http://127.0.0.1:7860; }"
    with nginx(folder / "intranet", pages, intranet.port, certificate=certificate) as port:
        origin = f"https://intranet.test:{port}"
        settings = {
            "VISAVIS_ROOT_PATH": PREFIX,
            "VISAVIS_EMBED_ORIGINS": origin,
            "VISAVIS_EMBED_KEY_FILE": str(key),
            "VISAVIS_SIGN_IN": "proxy",
            "VISAVIS_PROXY_TRUSTED": "127.0.0.1",
            "VISAVIS_SIGN_IN_HOSTS": "visavis.test",
        }
        with (
            placed(0.0, 3, **settings) as upstream,
            nginx(folder / "house", read_block("strips"), upstream, certificate=certificate) as front,
        ):
            house = f"https://visavis.test:{front}{PREFIX}"
            yield Sites(origin, f"https://stranger.test:{port}", house, intranet)


@pytest.fixture
def secure_page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(ignore_https_errors=True, reduced_motion="reduce")
    page = context.new_page()
    page.set_default_timeout(PATIENCE * 1000)
    yield page
    context.close()


def test_this_browser_keeps_no_cookie_of_another_site(secure_page: Page, sites: Sites) -> None:
    sites.pages.put("/cookie", f"<iframe src='{sites.house}/embed'></iframe>")
    secure_page.goto(f"{sites.intranet}/cookie")
    frame = secure_page.frames[1]
    frame.wait_for_load_state()
    frame.evaluate("document.cookie = 'third=party; Secure; SameSite=None; Path=/'")
    assert "third=party" not in frame.evaluate("document.cookie")


def test_a_token_of_the_site_lets_its_reader_in_across_sites(secure_page: Page, sites: Sites) -> None:
    sites.pages.put("/law", script(sites.house, token=sites.token()))
    asked: list[str] = []
    secure_page.on("request", lambda request: asked.append(request.url))
    secure_page.goto(f"{sites.intranet}/law")
    await_inside(secure_page)
    ask_inside(secure_page)
    inside(secure_page).locator(".vv-table .vv-cite").first.click()
    expect(inside(secure_page).locator(".vv-panel mark").first).to_be_visible()
    (cookie,) = [one for one in secure_page.context.cookies() if one["name"] == COOKIE]
    assert cookie["httpOnly"] and cookie["secure"] and cookie["path"] == f"{PREFIX}/"
    assert cookie["partitionKey"] == "https://intranet.test"
    assert all("token=" not in url.partition("#")[0] for url in asked)
    secure_page.frames[1].goto(f"{sites.house}/law")
    expect(inside(secure_page).get_by_role("heading", level=1)).to_be_visible()


def test_a_link_that_brings_a_token_makes_nobody_somebody(secure_page: Page, sites: Sites) -> None:
    asked: list[str] = []
    secure_page.on("request", lambda request: asked.append(request.url))
    secure_page.goto(f"{sites.house}/embed#token={sites.token()}")
    secure_page.wait_for_url(lambda url: "/embed" not in url)
    assert "token" not in secure_page.url
    assert not [url for url in asked if url.endswith("/embed/session")]
    assert [one["name"] for one in secure_page.context.cookies() if one["name"] == COOKIE] == []


def test_without_a_token_and_with_a_used_one_nobody_is_let_in(secure_page: Page, sites: Sites) -> None:
    sites.pages.put("/none", script(sites.house))
    secure_page.goto(f"{sites.intranet}/none")
    expect(inside(secure_page).locator("body")).to_be_visible()
    secure_page.wait_for_timeout(500)
    assert "/sign-in" in secure_page.frames[1].url or inside(secure_page).locator("#vv-composer").count() == 0
    used = sites.token()
    sites.pages.put("/used", script(sites.house, token=used))
    secure_page.goto(f"{sites.intranet}/used")
    await_inside(secure_page)
    secure_page.context.clear_cookies()
    secure_page.goto(f"{sites.intranet}/used")
    expect(inside(secure_page).get_by_role("status")).to_contain_text("was used before")


def test_the_session_of_one_site_is_none_under_another(secure_page: Page, sites: Sites) -> None:
    sites.pages.put("/law", script(sites.house, token=sites.token()))
    secure_page.goto(f"{sites.intranet}/law")
    await_inside(secure_page)
    response = secure_page.goto(f"{sites.house}/")
    assert response is not None
    assert secure_page.locator("#vv-composer").count() == 0


def test_a_token_is_fetched_from_the_site_itself(secure_page: Page, sites: Sites) -> None:
    sites.pages.pages["/token"] = (sites.token(), "")
    sites.pages.put("/law", script(sites.house, token_from="/token", mode="button"))
    secure_page.goto(f"{sites.intranet}/law")
    secure_page.get_by_role("button", name="Ask Visavis").click()
    await_inside(secure_page)
    ask_inside(secure_page)
    sites.pages.put("/broken", script(sites.house, token_from="/nowhere"))
    secure_page.goto(f"{sites.intranet}/broken")
    expect(secure_page.get_by_text("Visavis cannot be opened here")).to_be_visible()


# The guide's own blocks


@pytest.mark.parametrize(
    "name",
    [
        "frame",
        "script",
        "sharepoint",
        "wordpress-frame",
        "wordpress-script",
        "drupal-frame",
        "drupal-script",
        "moodle-frame",
    ],
)
def test_what_the_guide_says_to_paste_shows_the_chat(page: Page, intranet: Site, house: str, name: str) -> None:
    complaints = visit(page, intranet, house, read_block(name).replace("https://law.example", house))
    await_inside(page)
    expect(inside(page).get_by_label("Your question")).to_be_visible()
    assert height(page) >= 420
    assert [one for one in complaints if "Content Security Policy" in one] == []


@pytest.mark.parametrize("name", ["button", "moodle-button"])
def test_the_guides_button_opens_the_chat(page: Page, intranet: Site, house: str, name: str) -> None:
    visit(page, intranet, house, read_block(name).replace("https://law.example", house))
    page.get_by_role("button").click()
    await_inside(page)


def test_the_guides_link_fills_in_its_question(page: Page, intranet: Site, house: str) -> None:
    visit(page, intranet, house, read_block("link").replace("https://law.example", house))
    page.get_by_role("link").click()
    expect(page.get_by_label("Your question")).to_have_value("What is prohibited?")


def test_the_guides_python_makes_a_token_that_lets_in(secure_page: Page, sites: Sites) -> None:
    made: dict[str, Any] = {}
    exec(compile(read_block("token"), "docs/embedding.md", "exec"), made)
    token = made["embed_token"](KEY.get_secret_value(), "4711", sites.intranet)
    sites.pages.pages["/visavis-token"] = (token, "")
    sites.pages.put("/guide", read_block("token-page").replace("https://law.example", sites.house))
    secure_page.goto(f"{sites.intranet}/guide")
    await_inside(secure_page)
    ask_inside(secure_page)

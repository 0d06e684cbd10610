"""The application under a path, behind a real nginx and a real Apache that strip the prefix or leave it."""

import re
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin

import httpx
import pytest
from playwright.sync_api import Browser, expect

from tests.ui.pages import ask, await_chat, open_page
from tests.ui.proxies import PREFIX, apache, free_port, nginx, placed, read_block

pytestmark = pytest.mark.timeout(200)

KINDS = {"nginx": nginx, "apache": apache}
WAYS = [("nginx", "strips"), ("nginx", "keeps"), ("apache", "apache-strips"), ("apache", "apache-keeps")]
PACE, SENTENCES = 0.25, 5
ASKED = {"question": "What is a rose?"}
LINK = re.compile(r'(?:href|src)="(?!https?:|data:|#)([^"]+)"')


@pytest.fixture(scope="module")
def placed_at() -> Iterator[int]:
    with placed(PACE, SENTENCES, VISAVIS_ROOT_PATH=PREFIX) as port:
        yield port


@pytest.fixture(scope="module", params=WAYS, ids="-".join)
def house(request: pytest.FixtureRequest, placed_at: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the application behind a proxy, without the last "/"."""
    kind, block = request.param
    folder = tmp_path_factory.mktemp(block) / "proxy"
    with KINDS[kind](folder, read_block(block), placed_at) as port:
        yield f"http://localhost:{port}{PREFIX}"


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=30, trust_env=False) as client:
        yield client


def text_of(client: httpx.Client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200, address
    return response.text


def test_the_page_its_files_and_its_links_are_all_under_the_path(house: str, client: httpx.Client) -> None:
    bare = client.get(house)
    assert bare.status_code in {301, 308}
    assert urljoin(house, bare.headers["Location"]) == f"{house}/"
    assert f'"root":"{house}"' in text_of(client, f"{house}/")
    seen = set()
    for start in (f"{house}/", f"{house}/law", f"{house}/law/eu-ai-act/art_5/1", f"{house}/api/v1/docs"):
        for link in LINK.findall(text_of(client, start)):
            address = urljoin(start, link).partition("#")[0]
            if link != "/manifest.json":
                assert address.startswith(f"{house}/"), (start, link)
                seen.add(address)
    assert len(seen) > 12
    for address in sorted(seen):
        assert client.get(address).status_code == 200, address


def test_api_documents_and_files_are_under_the_path(house: str, client: httpx.Client) -> None:
    description = client.get(f"{house}/api/v1/openapi.json").json()
    assert description["servers"] == [{"url": f"{PREFIX}/api/v1"}]
    assert client.post(f"{house}/api/v1/ask", json=ASKED).json()["schema"] == "visavis.answer/1"
    wanted = {"format": "docx", "citations": True, "questions": [ASKED | {"as_of": "2026-11-23"}]}
    assert client.post(f"{house}/save", json=wanted).content.startswith(b"PK")
    wording = "wording=eu-ai-act@2026-07-27:en&place=art_5/1/a&as_of=2026-11-23"
    assert "Article 5(1)(a)" in text_of(client, f"{house}/passage?{wording}")
    assert "attachShadow" in text_of(client, f"{house}/embed.js")


def test_events_come_one_by_one(house: str, client: httpx.Client) -> None:
    with client.stream("POST", f"{house}/api/v1/ask", json=ASKED, headers={"Accept": "text/event-stream"}) as response:
        arrived = [time.monotonic() for line in response.iter_lines() if line.startswith("event:")]
    assert len(arrived) == SENTENCES + 2
    assert arrived[-1] - arrived[0] > PACE * (SENTENCES - 2)


BROWSED = [("nginx", "strips"), ("apache", "apache-keeps")]


@pytest.mark.parametrize("house", BROWSED, ids="-".join, indirect=True)
def test_a_reader_asks_opens_a_citation_and_saves_under_the_path(house: str, browser: Browser) -> None:
    opened = open_page(browser)
    page = opened.page
    page.goto(f"{house}/#q=What+is+a+rose%3F&as_of=2026-11-23")
    await_chat(page)
    expect(page.get_by_label("Your question")).to_have_value("What is a rose?")
    began = time.monotonic()
    page.get_by_label("Your question").press("Enter")
    expect(page.locator(".vv-growing .vv-table")).to_be_visible()
    assert time.monotonic() - began < PACE * SENTENCES + 1
    turn = page.locator(".vv-answered")
    expect(turn).to_be_visible()
    turn.locator(".vv-table .vv-cite").first.click()
    expect(page.locator(".vv-panel mark").first).to_contain_text("cutting")
    assert page.locator(".vv-panel a").first.evaluate("one => one.href").startswith((f"{house}/", "https://law."))
    with page.expect_response("**/passage/status*") as status:
        turn.locator(".vv-cite").first.click()
    assert status.value.status == 200
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Save", exact=True).first.click()
    page.get_by_label("Markdown").check()
    with page.expect_download() as download:
        page.locator("#vv-save").get_by_role("button", name="Save").click()
    assert download.value.suggested_filename.startswith("visavis-answer-")
    page.get_by_role("link", name="Library").click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert page.url == f"{house}/law"
    page.get_by_role("link", name="Ask a question").click()
    await_chat(page)
    assert page.url == f"{house}/"
    missed = [url for url in opened.asked if not url.startswith(("data:", "blob:", f"{house}/"))]
    assert [url for url in missed if not url.endswith("/manifest.json")] == []
    assert opened.broken == []
    page.close()


BUFFERING = "proxy_buffers 8 64k; proxy_busy_buffers_size 128k; proxy_buffer_size 64k; gzip on; gzip_types *;"


def test_a_proxy_that_buffers_delivers_the_answer_whole(
    placed_at: int, browser: Browser, client: httpx.Client, tmp_path: Path
) -> None:
    snippet = read_block("strips").replace("proxy_buffering off;", BUFFERING)
    with nginx(tmp_path / "proxy", snippet, placed_at) as port:
        house = f"http://localhost:{port}{PREFIX}"
        with client.stream("POST", f"{house}/api/v1/ask", json=ASKED, headers={"Accept": "text/event-stream"}) as sent:
            assert len([line for line in sent.iter_lines() if line.startswith("event:")]) == SENTENCES + 2
        opened = open_page(browser)
        opened.page.goto(f"{house}/")
        await_chat(opened.page)
        turn = ask(opened.page, "What is a rose?")
        expect(turn.locator(".vv-summary .vv-sentence")).to_have_count(SENTENCES)
        assert opened.broken == []
        opened.page.close()


def test_a_proxy_that_drops_in_mid_answer_leaves_the_reader_a_calm_line(browser: Browser, tmp_path: Path) -> None:
    port = free_port()
    with placed(0.8, 60, VISAVIS_ROOT_PATH=PREFIX) as upstream:
        opened = open_page(browser)
        page = opened.page
        with nginx(tmp_path / "first", read_block("strips"), upstream, port=port):
            page.goto(f"http://localhost:{port}{PREFIX}/")
            await_chat(page)
            box = page.get_by_label("Your question")
            box.fill("What is a rose?")
            box.press("Enter")
            expect(page.locator(".vv-summary .vv-sentence").first).to_be_visible()
            box.fill("typed meanwhile")
        hint = page.locator("#vv-composer > .vv-hint")
        expect(hint).to_contain_text("The server does not answer at the moment")
        with nginx(tmp_path / "second", read_block("strips"), upstream, port=port):
            expect(hint).to_contain_text("The server is back")
            expect(page.locator(".vv-turn .vv-table")).to_be_visible()
            await_chat(page)
            expect(box).to_have_value("typed meanwhile")
            page.close()

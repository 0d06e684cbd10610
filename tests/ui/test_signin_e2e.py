"""Sign-in as somebody has it in a browser: a real server, a real provider, and what is left when they have gone."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.conftest import CHECKOUT
from tests.small_corpus import environment
from tests.ui.pages import Scheme, ask, await_chat, open_page

pytestmark = pytest.mark.timeout(300)


PROVIDER = """
import oidc_provider_mock as mock
ada = mock.User(sub="ada-1", claims={"name": "Ada Lovelace", "groups": ["law"]})
bob = mock.User(sub="bob-2", claims={"name": "Bob", "groups": ["tax"]})
with mock.run_server_in_thread(user_claims=(ada, bob)) as server:
    print(f"http://localhost:{server.server_port}", flush=True)
    input()
"""


@contextmanager
def process(*command: str, **settings: str) -> Iterator[str]:
    """A server in a process of its own, and the address that it says first."""
    surroundings = environment(PYTHONWARNINGS="ignore", PYTHONPATH=str(CHECKOUT), **settings)
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen([sys.executable, *command], env=surroundings, text=True, **pipes) as running:
        assert running.stdout is not None
        address = re.search(r"http://[a-z0-9.]+:\d+", running.stdout.readline())
        try:
            assert address is not None
            yield address[0]
        finally:
            running.kill()


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    """The issuer of a provider that knows Ada and Bob."""
    with process("-c", PROVIDER) as issuer:
        yield issuer


@pytest.fixture(scope="module")
def server(provider: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server behind the provider, which lets in those of the group law."""
    folder = tmp_path_factory.mktemp("keys")
    secret = folder / "secret"
    secret.write_text("a-secret")
    secret.chmod(0o600)
    settings = {
        "SIGN_IN": "oidc",
        "OIDC_ISSUER": provider,
        "OIDC_CLIENT_ID": "visavis",
        "OIDC_CLIENT_SECRET_FILE": str(secret),
        "ROLE_READERS": "law",
        "SIGN_IN_CONTACT": "the library, extension 12",
        "SESSION_KEY_FILE": str(folder / "session.key"),
    }
    given = {f"VISAVIS_{name}": value for name, value in settings.items()}
    with process("-m", "tests.ui.signin_server", **given) as address:
        yield address


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
    context.set_default_timeout(20_000)
    # The provider's own pages take their style from elsewhere; nothing here goes out.
    context.route(re.compile(r"^https://"), lambda route: route.abort())
    yield context.new_page()
    context.close()


def sign_in(page: Page, name: str) -> None:
    page.get_by_role("link", name="Sign in at localhost").click()
    page.get_by_role("button", name=name).click()


def test_ada_signs_in_asks_and_leaves_nothing_behind(page: Page, server: str) -> None:
    page.goto(f"{server}/law/eu-ai-act")
    expect(page).to_have_url(f"{server}/sign-in?next=%2Flaw%2Feu-ai-act")
    sign_in(page, "ada-1")
    expect(page).to_have_url(f"{server}/law/eu-ai-act")
    expect(page.locator(".vv-person")).to_contain_text("Signed in as Ada Lovelace")
    page.goto(server)
    await_chat(page)
    turn = ask(page, "Who shall water the roses?")
    expect(turn).to_contain_text("twice a day")
    expect(page.locator(".vv-masthead .vv-person")).to_contain_text("Signed in as Ada Lovelace")
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("button", name="End session").click()  # the provider's own question
    expect(page.get_by_role("heading", name="You are signed out")).to_be_visible()
    assert page.context.cookies(server) == []
    assert page.evaluate("Object.keys(sessionStorage)") == []
    for _ in range(4):
        page.go_back()
        page.wait_for_load_state()
        assert "roses" not in page.content() and "Ada" not in page.content()
    page.goto(server)
    expect(page).to_have_url(f"{server}/sign-in?next=%2F")


def test_somebody_whose_account_is_not_let_in_hears_whom_to_ask(page: Page, server: str) -> None:
    page.goto(server)
    sign_in(page, "bob-2")
    expect(page.get_by_role("status")).to_have_text(
        "Your organisation knows you, and your account is not among those that are let in here. "
        "Ask the library, extension 12 if it stays so."
    )
    assert page.context.cookies(server) == []


def test_a_session_that_ends_while_somebody_reads_leads_to_the_sign_in(page: Page, server: str) -> None:
    page.goto(server)
    sign_in(page, "ada-1")
    await_chat(page)
    page.context.clear_cookies()
    box = page.get_by_label("Your question")
    box.fill("Who shall water the roses?")
    box.press("Enter")
    expect(page.locator(".vv-person")).to_have_text("Your session has ended. Sign in")
    assert "twice a day" not in page.content()
    page.get_by_role("link", name="Sign in", exact=True).click()
    sign_in(page, "ada-1")
    await_chat(page)
    expect(page.locator(".vv-question")).to_have_text("Who shall water the roses?")  # the tab has kept it


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
@pytest.mark.parametrize("path", ["/sign-in?next=%2Flaw", "/sign-in/callback?state=none", "/signed-out"])
def test_the_pages_of_sign_in_keep_nobody_out(
    browser: Browser, server: str, scheme: Scheme, width: int, path: str
) -> None:
    opened = open_page(browser, width, scheme=scheme)
    opened.page.goto(f"{server}{path}")
    found = Axe().run(opened.page).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"]) for one in found] == []
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= width
    opened.close(server)


@pytest.mark.parametrize(
    ("locale", "words"), [("fr-BE", "Se connecter chez localhost"), ("de", "Bei localhost anmelden")]
)
def test_the_sign_in_speaks_the_readers_language(browser: Browser, server: str, locale: str, words: str) -> None:
    context = browser.new_context(locale=locale)
    page = context.new_page()
    page.goto(f"{server}/sign-in")
    expect(page.get_by_role("link", name=words)).to_be_visible()
    assert page.locator("html").get_attribute("lang") == locale[:2]
    context.close()

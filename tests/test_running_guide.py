"""The administrator's guide: its commands run in its order, its settings and its nginx serve a signed-in reader."""

import re
import shutil
import signal
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.conftest import CHECKOUT, require
from tests.small_corpus import FRONT_DOOR, SmallCorpus, command, environment
from tests.ui.conftest import FLAGS
from tests.ui.pages import PATIENCE, ask, await_chat
from tests.ui.proxies import free_port, nginx_of
from tests.ui.sites import RESOLVED, Site, site, write_certificate
from ui.embedding.frames import open_embedding
from ui.settings import SignIn, load_serve_settings
from ui.signin.admission import open_admission

pytestmark = pytest.mark.timeout(900)

GUIDE = CHECKOUT / "docs" / "running.md"
BLOCK = re.compile(r"^```(?P<kind>\w*) *(?P<name>[\w-]*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS = [(one["kind"], one["name"], one["body"]) for one in BLOCK.finditer(GUIDE.read_text(encoding="utf-8"))]
SECRET = "a-secret"
PROVIDER = """
import oidc_provider_mock as mock
ada = mock.User(sub="ada-1", claims={"name": "Ada Lovelace", "groups": ["lawyers"]})
bob = mock.User(sub="bob-2", claims={"name": "Bob", "groups": ["tax"]})
with mock.run_server_in_thread(user_claims=(ada, bob)) as server:
    print(f"http://localhost:{server.server_port}", flush=True)
    input()
"""


def blocks(kind: str, name: str) -> list[str]:
    return [body for one, called, body in BLOCKS if (one, called) == (kind, name)]


@dataclass(frozen=True)
class Machine:
    """The guide's machine: its folders under one of ours, and the settings of the shell that runs its commands."""

    root: Path
    front: int
    issuer: str = "https://login.example/realms/society"

    def put_in(self, text: str, port: int = 0) -> str:
        """The guide's words with this machine's folders, ports and provider in them."""
        for folder in ("/srv/visavis/corpus", "/var/lib/visavis", "/etc/visavis", "/etc/ssl"):
            text = text.replace(folder, f"{self.root}{folder}")
        text = text.replace("-C /etc visavis", f"-C {self.root}/etc visavis")
        text = text.replace("https://login.example/realms/society", self.issuer)
        text = re.sub(r"https://(law|intranet)\.example", rf"https://\1.test:{self.front}", text)
        text = re.sub(r"\blaw\.example(?!\.(pem|key))", "law.test", text)
        return text.replace("127.0.0.1:7860", f"127.0.0.1:{port}") if port else text

    @property
    def surroundings(self) -> dict[str, str]:
        """As the guide's wrapper sets them."""
        home = self.root / "var/lib/visavis"
        return environment(
            HOME=str(home),
            VISAVIS_CONFIG=str(self.root / "etc/visavis/visavis.toml"),
            VISAVIS_INDEX=str(home / "index"),
            XDG_DATA_HOME=str(home / "data"),
            XDG_STATE_HOME=str(home / "state"),
            PYTHONWARNINGS="",
        )

    def run(self, script: str, port: int = 0) -> str:
        """Run lines of the guide with `visavis` as it writes it; gives what they printed."""
        if shutil.which("curl") is None:
            require("curl", "curl is not on the PATH; install it.")
        script = f'visavis() {{ "{sys.executable}" "{FRONT_DOOR}" "$@"; }}\n' + self.put_in(script, port)
        ran = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=self.root,
            env=self.surroundings,
            capture_output=True,
            text=True,
            timeout=400,
            check=False,
        )
        assert ran.returncode == 0, f"{script}\n{ran.stdout}{ran.stderr}"
        return ran.stdout


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    """A provider that knows Ada, a lawyer, and Bob, who is none."""
    arguments = [sys.executable, "-W", "ignore", "-c", PROVIDER]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(arguments, env=environment(PYTHONWARNINGS="ignore"), text=True, **pipes) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.kill()


@pytest.fixture(scope="module")
def machine(issuer: str, model_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A machine on which the guide's steps before the service were done."""
    root = tmp_path_factory.mktemp("machine")
    for folder in ("var/lib/visavis", "etc/visavis", "etc/ssl"):
        (root / folder).mkdir(parents=True, mode=0o700)
    (root / "etc").chmod(0o755)
    SmallCorpus(root / "srv/visavis/corpus").write()
    made = Machine(root, free_port(), issuer)
    (settings,) = blocks("toml", "settings")
    (root / "etc/visavis/visavis.toml").write_text(made.put_in(settings), encoding="utf-8")
    secret = root / "etc/visavis/oidc.secret"
    secret.write_text(SECRET)
    secret.chmod(0o600)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(model_cache))
        for script in blocks("sh", "prepare"):
            made.run(script)
        yield made


@pytest.fixture(scope="module")
def served(machine: Machine) -> Iterator[int]:
    """The port of the guide's service, as one process."""
    arguments = command("serve", "--port", "0", "--no-build", "--corpus", machine.root / "srv/visavis/corpus")
    with subprocess.Popen(arguments, env=machine.surroundings, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = process.stdout.readline()
        found = re.search(r"127\.0\.0\.1:(\d+)", said)
        if found is None:
            process.kill()
            pytest.fail(f"visavis serve said {said!r}")
        yield int(found[1])
        process.send_signal(signal.SIGKILL)


def test_each_block_is_of_a_kind_that_is_checked() -> None:
    kinds = {(kind, name) for kind, name, _ in BLOCKS}
    shell = {("sh", "hand"), ("sh", "prepare"), ("sh", "run")}
    assert kinds == shell | {("toml", "settings"), ("toml", "entra"), ("toml", "proxy"), ("nginx", "site")}


@pytest.mark.parametrize("script", blocks("sh", "hand"))
def test_what_is_done_by_hand_is_at_least_grammatical(script: str) -> None:
    subprocess.run(["bash", "-n", "-c", script], check=True, capture_output=True)
    for named in re.findall(r"\bdeploy/[\w.-]+", script):
        assert (CHECKOUT / named).is_file(), named


def test_the_wrapper_says_what_the_service_says() -> None:
    service = (CHECKOUT / "deploy" / "visavis.service").read_text(encoding="utf-8")
    (wrapper,) = [one for one in blocks("sh", "hand") if "/usr/local/bin/visavis" in one]
    for name in ("HOME", "VISAVIS_CONFIG", "VISAVIS_INDEX", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
        said = re.search(rf"^Environment=({name}=.*)$", service, re.MULTILINE)
        assert said is not None, name
        assert re.search(rf"{re.escape(said[1])}(?=[ \\])", wrapper), said[1]


@pytest.mark.parametrize(("name", "kind"), [("settings", "oidc"), ("entra", "oidc"), ("proxy", "proxy")])
def test_settings_are_taken_as_they_stand(
    name: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (text,) = blocks("toml", name)
    folder = tmp_path / "etc/visavis"
    folder.mkdir(parents=True)
    for secret in ("oidc.secret", "embed.key"):
        (folder / secret).write_text("s" * 40)
        (folder / secret).chmod(0o600)
    (folder / "visavis.toml").write_text(text.replace("/etc/visavis", str(folder)), encoding="utf-8")
    monkeypatch.setenv("VISAVIS_CONFIG", str(folder / "visavis.toml"))
    settings = load_serve_settings()
    assert open_admission(settings, is_private=True).kind is SignIn(kind)
    assert (open_embedding(settings).entrance is not None) == ("embed_key_file" in text)


def test_the_commands_run_beside_the_service(machine: Machine, served: int) -> None:
    printed = [machine.run(script, served) for script in blocks("sh", "run")]
    assert (machine.root / "answer.json").read_text().startswith("{")
    assert "revoked" in printed[0]
    with tarfile.open(machine.root / "visavis-backup.tar.gz") as backup:
        names = " ".join(backup.getnames())
    assert "embed" in names and "record" in names, names
    assert any("visavis_index_age_seconds" in one for one in printed)


@pytest.fixture(scope="module")
def front(machine: Machine, served: int) -> Iterator[Site]:
    """The guide's nginx before the service, and an intranet behind the same nginx."""
    certificate = write_certificate(machine.root)
    for name in ("pem", "key"):
        shutil.copy(certificate, machine.root / f"etc/ssl/law.example.{name}")
    (text,) = blocks("nginx", "site")
    ours = machine.put_in(text, served).replace("listen 443", f"listen 127.0.0.1:{machine.front}")
    with site() as intranet:
        theirs = f"""server {{ listen 127.0.0.1:{machine.front} ssl; server_name intranet.test;
            ssl_certificate {certificate}; ssl_certificate_key {certificate};
            location / {{ proxy_pass http://127.0.0.1:{intranet.port}; }} }}"""
        with nginx_of(machine.root / "nginx", ours + theirs, machine.front):
            yield intranet


@pytest.fixture
def browser(chromium: Path) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        expect.set_options(timeout=PATIENCE * 1000)
        flags = [*FLAGS, f"--host-resolver-rules={RESOLVED}"]
        browser = playwright.chromium.launch(executable_path=chromium, args=flags, timeout=PATIENCE * 1000)
        yield browser
        browser.close()


def test_a_lawyer_signs_in_and_asks(machine: Machine, front: Site, browser: Browser) -> None:
    context = browser.new_context(ignore_https_errors=True, reduced_motion="reduce")
    # The provider's own pages take their style from elsewhere; nothing here goes out.
    context.route(re.compile(r"^https://(?!\w+\.test)"), lambda route: route.abort())
    page = context.new_page()
    law = f"https://law.test:{machine.front}"
    page.goto(law)
    page.get_by_role("link", name="Sign in at").click()
    page.get_by_role("button", name="bob-2").click()
    expect(page.get_by_role("status")).to_contain_text("Ask the library, extension 12")
    page.goto(law)
    page.get_by_role("link", name="Sign in at").click()
    page.get_by_role("button", name="ada-1").click()
    await_chat(page)
    expect(page.locator(".vv-masthead")).to_contain_text("Ada Lovelace")
    assert "hedge" in ask(page, "What is a hedge?").inner_text().lower()
    numbers = page.goto(f"{law}/metrics")
    assert numbers is not None
    assert numbers.status == 404
    context.close()


def test_a_reader_of_the_intranet_finds_it_there(machine: Machine, front: Site, browser: Browser) -> None:
    token = machine.run(next(one for one in blocks("sh", "run") if "embed sample" in one)).strip()
    front.put("/page", f"<script src='https://law.test:{machine.front}/embed.js' data-token='{token}'></script>")
    page = browser.new_page(ignore_https_errors=True)
    page.goto(f"https://intranet.test:{machine.front}/page")
    expect(page.frame_locator("iframe").get_by_role("button", name="Ask", exact=True)).to_be_visible()
    page.close()

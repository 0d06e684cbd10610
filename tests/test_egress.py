"""No way out: this machine and what the settings name, at the socket, and the program where there is no route."""

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from assistant.egress import configured_hosts
from eval.egress import permit_judge
from ingest import egress
from ingest.egress import Host, is_this_machine
from ingest.errors import EgressError, VisavisError
from ingest.manifest import load_manifest
from ingest.sources import hosts_of_texts
from tests.small_corpus import FRONT_DOOR, SmallCorpus, run_visavis

OUTSIDE = "203.0.113.7"
MODEL = {"VISAVIS_MODEL": "openai:gpt-5", "VISAVIS_MODEL_KEY": "none"}
PROBE = """
import socket, sys
sys.path.insert(0, {checkout!r})
import visavis
from ingest import egress
from ingest.errors import EgressError
egress.guard(visavis.configured_hosts)
try:
    {action}
except EgressError as error:
    print("blocked:", error)
except OSError as error:
    print("tried:", type(error).__name__)
"""


@pytest.fixture
def guarded(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The guard for the length of a test, with nothing configured."""
    monkeypatch.setattr(egress, "_guards", [])
    monkeypatch.setattr(socket, "getaddrinfo", socket.getaddrinfo)
    egress.guard(lambda: [Host("named.example", "a test", "VISAVIS_TEST")])
    yield
    monkeypatch.setattr(egress, "_guards", [])


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("localhost", True),
        ("LOCALHOST", True),
        (b"localhost", True),
        ("0.0.0.0", True),
        ("", True),
        (None, True),
        ("10.0.0.1", False),
        ("192.168.1.2", False),
        ("169.254.169.254", False),
        ("::ffff:10.0.0.1", False),
        ("fe80::1%eth0", False),
        ("localhost.evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("2130706433", False),
        ("0x7f000001", False),
    ],
)
def test_what_is_this_machine(host: object, here: bool) -> None:
    assert is_this_machine(host) is here


def test_a_connection_to_this_machine_goes_through(guarded: None) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        assert client.getpeername() == server.getsockname()


@pytest.mark.parametrize("host", [OUTSIDE, "2001:db8::1", "evil.example"])
def test_any_other_host_is_refused_in_one_line_that_says_what_to_set(guarded: None, host: str) -> None:
    with pytest.raises(EgressError) as refused:
        socket.create_connection((host, 443), timeout=1)
    assert host in str(refused.value) and "VISAVIS_ALLOW_HOSTS" in str(refused.value)
    assert "\n" not in str(refused.value)
    assert isinstance(refused.value, VisavisError) and isinstance(refused.value, OSError)


@pytest.mark.parametrize(
    "look_up",
    [
        lambda: socket.gethostbyname("evil.example"),
        lambda: socket.getaddrinfo("evil.example", 443),
        lambda: socket.getaddrinfo(b"evil.example", 443),
        lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"?", (OUTSIDE, 53)),
        lambda: socket.socket().connect_ex((OUTSIDE, 80)),
    ],
)
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_no_way_of_asking_gets_past(guarded: None, look_up: object) -> None:
    with pytest.raises(EgressError):
        look_up()  # type: ignore[operator]


def test_the_libraries_report_a_blocked_host_as_a_failed_connection(guarded: None) -> None:
    import httpx

    with pytest.raises(httpx.ConnectError, match=r"no connection to evil\.example"):
        httpx.get("http://evil.example/")


def test_a_named_host_is_looked_up_and_its_addresses_are_open(guarded: None, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (OUTSIDE, 443))]
    monkeypatch.setattr(egress, "_find_addresses", lambda *_, **__: found)
    assert socket.getaddrinfo("named.example", 443) == found
    sys.audit("socket.connect", None, (OUTSIDE, 443))
    with pytest.raises(EgressError):
        sys.audit("socket.connect", None, ("203.0.113.8", 443))


def test_hosts_are_lent_for_a_while_and_taken_back(guarded: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(egress, "_find_addresses", lambda *_, **__: [])
    lent = Host("law.example", "a test", "the test")

    def look_up() -> None:
        sys.audit("socket.getaddrinfo", "law.example", 443, 0, 0, 0)

    with egress.permitting([lent]):
        look_up()
    with pytest.raises(EgressError):
        look_up()


def test_what_is_lent_holds_in_every_thread(guarded: None) -> None:
    failures: list[BaseException] = []

    def connect() -> None:
        try:
            socket.create_connection((OUTSIDE, 80), timeout=1)
        except EgressError as error:
            failures.append(error)

    thread = threading.Thread(target=connect)
    thread.start()
    thread.join()
    assert len(failures) == 1


def test_offline_closes_what_the_settings_open(guarded: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_OFFLINE", "1")
    with pytest.raises(EgressError, match="VISAVIS_OFFLINE"), egress.permitting([Host("law.example", "", "")]):
        sys.audit("socket.getaddrinfo", "law.example", 443, 0, 0, 0)


@pytest.mark.parametrize(
    ("variables", "hosts"),
    [
        ({}, []),
        (MODEL, ["api.openai.com"]),
        (MODEL | {"VISAVIS_MODEL_BASE_URL": "https://models.example:8443/v1"}, ["models.example"]),
        (MODEL | {"VISAVIS_MODEL_BASE_URL": "http://127.0.0.1:8080/v1"}, []),
        (
            {"VISAVIS_MODEL": "azure_openai:gpt", "AZURE_OPENAI_ENDPOINT": "https://firm.openai.azure.example/"},
            ["firm.openai.azure.example"],
        ),
        ({"VISAVIS_ALLOW_HOSTS": "a.example, b.example"}, ["a.example", "b.example"]),
        ({"HTTPS_PROXY": "http://proxy.example:3128"}, ["proxy.example"]),
    ],
)
def test_the_settings_name_the_hosts(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], hosts: list[str]
) -> None:
    for variable in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(variable)
    for variable, value in variables.items():
        monkeypatch.setenv(variable, value)
    assert [one.name for one in configured_hosts()] == hosts


def test_the_official_hosts_are_the_manifests() -> None:
    names = {one.name for one in hosts_of_texts(load_manifest())}
    assert {"eur-lex.europa.eu", "rm.coe.int"} & names and all("." in name for name in names)


@pytest.mark.parametrize("format_", [[], ["--json"]])
def test_doctor_lists_them(format_: list[str]) -> None:
    ran = run_visavis("doctor", "--egress", *format_, **MODEL)
    assert ran.code == 0 and "api.openai.com" in ran.out and "rm.coe.int" in ran.out
    if format_:
        entries = {entry["name"]: entry for entry in json.loads(ran.out)}
        assert entries["api.openai.com"]["when"] == "always"
        assert entries["api.openai.com"]["named_by"] == "VISAVIS_MODEL"
        assert entries["rm.coe.int"]["when"] == "while texts are fetched"


def test_doctor_lists_the_judge_beside_the_model() -> None:
    judge = {"VISAVIS_JUDGE": "anthropic:claude", "VISAVIS_JUDGE_BASE_URL": "https://judges.example/v1"}
    ran = run_visavis("doctor", "--egress", "--json", **MODEL, **judge)
    entries = {entry["name"]: entry for entry in json.loads(ran.out)}
    assert entries["judges.example"]["named_by"] == "VISAVIS_JUDGE"
    assert "judges answers" in entries["judges.example"]["purpose"] and "api.openai.com" in entries


def test_a_judge_named_on_the_command_line_is_reached_while_the_command_runs(
    guarded: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(egress, "_find_addresses", lambda *_, **__: [])

    def look_up() -> None:
        sys.audit("socket.getaddrinfo", "api.anthropic.com", 443, 0, 0, 0)

    with click.Context(click.Command("run")).scope():
        permit_judge("anthropic:claude-sonnet-4-5")
        look_up()
    with pytest.raises(EgressError):
        look_up()


def test_doctor_says_that_offline_leaves_this_machine_alone() -> None:
    ran = run_visavis("doctor", "--egress", VISAVIS_OFFLINE="1", **MODEL)
    assert "api.openai.com" not in ran.out and "VISAVIS_OFFLINE" in ran.out


@pytest.mark.parametrize(
    ("action", "said"),
    [
        (f"socket.create_connection(({OUTSIDE!r}, 80), 0.2)", "blocked:"),
        ("socket.getaddrinfo('evil.example', 80)", "blocked:"),
        ("socket.create_connection(('127.0.0.1', 1), 0.2)", "tried: ConnectionRefusedError"),
    ],
)
def test_the_front_door_is_guarded(action: str, said: str) -> None:
    code = PROBE.format(checkout=str(FRONT_DOOR.parent), action=action)
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.startswith(said), ran


# Where there is no route at all

SERVE_AND_ASK = """
set -e
ip link set lo up
{visavis} ask --json "Who shall water the gardens?" --no-build > "$OUT/answer.json"
{visavis} serve --port 0 --no-build > "$OUT/serve.log" 2>&1 &
server=$!
trap 'kill $server' EXIT
for n in $(seq 150); do
  address=$(grep -o 'http://127.0.0.1:[0-9]*' "$OUT/serve.log" || true)
  test -n "$address" && break
  sleep 0.2
done
{python} -c "import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1] + '/healthz').status)" "$address"
"""


@pytest.fixture(scope="session")
def cut_off() -> list[str]:
    """The command that runs another in a network namespace without a route."""
    command = ["unshare", "--map-root-user", "--net"]
    if not shutil.which("unshare") or not shutil.which("ip"):
        pytest.skip("unshare or ip is not installed; Debian's packages util-linux and iproute2 have them.")
    tried = subprocess.run([*command, "ip", "link", "set", "lo", "up"], capture_output=True, check=False)
    if tried.returncode:
        pytest.skip("this machine permits no network namespace of one's own (unshare -rn).")
    return command


def test_it_serves_and_asks_where_there_is_no_route(
    cut_off: list[str], small_corpus: SmallCorpus, tmp_path: Path, embedding: None
) -> None:
    assert run_visavis("ingest", "--corpus", small_corpus.folder).code == 0
    script = SERVE_AND_ASK.format(visavis=f"{sys.executable} {FRONT_DOOR}", python=sys.executable)
    ran = subprocess.run(
        [*cut_off, "sh", "-c", script],
        env=os.environ | {"OUT": str(tmp_path), "VISAVIS_CORPUS": str(small_corpus.folder)},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr + (tmp_path / "serve.log").read_text(encoding="utf-8")
    assert ran.stdout.split()[-1] == "200"
    assert json.loads((tmp_path / "answer.json").read_text(encoding="utf-8"))["kind"] == "answer"

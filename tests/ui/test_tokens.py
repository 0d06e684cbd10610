"""Tokens: made, listed and revoked by command, kept as hashes for the owner alone, and counted."""

import json
import re
import stat
import subprocess
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path

import pytest

import visavis
from ingest.errors import UsageError
from tests.small_corpus import SmallCorpus, command, environment
from ui.access import Access, AccessError, Limits, Meter, Refused, Scope, TokenFile, default_path, find_token
from ui.cli import is_private, open_listener
from ui.people import Means, Person

TODAY = date(2026, 11, 23)


@pytest.fixture
def kept(tmp_path: Path) -> TokenFile:
    return TokenFile(tmp_path / "tokens.json")


def make(kept: TokenFile, *scopes: Scope, expires: date | None = None) -> str:
    return kept.create("intranet", scopes or (Scope.ASK,), expires)[1]


def bearer(secret: str) -> list[str]:
    return [f"Bearer {secret}"]


def test_only_a_hash_is_kept_and_only_the_owner_reads_it(kept: TokenFile) -> None:
    secret = make(kept)
    assert re.fullmatch(r"vv_[0-9a-f]{8}_[A-Za-z0-9_-]{43}", secret)
    assert secret[-20:] not in kept.path.read_text()
    assert stat.S_IMODE(kept.path.stat().st_mode) == 0o600
    assert stat.S_IMODE((kept.path.parent / ".tokens.json.lock").stat().st_mode) == 0o600


def test_what_others_may_read_is_not_trusted(kept: TokenFile) -> None:
    make(kept)
    kept.path.chmod(0o640)
    with pytest.raises(AccessError, match="chmod 600"):
        kept.tokens()


@pytest.mark.parametrize("content", ["", "{", '{"tokens": [{"id": "x"}]}', '{"tokens": [], "more": 1}'])
def test_a_broken_file_lets_nobody_in(kept: TokenFile, content: str) -> None:
    secret = make(kept)
    kept.path.write_text(content)
    with pytest.raises(AccessError, match="cannot be read"):
        Access(kept).admit(Scope.ASK, bearer(secret), "192.0.2.1")


def test_another_process_changes_are_seen_at_once(kept: TokenFile) -> None:
    assert kept.tokens() == ()
    secret = make(TokenFile(kept.path))
    (token,) = kept.tokens()
    assert find_token(kept.tokens(), bearer(secret)) == token
    TokenFile(kept.path).revoke(token.id)
    assert kept.tokens()[0].revoked == TODAY


def test_two_who_make_tokens_at_once_lose_none(kept: TokenFile) -> None:
    with ThreadPoolExecutor(4) as pool:
        secrets = list(pool.map(lambda _: make(TokenFile(kept.path)), range(20)))
    assert len({find_token(kept.tokens(), bearer(one)) for one in secrets} - {None}) == 20
    assert sorted(one.name for one in kept.path.parent.iterdir()) == [".tokens.json.lock", "tokens.json"]


@pytest.mark.parametrize("client", ["", "a\nb", "x" * 101])
def test_a_client_needs_a_name(kept: TokenFile, client: str) -> None:
    with pytest.raises(UsageError, match="cannot be a name"):
        kept.create(client, (Scope.ASK,), None)
    assert kept.tokens() == ()


def test_revoking_what_is_not_there_or_no_longer_good_is_a_line(kept: TokenFile) -> None:
    make(kept)
    kept.revoke(kept.tokens()[0].id)
    with pytest.raises(UsageError, match="already revoked on 2026-11-23"):
        kept.revoke(kept.tokens()[0].id)
    with pytest.raises(UsageError, match="no token 'abc'"):
        kept.revoke("abc")


def refused(access: Access, authorizations: list[str], scope: Scope = Scope.ASK) -> Refused:
    with pytest.raises(Refused) as caught:
        access.admit(scope, authorizations, "192.0.2.1")
    return caught.value


def test_without_a_token_anybody_is_let_in_until_one_is_made(kept: TokenFile) -> None:
    access = Access(kept)
    assert access.admit(Scope.ASK, [], "127.0.0.1").key == "127.0.0.1"
    secret = make(kept)
    assert refused(access, []).status == HTTPStatus.UNAUTHORIZED
    assert access.admit(Scope.ASK, bearer(secret), "127.0.0.1").key == kept.tokens()[0].id
    kept.path.unlink()
    assert refused(access, []).status == HTTPStatus.UNAUTHORIZED


def test_revoking_the_last_token_opens_nothing(kept: TokenFile) -> None:
    secret = make(kept)
    kept.revoke(kept.tokens()[0].id)
    access = Access(kept)
    assert refused(access, []).status == HTTPStatus.UNAUTHORIZED
    assert "was revoked on 2026-11-23" in str(refused(access, bearer(secret)))


def test_where_a_token_is_required_nobody_gets_in_without_one(kept: TokenFile) -> None:
    assert refused(Access(kept, require=True), []).headers == {"WWW-Authenticate": 'Bearer realm="visavis"'}


def test_the_last_good_day_is_good_and_the_next_is_not(kept: TokenFile, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = make(kept, expires=date(2026, 12, 31))
    access = Access(kept)
    monkeypatch.setenv("VISAVIS_TODAY", "2026-12-31")
    access.admit(Scope.ASK, bearer(secret), "192.0.2.1")
    monkeypatch.setenv("VISAVIS_TODAY", "2027-01-01")
    assert "expired on 2026-12-31" in str(refused(access, bearer(secret)))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda good: [good[:-1] + ("A" if good[-1] != "A" else "B")],
        lambda good: [good.replace("vv_", "vv_0", 1)],
        lambda good: [good + "A" * 100_000],
        lambda good: ["Bearer vv_"],
        lambda good: [good, good],
        lambda good: ["Bearer vv_00000000_" + "A" * 43],
        lambda good: ["Bearer vv_\u00e4\u00f6"],
        lambda good: ["Basic x", good],
    ],
)
def test_a_wrong_token_is_no_token(kept: TokenFile, spoil: "object") -> None:
    good = bearer(make(kept))[0]
    access = Access(kept)
    wrong = refused(access, spoil(good))  # type: ignore[operator]
    assert wrong.status == HTTPStatus.UNAUTHORIZED
    assert 'error="invalid_token"' in wrong.headers["WWW-Authenticate"]
    access.admit(Scope.ASK, [good], "192.0.2.1")


@pytest.mark.parametrize("sent", ["Basic YWRhOnB3", "Bearer eyJh.e30.c2ln", "Bearer ", "Basic vv_", "vv_", "\u00e4"])
def test_what_is_not_meant_for_us_is_no_token_and_no_guess(kept: TokenFile, sent: str) -> None:
    make(kept)
    access = Access(kept, limits=Limits(wrong_tokens=1))
    for _ in range(3):
        none = refused(access, [sent])
        assert (none.status, none.headers) == (HTTPStatus.UNAUTHORIZED, {"WWW-Authenticate": 'Bearer realm="visavis"'})
    person = Person("ada", "Ada", means=Means.PROXY)
    assert access.admit(Scope.ASK, [sent], "192.0.2.1", person=person).key == "proxy:ada"


def test_one_scope_is_not_another(kept: TokenFile) -> None:
    secret = make(kept, Scope.READ, Scope.ADMIN)
    access = Access(kept)
    access.admit(Scope.READ, bearer(secret), "192.0.2.1")
    for scope in (Scope.ASK, Scope.EXPORT):
        forbidden = refused(access, bearer(secret), scope)
        assert forbidden.status == HTTPStatus.FORBIDDEN
        assert f'scope="{scope}"' in forbidden.headers["WWW-Authenticate"]


def test_guessing_is_slowed_and_good_tokens_are_not(kept: TokenFile) -> None:
    secret = make(kept)
    access = Access(kept, limits=Limits(wrong_tokens=3))
    statuses = [refused(access, ["Bearer vv_nonsense"]).status for _ in range(4)]
    assert statuses == [401, 401, 401, 429]
    assert int(refused(access, ["Bearer vv_nonsense"]).headers["Retry-After"]) >= 1
    access.admit(Scope.ASK, bearer(secret), "192.0.2.1")


def test_each_token_has_its_own_count(kept: TokenFile) -> None:
    one, other = make(kept), make(kept)
    access = Access(kept, limits=Limits(calls=2))
    for _ in range(2):
        access.admit(Scope.ASK, bearer(one), "192.0.2.1")
    assert refused(access, bearer(one)).status == HTTPStatus.TOO_MANY_REQUESTS
    access.admit(Scope.ASK, bearer(other), "192.0.2.1")


def test_a_meter_gives_back_with_time_and_forgets_whom_it_must() -> None:
    now = 100.0
    meter = Meter(2, most_keys=2, clock=lambda: now)
    assert [meter.take("a") for _ in range(3)] == [0, 0, 31]
    now += 30
    assert [meter.take("a"), meter.take("a")] == [0, 31]
    meter.take("b")
    meter.take("c")
    assert meter.take("a") == 0


def test_the_commands_make_list_and_revoke(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    assert visavis.main(["tokens", "create", "intranet", "--scope", "read", "--expires", "2027-06-30"]) == 0
    made = capsys.readouterr()
    (secret,) = made.out.splitlines()
    assert "good until 2027-06-30" in made.err and secret not in made.err
    assert default_path().is_relative_to(home)
    assert visavis.main(["tokens", "list", "--json"]) == 0
    shown = capsys.readouterr().out
    (token,) = json.loads(shown)
    assert (token["client"], token["scopes"], token["expires"]) == ("intranet", ["read"], "2027-06-30")
    assert secret not in shown and "digest" not in shown
    assert visavis.main(["tokens", "revoke", token["id"]]) == 0
    assert visavis.main(["tokens", "list"]) == 0
    assert "was revoked on 2026-11-23" in capsys.readouterr().out


def test_a_token_is_good_for_a_year_unless_said_otherwise(capsys: pytest.CaptureFixture[str]) -> None:
    visavis.main(["tokens", "create", "intranet"])
    visavis.main(["tokens", "create", "archive", "--expires", "never"])
    capsys.readouterr()
    first, second = TokenFile().tokens()
    assert (first.scopes, first.expires) == ((Scope.ASK, Scope.READ), date(2027, 11, 23))
    assert second.expires is None


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["create", "x", "--expires", "2026-11-22"], "--expires 2026-11-22 is past"),
        (["create", "x", "--expires", "soon"], "--expires 'soon' is no date"),
        (["create", "x", "--scope", "all"], "'all' is not one of"),
        (["revoke", "1234"], "there is no token '1234'"),
    ],
)
def test_what_was_typed_wrongly_is_a_line_and_exit_code_2(
    capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert visavis.main(["tokens", *arguments]) == 2
    complaint = capsys.readouterr().err
    assert said in complaint
    assert complaint.count("\n") == 1


@pytest.mark.parametrize(("host", "private"), [("127.0.0.1", True), ("localhost", True), ("0.0.0.0", False)])
def test_who_can_connect_from_elsewhere_needs_a_token(host: str, private: bool) -> None:
    with open_listener(host, 0) as listener:
        assert is_private(listener) is private


@pytest.mark.parametrize(("option", "status"), [([], 200), (["--require-token"], 401)])
def test_a_server_can_require_tokens(
    small_corpus: SmallCorpus, embedding: None, option: list[str], status: int
) -> None:
    arguments = command("serve", "--port", "0", "--corpus", small_corpus.folder, *option)
    with subprocess.Popen(
        arguments, env=environment(PYTHONWARNINGS=""), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        found = re.search(r"127\.0\.0\.1:\d+", process.stdout.readline())
        try:
            assert found is not None
            connection = HTTPConnection(found[0], timeout=20)
            connection.request("GET", "/api/v1/instruments")
            assert connection.getresponse().status == status
            connection.close()
        finally:
            process.terminate()

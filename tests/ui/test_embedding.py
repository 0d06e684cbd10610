"""Who may frame the pages, under which path they stand, and which tokens let in."""

import asyncio
import json
import logging
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from joserfc import jwt
from joserfc.jwk import OctKey
from pydantic import SecretStr

from assistant.errors import SettingsError
from tests.small_corpus import run_visavis
from tests.ui.garden_server import garden_answer
from tests.ui.gardens import garden_corpus
from tests.ui.still import StillAssistant, StillDesk
from ui.access import Refused
from ui.api import create_app
from ui.embedding.frames import COOKIE, Embedding, open_embedding
from ui.embedding.tokens import SESSION_SECONDS, Guest, TokenEntrance, make_key, make_token, read_embed_key
from ui.origins import check_origin, check_prefix
from ui.people import Means, Role
from ui.settings import load_serve_settings

SITE = "https://intranet.example"
NOW = 1_795_000_000
GUEST = Guest("intranet", "4711", SITE, "A. Reader")
KEY = SecretStr(make_key())


@dataclass
class Hand:
    """A clock whose hand the test moves."""

    at: float = NOW

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def clock() -> Hand:
    return Hand()


@pytest.fixture
def entrance(clock: Hand, tmp_path: Path) -> TokenEntrance:
    return TokenEntrance(KEY, (SITE,), folder=tmp_path / "used", clock=clock)


def sign(key: SecretStr = KEY, **changes: object) -> str:
    """A token as a site makes it, with some claims changed and those that are None left out."""
    claims = {"aud": "visavis", "jti": "a" * 22, "iat": NOW, "exp": NOW + 300} | GUEST.claims() | changes
    given = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode({"alg": "HS256"}, given, OctKey.import_key(key.get_secret_value()))


def test_guests_of_two_sites_are_never_the_same_person() -> None:
    spelt = [("a:b", "c"), ("a", "b:c"), ("a%3Ab", "c"), ("a", "c")]
    people = [Guest(site, subject, "https://site.example").person().subject for site, subject in spelt]
    assert len(set(people)) == len(spelt) and all(one.startswith("embed:") for one in people)


def test_a_token_opens_a_session_once(entrance: TokenEntrance, clock: Hand) -> None:
    token = make_token(KEY, GUEST, clock=clock)
    session = entrance.redeem(token)
    assert entrance.guest(session) == GUEST
    person = GUEST.person()
    assert (person.id, person.name, person.role, person.means) == (
        "intranet:4711",
        "A. Reader",
        Role.READER,
        Means.EMBED,
    )
    with pytest.raises(Refused, match="was used before"):
        entrance.redeem(token)
    clock.at += 400
    with pytest.raises(Refused, match="past its time"):
        entrance.redeem(token)
    assert entrance.guest(session) == GUEST
    clock.at += 8 * 3600
    assert entrance.guest(session) is None


@pytest.mark.parametrize(
    ("token", "status", "line"),
    [
        ("", 401, "not signed"),
        ("no.token.here", 401, "not signed"),
        ("eyJhbGciOiJIUzI1NiIsImNyaXQiOjV9.e30.AAAA", 401, "not signed"),  # its head: {"alg":"HS256","crit":5}
        ("é" * 30, 401, "not signed"),
        ("a" * 2049, 413, "2048"),
        (sign(SecretStr(make_key())), 401, "not signed"),
        (sign(aud="visavis-session"), 401, "not signed"),
        (sign(aud=None), 401, "not signed"),
        (sign(exp=NOW - 60), 401, "past its time"),
        (sign(exp=None), 401, "not signed"),
        (sign(exp=NOW + 301), 401, "good for 301 seconds; 300"),
        (sign(exp=str(NOW + 200)), 401, "not signed"),
        (sign(iat=NOW + 120, exp=NOW + 300), 401, "not signed"),
        (sign(iat=None), 401, "not signed"),
        (sign(iat=NOW - 40), 401, "good for 340"),
        (sign(jti=None), 401, "lacks a claim"),
        (sign(jti="short"), 401, "lacks a claim"),
        (sign(sub=""), 401, "lacks a claim"),
        (sign(sub="a" * 101), 401, "lacks a claim"),
        (sign(sub="a\nb"), 401, "lacks a claim"),
        (sign(sub=4711), 401, "not signed"),
        (sign(iss=None), 401, "lacks a claim"),
        (sign(name=7), 401, "lacks a claim"),
        (sign(origin="https://stranger.example"), 401, "does not list"),
    ],
)
def test_a_token_that_is_not_good_is_refused(entrance: TokenEntrance, token: str, status: int, line: str) -> None:
    with pytest.raises(Refused, match=line) as refused:
        entrance.redeem(token)
    assert refused.value.status == status
    assert token == "" or token[:40] not in str(refused.value)


def test_another_server_with_the_same_folder_knows_which_tokens_were_used(
    entrance: TokenEntrance, clock: Hand, tmp_path: Path
) -> None:
    token = sign()
    entrance.redeem(token)
    with pytest.raises(Refused, match="was used before"):
        TokenEntrance(KEY, (SITE,), folder=tmp_path / "used", clock=clock).redeem(token)
    assert len(list((tmp_path / "used").iterdir())) == 1
    clock.at += 1000
    entrance.redeem(sign(jti="b" * 22, iat=NOW + 1000, exp=NOW + 1100))
    assert len(list((tmp_path / "used").iterdir())) == 1


@pytest.mark.parametrize("folder", ["file", "file/used"])
def test_a_folder_that_cannot_be_written_lets_nobody_in(clock: Hand, tmp_path: Path, folder: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Refused, match="cannot be remembered") as refused:
        TokenEntrance(KEY, (SITE,), folder=tmp_path / folder, clock=clock).redeem(sign())
    assert refused.value.status == 503


@pytest.mark.parametrize("header", [{"alg": "none"}, {"alg": "HS512"}])
def test_another_signature_than_hs256_is_refused(entrance: TokenEntrance, header: dict[str, str]) -> None:
    whole = sign().split(".")
    other = urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()
    for signature in (whole[2], ""):
        with pytest.raises(Refused, match="not signed"):
            entrance.redeem(f"{other}.{whole[1]}.{signature}")


def test_a_session_is_worth_nothing_with_another_key_or_origin(entrance: TokenEntrance, clock: Hand) -> None:
    session = entrance.redeem(sign())
    assert TokenEntrance(SecretStr(make_key()), (SITE,), clock=clock).guest(session) is None
    assert TokenEntrance(KEY, ("https://elsewhere.example",), clock=clock).guest(session) is None
    assert entrance.guest(sign(jti="b" * 22)) is None
    assert entrance.guest("x") is None


@pytest.mark.parametrize(("seconds", "is_known"), [(SESSION_SECONDS, True), (SESSION_SECONDS + 1, False)])
def test_a_session_that_is_good_for_longer_than_we_make_them_is_none(
    entrance: TokenEntrance, seconds: int, is_known: bool
) -> None:
    session = sign(aud="visavis-session", exp=NOW + seconds)
    assert (entrance.guest(session) is not None) is is_known


# The routes


async def create_in_a_loop(embedding: Embedding) -> FastAPI:
    """The application made where a loop runs: elsewhere Gradio opens loops of its own and never closes them."""
    corpus = garden_corpus()
    return create_app(StillDesk(StillAssistant(corpus, garden_answer(corpus))), embedding=embedding)


@contextmanager
def serving(embedding: Embedding) -> Iterator[TestClient]:
    with TestClient(asyncio.run(create_in_a_loop(embedding)), base_url="https://testserver") as client:
        yield client


@pytest.fixture(scope="module")
def house() -> Iterator[TestClient]:
    """The application under a path, with two origins that may embed and a key."""
    with serving(Embedding("/law-desk", (SITE, "http://localhost:3000"), TokenEntrance(KEY, (SITE,)))) as client:
        yield client


@pytest.fixture
def client(house: TestClient) -> TestClient:
    """A reader who has not come in."""
    house.cookies.clear()
    return house


@pytest.fixture(scope="module")
def plain() -> Iterator[TestClient]:
    """The application as it is without settings."""
    with serving(Embedding()) as client:
        yield client


def test_those_listed_may_frame_and_nobody_else(client: TestClient, plain: TestClient) -> None:
    for path in ("/", "/law", "/embed", "/passage/status?instrument=coe-ai-convention"):
        headers = client.get(f"/law-desk{path}").headers
        assert headers["Content-Security-Policy"].endswith(f"frame-ancestors 'self' {SITE} http://localhost:3000"), path
        assert "X-Frame-Options" not in headers
    headers = plain.get("/").headers
    assert headers["Content-Security-Policy"].endswith("frame-ancestors 'self'")
    assert headers["X-Frame-Options"] == "SAMEORIGIN"
    assert plain.get("/embed.js").headers.get("Cross-Origin-Resource-Policy") != "cross-origin"


def test_the_script_may_be_loaded_by_other_sites_and_has_its_words(client: TestClient) -> None:
    response = client.get("/law-desk/embed.js")
    assert response.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert response.headers["Content-Type"].startswith("text/javascript")
    assert "$WORDS" not in response.text
    for word in ("Ask Visavis", "Interroger Visavis", "Visavis fragen"):
        assert word in response.text


def test_a_token_is_exchanged_for_a_cookie_of_this_path_and_the_embedding_site(client: TestClient) -> None:
    token = make_token(KEY, GUEST)
    response = client.post("/law-desk/embed/session", content=token)
    assert response.status_code == 204
    name, _, rest = response.headers["Set-Cookie"].partition("=")
    assert name == COOKIE
    assert rest.partition("; ")[2] == ("Path=/law-desk/; Max-Age=28800; HttpOnly; Secure; SameSite=None; Partitioned")
    client.cookies.clear()
    again = client.post("/law-desk/embed/session", content=token)
    assert again.status_code == 401
    assert again.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(("body", "status"), [(b"", 401), (b"\xff\xfe", 401), (b"a" * 1_500_000, 413)])
def test_what_is_no_token_is_refused_with_one_line_in_the_log(
    client: TestClient, caplog: pytest.LogCaptureFixture, body: bytes, status: int
) -> None:
    caplog.set_level(logging.WARNING, "visavis.embed")
    response = client.post("/law-desk/embed/session", content=body)
    assert response.status_code == response.json()["status"] == status
    assert "Set-Cookie" not in response.headers
    (line,) = [one.getMessage() for one in caplog.records if one.name == "visavis.embed"]
    assert line.startswith(f"embed: {status} ")


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_page_elsewhere_cannot_bring_a_token_in(client: TestClient, site: str) -> None:
    response = client.post(
        "/law-desk/embed/session", content=make_token(KEY, GUEST), headers={"Sec-Fetch-Site": site, "Origin": SITE}
    )
    assert response.status_code == 403
    assert "Set-Cookie" not in response.headers


def test_ten_megabytes_are_refused(client: TestClient) -> None:
    assert client.post("/law-desk/embed/session", content=b"a" * 10_000_000).status_code == 413


def test_without_a_key_no_token_is_taken(plain: TestClient) -> None:
    assert plain.post("/embed/session", content=sign()).status_code == 404


def test_readers_behind_one_address_all_come_in(client: TestClient) -> None:
    def come_in() -> int:
        headers = {"Sec-Fetch-Site": "same-origin"}
        return client.post("/law-desk/embed/session", content=make_token(KEY, GUEST), headers=headers).status_code

    assert {come_in() for _ in range(40)} == {204}


def test_tries_are_counted(client: TestClient) -> None:
    statuses = [client.post("/law-desk/embed/session", content=b"x").status_code for _ in range(31)]
    assert set(statuses) == {401, 429}
    assert statuses[-1] == 429


def test_a_session_is_known_by_its_cookie_and_by_nothing_else() -> None:
    entrance = TokenEntrance(KEY, (SITE,))
    embedding = Embedding("", (SITE,), entrance)
    session = entrance.redeem(make_token(KEY, GUEST))

    def identify(*cookies: str) -> str:
        person = embedding.identify({"headers": [(b"cookie", one.encode()) for one in cookies]})
        return person.id if person else ""

    assert identify(f"a=b; {COOKIE}={session}; c=d") == identify("a=b", f"{COOKIE}={session}") == "intranet:4711"
    assert identify(f"{COOKIE}x={session}") == identify(f"{COOKIE}=") == identify() == identify(";;=;") == ""
    assert replace(embedding, entrance=None).identify({"headers": []}) is None


# The settings


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://intranet.example", "https://intranet.example"),
        (" HTTPS://Intranet.Example/ ", "https://intranet.example"),
        ("https://intranet.example:443", "https://intranet.example"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://10.0.0.7", "http://10.0.0.7"),
    ],
)
def test_origins_are_kept_as_browsers_write_them(text: str, origin: str) -> None:
    assert check_origin(text) == origin


@pytest.mark.parametrize(
    "text",
    [
        "*",
        "https://*.example",
        "intranet.example",
        "https://intranet.example/path",
        "https://intranet.example:70000",
        "https://user@intranet.example",
        "https://a; script-src *",
        "https://a\nX: y",
        "null",
        "",
    ],
)
def test_what_is_no_origin_is_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="is no origin"):
        check_origin(text)
    monkeypatch.setenv("VISAVIS_EMBED_ORIGINS", f"{SITE},{text}")
    if text.strip() and "\n" not in text:
        with pytest.raises(SettingsError, match="is no origin"):
            load_serve_settings()


@pytest.mark.parametrize(
    ("text", "prefix"), [("", ""), ("/", ""), ("/intranet/ai-law/", "/intranet/ai-law"), ("/a", "/a")]
)
def test_paths_are_kept_without_their_last_slash(text: str, prefix: str) -> None:
    assert check_prefix(text) == prefix


@pytest.mark.parametrize("text", ["intranet", "//evil.example", "/a/../b", "/a b", "/a?b", "https://x.example/a"])
def test_what_is_no_path_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no path"):
        check_prefix(text)


def test_the_settings_open_the_way_in(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = home / "embed.key"
    assert run_visavis("tokens", "embed", "key", key).code == 0
    assert key.stat().st_mode & 0o777 == 0o600
    assert run_visavis("tokens", "embed", "key", key).code == 2
    monkeypatch.setenv("VISAVIS_EMBED_KEY_FILE", str(key))
    with pytest.raises(SettingsError, match="VISAVIS_EMBED_ORIGINS is not"):
        open_embedding(load_serve_settings())
    monkeypatch.setenv("VISAVIS_EMBED_ORIGINS", f"{SITE}, http://localhost:3000")
    monkeypatch.setenv("VISAVIS_ROOT_PATH", "/intranet/")
    embedding = open_embedding(load_serve_settings())
    assert embedding.origins == (SITE, "http://localhost:3000")
    assert embedding.prefix == "/intranet"
    made = run_visavis("tokens", "embed", "sample", "--key", key, "--origin", SITE, "--subject", "7")
    assert embedding.entrance is not None
    guest = embedding.entrance.guest(embedding.entrance.redeem(made.out.strip()))
    assert guest == Guest("sample", "7", SITE)
    key.write_text("short")
    with pytest.raises(SettingsError, match="fewer than 32"):
        read_embed_key(key)
    key.chmod(0o644)
    with pytest.raises(SettingsError, match="0600"):
        open_embedding(load_serve_settings())

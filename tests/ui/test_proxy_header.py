"""Sign-in by a reverse proxy: its word counts, nobody else's, however it is spelt."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from ipaddress import ip_network

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx2 import Response

from tests.ui.houses import OPENED, SAME_ORIGIN, build_house, guarded
from ui.access import Access
from ui.people import Role
from ui.settings import SignIn
from ui.signin.admission import Admission
from ui.signin.origins import is_within, seat_of
from ui.signin.proxy import ProxyHeaders
from ui.signin.roles import Roles

Sent = Mapping[str, str | bytes] | Sequence[tuple[str, str]]
Enter = Callable[..., Response]

PROXY = "10.0.0.7"
NETWORKS = (ip_network("10.0.0.7/32"), ip_network("10.1.0.0/24"))
ROLES = Roles(administrators=frozenset({"it"}), editors=frozenset({"editors"}))
ADMISSION = Admission(
    SignIn.PROXY,
    hosts=frozenset({"law.example"}),
    trusted=NETWORKS,
    headers=ProxyHeaders(NETWORKS, name="X-Forwarded-Name"),
    roles=ROLES,
    way_out="/oauth2/sign_out",
)
ADA = {"X-Forwarded-User": "ada@law.example"}


@pytest.fixture(scope="module")
def house() -> FastAPI:
    return build_house(ADMISSION)


@pytest.fixture
def room(house: FastAPI) -> Enter:
    """Whoever comes from an address learns who they are taken for."""

    def enter(sent: Sent = (), address: str = PROXY, path: str = "/law", admission: Admission = ADMISSION) -> Response:
        door = TestClient(guarded(house, admission, Access(require=True)), client=(address, 5000))
        return door.get(path, headers=sent)

    return enter


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (ADA, "reader proxy ada@law.example ada@law.example"),
        ({"x-forwarded-user": "ada"}, "reader proxy ada ada"),
        (ADA | {"X-Forwarded-Name": "Ada Lovelace"}, "reader proxy ada@law.example Ada Lovelace"),
        (ADA | {"X-Forwarded-Groups": "law, it"}, "administrator proxy ada@law.example ada@law.example"),
        (ADA | {"X-Forwarded-Groups": "editors"}, "editor proxy ada@law.example ada@law.example"),
        (ADA | {"X-Forwarded-Groups": "IT,Editors"}, "reader proxy ada@law.example ada@law.example"),
        ({"X-Forwarded-User": "Zoë".encode()}, "reader proxy Zoë Zoë"),
    ],
)
def test_the_proxy_says_who_is_asking(room: Enter, sent: Sent, said: str) -> None:
    response = room(sent)
    assert response.status_code == 200 and response.text.partition("|")[0] == said


@pytest.mark.parametrize(
    "address", ["192.0.2.1", "127.0.0.1", "10.0.0.8", "10.2.0.1", "::1", "nowhere", "", "10.0.0.7.evil.example"]
)
@pytest.mark.parametrize(
    "forged",
    [
        ADA,
        {"X-Forwarded-User": "ada", "X-Forwarded-Groups": "it"},
        {"X-Forwarded-User": "ada", "X-Forwarded-For": PROXY},
        {"X-Forwarded-User": "ada", "X-Real-IP": PROXY, "Forwarded": f"for={PROXY}"},
    ],
)
def test_nobody_else_is_believed(room: Enter, address: str, forged: dict[str, str]) -> None:
    response = room(forged, address)
    assert response.status_code == 401
    assert response.headers["content-type"] == "application/problem+json"
    assert "ada" not in response.text


@pytest.mark.parametrize("address", ["10.1.0.9", "::ffff:10.0.0.7"])
def test_every_trusted_address_is_believed(room: Enter, address: str) -> None:
    assert room(ADA, address).status_code == 200


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"X-Forwarded-User": ""},
        {"X_Forwarded_User": "ada"},
        {"X-Forwarded_User": "ada"},
        [("X-Forwarded-User", "ada"), ("X-Forwarded-User", "bob")],
        [("X-Forwarded-User", "ada"), ("x-forwarded-user", "ada")],
        [("X-Forwarded-User", "ada"), ("X_Forwarded_User", "bob")],
        {"X-Forwarded-User": "ada\x07"},
        {"X-Forwarded-User": "a" * 300},
        [("X-Forwarded-User", "ada"), ("X-Forwarded-Groups", "law"), ("X-Forwarded_Groups", "it")],
    ],
)
def test_a_doubtful_header_lets_nobody_in(room: Enter, sent: Sent) -> None:
    assert room(sent).status_code == 401


def test_the_groups_may_be_what_lets_somebody_in(room: Enter) -> None:
    only = replace(ADMISSION, roles=Roles(readers=frozenset({"law"})))
    assert room(ADA | {"X-Forwarded-Groups": "tax"}, admission=only).status_code == 403
    assert room(ADA, admission=only).status_code == 403
    assert room(ADA | {"X-Forwarded-Groups": "tax,law"}, admission=only).status_code == 200


def test_groups_with_commas_in_them_have_another_separator(room: Enter) -> None:
    headers = replace(ADMISSION.headers, separator=";")
    one = replace(ADMISSION, headers=headers, roles=Roles(administrators=frozenset({"CN=IT,OU=law"})))
    response = room(ADA | {"X-Forwarded-Groups": "CN=tax;CN=IT,OU=law"}, admission=one)
    assert response.text.startswith("administrator")


@pytest.mark.parametrize("address", [PROXY, "192.0.2.1"])
def test_no_header_that_says_who_or_whence_gets_past_the_guard(room: Enter, address: str) -> None:
    sent = [
        ("X-Forwarded-User", "ada"),
        ("x_forwarded_name", "ada"),
        ("X-Forwarded-For", "192.0.2.9"),
        ("X-Forwarded_Host", "law.example"),
        ("Forwarded", "for=192.0.2.9"),
        ("X-Kept", "yes"),
    ]
    kept = room(sent, address, path="/healthz").text.rpartition("|")[2].split()
    assert "x-kept" in kept
    assert not [one for one in kept if "forwarded" in one.replace("_", "-")]


def test_an_open_route_is_open_and_a_token_needs_no_proxy(house: FastAPI) -> None:
    client = TestClient(house, client=("192.0.2.1", 5000))
    assert client.get("/healthz").status_code == 200
    assert client.get("/api/v1/instruments").status_code == 401
    wrong = client.get("/api/v1/instruments", headers={"Authorization": "Bearer vv_00000000_" + "S" * 43})
    assert wrong.status_code == 401 and "not known here" in wrong.json()["detail"]


def test_a_reader_behind_the_proxy_reads_asks_and_sees_the_way_out(house: FastAPI) -> None:
    client = TestClient(house, client=(PROXY, 5000), headers=ADA, follow_redirects=False)
    law = client.get("/law", headers=OPENED)
    assert law.status_code == 200 and law.headers["cache-control"] == "no-store"
    asked = client.post("/api/v1/ask", json={"question": "What is a rose?"}, headers=SAME_ORIGIN)
    assert asked.status_code == 200
    said = client.get("/person").json()
    assert (said["said"], said["leave"], said["post"]) == ("Signed in as ada@law.example", "/oauth2/sign_out", False)


def test_who_is_not_named_sees_a_page_that_says_so(house: FastAPI) -> None:
    client = TestClient(house, client=(PROXY, 5000))
    page = client.get("/law", headers=OPENED)
    assert page.url.path == "/sign-in" and "has not said who you are" in page.text


@pytest.mark.parametrize(
    ("peer", "headers", "client", "scheme", "host"),
    [
        ("192.0.2.1", [], "192.0.2.1", "http", "here"),
        (
            "192.0.2.1",
            [(b"x-forwarded-for", b"10.0.0.1"), (b"x-forwarded-proto", b"https"), (b"x-forwarded-host", b"evil")],
            "192.0.2.1",
            "http",
            "here",
        ),
        (
            PROXY,
            [(b"x-forwarded-for", b"192.0.2.5"), (b"x-forwarded-proto", b"https"), (b"x-forwarded-host", b"law")],
            "192.0.2.5",
            "https",
            "law",
        ),
        (PROXY, [(b"x-forwarded-for", b"1.1.1.1, 192.0.2.5, 10.1.0.3")], "192.0.2.5", "http", "here"),
        (PROXY, [(b"x-forwarded-for", b"1.1.1.1"), (b"x-forwarded-for", b"192.0.2.5")], "192.0.2.5", "http", "here"),
        (PROXY, [(b"x-forwarded-for", b"<script>")], PROXY, "http", "here"),
        (PROXY, [(b"x-forwarded-for", b"10.1.0.3")], "10.1.0.3", "http", "here"),
        (PROXY, [(b"x-forwarded-proto", b"javascript")], PROXY, "http", "here"),
        (PROXY, [(b"x_forwarded_proto", b"https")], PROXY, "http", "here"),
    ],
)
def test_where_a_request_is_at_home(
    peer: str, headers: list[tuple[bytes, bytes]], client: str, scheme: str, host: str
) -> None:
    scope = {"client": (peer, 5000), "scheme": "http", "headers": [(b"host", b"here"), *headers]}
    seat = seat_of(scope, NETWORKS)
    assert (seat.client, seat.scheme, seat.host, seat.peer) == (client, scheme, host, peer)


@pytest.mark.parametrize("address", ["", "10.0.0", "010.0.0.7", "2130706433", "10.0.0.7 ", "evil"])
def test_what_is_no_address_lies_in_no_network(address: str) -> None:
    assert not is_within(address, NETWORKS)


def test_the_highest_role_counts() -> None:
    assert ROLES.role_of(["editors", "it"]) is Role.ADMINISTRATOR
    assert ROLES.role_of([]) is Role.READER
    assert Roles(readers=frozenset({"a"})).role_of([""]) is None

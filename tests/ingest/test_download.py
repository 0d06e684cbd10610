"""Where a download may lead: to the official hosts, at public addresses, over TLS, and nowhere else."""

import socket
from pathlib import Path
from typing import Any

import pytest

from ingest.download import Patience, Web, refuse_inside
from ingest.errors import DownloadError
from ingest.manifest import Address

INSIDE = [
    "10.0.0.5",
    "172.16.0.1",
    "192.168.1.1",
    "127.0.0.1",
    "127.8.8.8",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "::1",
    "::ffff:10.0.0.5",
    "fe80::1%eth0",
    "fd00::1",
]


def resolving(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """Every name leads to these addresses."""

    def found(host: str, *_: object, **__: object) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, 0)) for one in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", found)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("address", INSIDE)
def test_a_name_that_leads_into_a_private_network_is_not_asked(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    resolving(monkeypatch, "93.184.216.34", address)
    with pytest.raises(DownloadError, match=r"law\.example leads to .*, an address of a private network"):
        refuse_inside("law.example")


def test_a_download_asks_before_it_connects(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    resolving(monkeypatch, "169.254.169.254")
    with (
        Web(["law.example"], Patience(attempts=1)) as web,
        pytest.raises(DownloadError, match="an address of a private network"),
    ):
        web.fetch(Address(url="https://law.example/act.pdf"), tmp_path / "act.pdf", None)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1::1"])
def test_a_public_address_is_asked(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    resolving(monkeypatch, address)
    refuse_inside("law.example")


def test_a_host_that_the_administrator_names_is_asked_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    resolving(monkeypatch, "10.0.0.5")
    monkeypatch.setenv("VISAVIS_ALLOW_HOSTS", "mirror.intranet, law.example")
    refuse_inside("LAW.example")
    with pytest.raises(DownloadError):
        refuse_inside("other.example")


def test_this_machine_by_its_own_name_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    resolving(monkeypatch, "127.0.0.1")
    refuse_inside("127.0.0.1")
    refuse_inside("localhost")


@pytest.mark.parametrize(
    "url", ["ftp://law.example/a", "file:///etc/passwd", "gopher://law.example", "//law.example/a", "x"]
)
def test_no_other_scheme_is_an_address(url: str) -> None:
    with pytest.raises(ValueError, match="is no web address"):
        Address(url=url)


@pytest.mark.parametrize(
    "url", ["http://law.example/act.pdf", "http://10.0.0.5/act.pdf", "http://169.254.169.254/meta"]
)
def test_an_address_without_tls_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="is not secure"):
        Address(url=url)

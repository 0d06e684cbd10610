"""Where a request comes from, and where it may lead: trusted proxies, names of hosts, the same origin, safe paths."""

import ipaddress
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote

from ui.origins import PORTS, origin_of

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
RawHeaders = Sequence[tuple[bytes, bytes]]

LOOPBACK: tuple[Network, ...] = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))
FORWARDED = frozenset(
    {
        b"forwarded",
        b"via",
        b"x-forwarded-for",
        b"x-forwarded-host",
        b"x-forwarded-port",
        b"x-forwarded-proto",
        b"x-forwarded-server",
        b"x-real-ip",
    }
)
HOST = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(?P<port>[0-9]{1,5}))?")
LONGEST_ONWARD = 2000


@dataclass(frozen=True, slots=True)
class Seat:
    """Where a request is at home: who sent it, by which scheme, to which host.

    `peer` is who connected to us, and `asked` the host that they named; `is_proxied` says that the peer is a trusted
    proxy, `is_forwarded` that some proxy was on the way, trusted or not.
    """

    client: str
    scheme: str
    host: str
    peer: str
    asked: str
    is_proxied: bool = False
    is_forwarded: bool = False

    @property
    def origin(self) -> str:
        """The origin that a page of ours has there."""
        return origin_of(f"{self.scheme}://{self.host}")


def canonical(name: bytes) -> bytes:
    """A header's name as those behind us might read it: in lower case, "_" as "-"."""
    return name.strip().lower().replace(b"_", b"-")


def without(headers: RawHeaders, names: frozenset[bytes]) -> list[tuple[bytes, bytes]]:
    """The headers but those with these names, in any spelling."""
    return [one for one in headers if canonical(one[0]) not in names]


def values_of(headers: RawHeaders, name: str) -> list[str]:
    """Every value of a header, by its exact name, in UTF-8 or else Latin-1."""
    wanted = name.lower().encode()
    return [_decode(value) for one, value in headers if one.lower() == wanted]


def cookies_of(headers: RawHeaders) -> dict[str, str]:
    """The cookies that a browser sends; the first of a name counts, which is the one bound closest."""
    pairs = (one.partition("=") for value in values_of(headers, "cookie") for one in value.split(";"))
    found: dict[str, str] = {}
    for name, _, value in pairs:
        found.setdefault(name.strip(), value.strip())
    return found


def is_within(address: str, networks: Iterable[Network]) -> bool:
    """Whether an address lies in one of the networks; an IPv4 address dressed as IPv6 is taken for what it is."""
    try:
        parsed: Address = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(parsed, "ipv4_mapped", None)
    return any((mapped or parsed) in one for one in networks)


def seat_of(scope: Mapping[str, Any], trusted: Sequence[Network]) -> Seat:
    """Where a request is at home, by what trusted proxies forwarded; what others say of it counts for nothing."""
    headers: RawHeaders = scope["headers"]
    peer = scope["client"][0] if scope.get("client") else ""
    hosts = values_of(headers, "host")
    scheme = {"ws": "http", "wss": "https"}.get(scope["scheme"], scope["scheme"])
    host = hosts[0] if len(hosts) == 1 else "," if hosts else ""
    plain = Seat(peer, scheme, host, peer, host)
    if not is_within(peer, trusted):
        return plain
    came = _last(headers, "x-forwarded-proto").lower()
    return replace(
        plain,
        client=_client(headers, peer, trusted),
        scheme=came if came in PORTS else plain.scheme,
        host=_last(headers, "x-forwarded-host") or plain.host,
        is_proxied=True,
    )


def _client(headers: RawHeaders, peer: str, trusted: Sequence[Network]) -> str:
    """The nearest address on the way here that is no trusted proxy's."""
    way = [one.strip() for value in values_of(headers, "x-forwarded-for") for one in value.split(",")]
    for hop in reversed(way):
        if not is_within(hop, trusted):
            return hop if _is_address(hop) else peer
        peer = hop
    return peer


def _last(headers: RawHeaders, name: str) -> str:
    """What the nearest proxy said."""
    said = [one.strip() for value in values_of(headers, name) for one in value.split(",")]
    return said[-1] if said else ""


def host_name(host: str) -> str:
    """The name in a `Host`, without its port, in lower case; "" where it is no host."""
    match = HOST.fullmatch(host)
    return match["name"].strip("[]").casefold().rstrip(".") if match else ""


def is_same_origin(headers: RawHeaders, origins: Iterable[str], *, lenient: bool) -> bool:
    """Whether a request was sent by a page of one of our origins, by what the browser says of it.

    A browser that says nothing is no browser of today: programs are let through where it is lenient.
    """
    sites = values_of(headers, "sec-fetch-site")
    sent = values_of(headers, "origin")
    ours = {origin_of(one) for one in origins}
    if sites:
        return sites in (["same-origin"], ["none"]) or (len(sent) == 1 and origin_of(sent[0]) in ours - {""})
    if sent:
        return len(sent) == 1 and origin_of(sent[0]) in ours - {""}
    return lenient


def safe_onward(path: str, otherwise: str = "/") -> str:
    """A path on this site to go on to, or `otherwise` where what was given leads anywhere else."""
    seen = path
    for _ in range(3):
        if not _is_here(seen):
            return otherwise
        seen = unquote(seen)
    return path if _is_here(seen) else otherwise


def _is_here(path: str) -> bool:
    if not path.startswith("/") or len(path) > LONGEST_ONWARD:
        return False
    if "\\" in path or not path.isprintable():
        return False
    steps = path.partition("#")[0].partition("?")[0].split("/")[1:]
    return not any(step in {"", ".", ".."} for step in steps[:-1]) and steps[-1] not in {".", ".."}


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _decode(value: bytes) -> str:
    try:
        return value.decode("utf-8").strip()
    except UnicodeDecodeError:
        return value.decode("latin-1").strip()

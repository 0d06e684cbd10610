"""Where this process may connect, checked at the socket.

This machine, the hosts that the settings name, and while texts are fetched the manifest's official hosts; with
VISAVIS_OFFLINE=1 this machine alone. The check sits in Python's audit hooks, so it holds for every library that
connects through Python's sockets. Native code with sockets of its own (onnxruntime, Chroma's core) is out of its sight;
a test runs the program where there is no route at all.
"""

import ipaddress
import os
import re
import socket
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies_environment

from ingest.errors import EgressError

OFFLINE_VARIABLE = "VISAVIS_OFFLINE"
HOSTS_VARIABLE = "VISAVIS_ALLOW_HOSTS"
CHROMA_VARIABLE = "VISAVIS_CHROMA_URL"
OFF = frozenset({"", "0", "false", "no"})

_LOCAL_NAMES = frozenset({"localhost", "ip6-localhost", "localhost.localdomain"})
_CONNECTING = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
_LOOKING_UP = frozenset({"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"})


@dataclass(frozen=True, slots=True, order=True)
class Host:
    """A host that may be reached, what for, and the setting or file that names it."""

    name: str
    purpose: str
    named_by: str


Configured = Callable[[], Iterable[Host]]


@dataclass(slots=True)
class _Guard:
    """What is permitted now; `configured` is asked once, when something beyond this machine is first wanted."""

    configured: Configured
    lent: list[Host] = field(default_factory=list)
    addresses: set[str] = field(default_factory=set)
    asked: tuple[Host, ...] | None = None
    asking: threading.local = field(default_factory=threading.local)

    def names(self) -> frozenset[str]:
        """The names of the hosts that may be reached."""
        if is_offline() or getattr(self.asking, "now", False):
            return frozenset()
        if self.asked is None:
            self.asking.now = True
            try:
                self.asked = tuple(self.configured())
            finally:
                self.asking.now = False
        return frozenset(host.name.casefold() for host in (*self.asked, *self.lent))


_guards: list[_Guard] = []
_hooked = threading.Event()
_find_addresses = socket.getaddrinfo


def guard(configured: Configured) -> None:
    """Let this process connect to this machine and to `configured` hosts alone; the last call counts."""
    _guards[:] = [_Guard(configured)]
    if not _hooked.is_set():
        _hooked.set()
        sys.addaudithook(_audit)
    socket.getaddrinfo = _remember


def configured_hosts() -> tuple[Host, ...]:
    """The hosts that this process may always reach, beyond this machine; none where nothing is guarded."""
    hosts = {host for one in _guards[-1:] for host in one.configured()}
    return tuple(sorted(host for host in hosts if not is_this_machine(host.name)))


@contextmanager
def permitting(hosts: Iterable[Host]) -> Iterator[None]:
    """Let the process reach further hosts for a while; without effect where nothing is guarded, or offline."""
    lent = tuple(hosts)
    guards = [(one, set(one.addresses)) for one in _guards]
    for one, _ in guards:
        one.lent += lent
    try:
        yield
    finally:
        for one, addresses in guards:
            one.addresses &= addresses
            for host in lent:
                one.lent.remove(host)


def is_offline() -> bool:
    """Whether VISAVIS_OFFLINE asks for no connection beyond this machine."""
    return os.environ.get(OFFLINE_VARIABLE, "").casefold() not in OFF


def hosts_of_environment() -> tuple[Host, ...]:
    """The hosts that VISAVIS_ALLOW_HOSTS adds, the Chroma server, and the proxies that Python's libraries use."""
    added = re.split(r"[\s,]+", os.environ.get(HOSTS_VARIABLE, "").strip())
    proxies = {urlsplit(url if "//" in url else f"//{url}").hostname for url in getproxies_environment().values()}
    store = urlsplit(os.environ.get(CHROMA_VARIABLE, "")).hostname
    return (
        *(Host(name, "named by the administrator", HOSTS_VARIABLE) for name in added if name),
        *(
            Host(name, "the index: vectors of passages and of questions go there", CHROMA_VARIABLE)
            for name in (store,)
            if name
        ),
        *(Host(name, "proxy", "HTTP_PROXY, HTTPS_PROXY or ALL_PROXY") for name in sorted(filter(None, proxies))),
    )


def is_this_machine(host: object) -> bool:
    """Whether a host is this machine: a loopback name or address, or none at all, as for listening everywhere."""
    if not isinstance(host, str | bytes):
        return host is None
    name = (host.decode("ascii", "replace") if isinstance(host, bytes) else host).partition("%")[0].casefold()
    if name in _LOCAL_NAMES or not name:
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None) or address
    return mapped.is_loopback or mapped.is_unspecified


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if not _guards:
        return
    if event in _CONNECTING:
        address = arguments[1]
        if isinstance(address, tuple) and not is_this_machine(address[0]):
            _allow_address(str(address[0]))
    elif event in _LOOKING_UP and not is_this_machine(arguments[0]) and not _is_address(arguments[0]):
        _allow_name(_text(arguments[0]))


def _allow_name(name: str) -> None:
    if name.casefold() not in _guards[-1].names():
        raise EgressError(_refusal(name))


def _allow_address(address: str) -> None:
    one = _guards[-1]
    if is_offline() or (address not in one.addresses and address.casefold() not in one.names()):
        raise EgressError(_refusal(address))


def _refusal(host: str) -> str:
    if is_offline():
        return (
            f"no connection to {host}: {OFFLINE_VARIABLE} is set, so only this machine is reached; unset it to connect."
        )
    return (
        f"no connection to {host}: no setting names this host; `visavis doctor --egress` lists those that may be "
        f"reached, `visavis ingest` alone fetches texts, and {HOSTS_VARIABLE} adds a host."
    )


def _remember(host: Any, port: Any, *rest: Any, **named: Any) -> Any:  # noqa: ANN401 - as socket.getaddrinfo
    """Look a host up as Python does, and keep the addresses of one that may be reached."""
    found = _find_addresses(host, port, *rest, **named)
    if _guards and not is_this_machine(host) and not _is_address(host):
        _guards[-1].addresses.update(str(one[4][0]) for one in found)
    return found


def _is_address(host: object) -> bool:
    try:
        ipaddress.ip_address(_text(host).partition("%")[0])
    except ValueError:
        return False
    return True


def _text(host: object) -> str:
    return host.decode("ascii", "replace") if isinstance(host, bytes) else str(host)

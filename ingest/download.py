"""The only door to httpx: what an official address gives, whole and within limits, or a DownloadError."""

import hashlib
import ipaddress
import shutil
import socket
import threading
import time
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final, Self
from urllib.parse import urlsplit
from urllib.request import getproxies_environment

from ingest.egress import HOSTS_VARIABLE, hosts_of_environment
from ingest.errors import DownloadError
from ingest.manifest import Address, SourceFormat, is_loopback

if TYPE_CHECKING:
    import httpx

MAX_BYTES: Final = 100 * 2**20
MAX_HOPS: Final = 5
USER_AGENT: Final = "visavis (reads official legal texts)"
TRANSIENT: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
CHALLENGES: Final = frozenset({"x-amzn-waf-action", "cf-mitigated"})

Progress = Callable[[str, int, int], None]
"""Called as (source id, bytes so far, bytes in all or 0 where the site does not say)."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for an answer to the first knock, a connection, the next bytes and the whole, in seconds."""

    knock: float = 5.0
    connect: float = 5.0
    read: float = 20.0
    whole: float = 600.0
    attempts: int = 4
    pause: float = 0.5
    longest_pause: float = 8.0


class Passing(DownloadError):
    """A failure that may pass: worth another try."""


def file_hash(path: Path) -> str:
    """The SHA-256 of a file, in hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


class Web:
    """A connection to the hosts that may be asked, and to no other; used in a `with` block."""

    def __init__(self, hosts: Iterable[str], patience: Patience, progress: Progress | None = None) -> None:
        import httpx

        self.hosts = frozenset(hosts)
        self.patience = patience
        self.progress = progress
        self._client = httpx.Client(
            timeout=httpx.Timeout(patience.read, connect=patience.connect),
            headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity"},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def answering(self, addresses: Iterable[Address]) -> frozenset[str]:
        """The hosts of these addresses that answer at all, knocked at together and waited for as long as one knock."""
        answered: set[str] = set()
        doors = {address.host: urlsplit(address.url)._replace(path="/", query="").geturl() for address in addresses}
        # A look-up of a name cannot be broken off, so each knock has a thread that may be left behind.
        knocks = [
            threading.Thread(target=self._knock, args=(host, door, answered), daemon=True)
            for host, door in doors.items()
        ]
        for knock in knocks:
            knock.start()
        end = time.monotonic() + self.patience.knock
        for knock in knocks:
            knock.join(max(0.0, end - time.monotonic()))
        return frozenset(answered)

    def _knock(self, host: str, door: str, answered: set[str]) -> None:
        import httpx

        try:
            httpx.head(door, timeout=self.patience.knock, headers={"User-Agent": USER_AGENT})
        except (httpx.HTTPError, OSError):
            return
        answered.add(host)

    def fetch(self, address: Address, part: Path, layout: SourceFormat | None, sha256: str = "") -> None:
        """Write what the address gives to `part`; raises DownloadError, one line.

        A download that was broken off is resumed where `sha256` can tell whether the pieces fit together.
        """
        part.parent.mkdir(parents=True, exist_ok=True)
        resumed = bool(sha256) and part.exists()
        if not resumed:
            part.unlink(missing_ok=True)
        self._try(address, part, layout, sha256)
        if resumed and file_hash(part) != sha256:
            part.unlink()
            self._try(address, part, layout, sha256)

    def _try(self, address: Address, part: Path, layout: SourceFormat | None, sha256: str) -> None:
        """Fetch, again after growing pauses where the failure may pass; the last failure is raised."""
        import tenacity

        patience = self.patience
        tenacity.Retrying(
            stop=tenacity.stop_after_attempt(patience.attempts),
            wait=tenacity.wait_exponential(multiplier=patience.pause, max=patience.longest_pause),
            retry=tenacity.retry_if_exception_type(Passing),
            reraise=True,
        )(self._attempt, address, part, layout, bool(sha256))

    def _attempt(self, address: Address, part: Path, layout: SourceFormat | None, resume: bool) -> None:
        import httpx

        try:
            self._append(address, part, layout, part.stat().st_size if resume and part.exists() else 0)
        except httpx.TimeoutException:
            raise Passing(f"{address.host} did not answer in time") from None
        except httpx.TransportError as error:
            raise Passing(f"the connection to {address.host} broke: {_one_line(error)}") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise DownloadError(f"{address.url} cannot be fetched: {_one_line(error)}") from None

    def _append(self, address: Address, part: Path, layout: SourceFormat | None, have: int) -> None:
        """Add what is missing to the `have` bytes of `part`, or write it anew where the site sends the whole."""
        end = time.monotonic() + self.patience.whole
        with self._answer(address, have) as response:
            _refuse(response, address)
            start = have if response.status_code in {206, 416} else 0
            if start and not response.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
                part.unlink()
                raise Passing(f"{address.host} did not send the part that is missing")
            total = start + int(response.headers.get("Content-Length", 0))
            done = start
            with part.open("ab" if start else "wb") as stream:
                for chunk in response.iter_bytes():
                    if not done:
                        _refuse_page(chunk, address, layout)
                    done += len(chunk)
                    if done > MAX_BYTES:
                        raise DownloadError(f"{address.url} gives more than {MAX_BYTES >> 20} MB")
                    if time.monotonic() > end:
                        raise DownloadError(f"{address.url} is not there after {self.patience.whole:.0f} s")
                    stream.write(chunk)
                    if self.progress:
                        self.progress(part.stem, done, total)
        if not done:
            raise Passing(f"{address.host} sent nothing")

    @contextmanager
    def _answer(self, address: Address, have: int) -> Iterator["httpx.Response"]:
        """The answer at the end of all redirects."""
        import httpx

        headers = {"Accept": address.accept, "Accept-Language": address.accept_language}
        headers = {name: value for name, value in headers.items() if value}
        if have:
            headers["Range"] = f"bytes={have}-"
        url = httpx.URL(address.url)
        for _ in range(MAX_HOPS):
            refuse_inside(url.host)
            response = self._client.send(self._client.build_request("GET", url, headers=headers), stream=True)
            try:
                if not response.has_redirect_location:
                    yield response
                    return
                url = self._next(url, response.headers["Location"])
            finally:
                response.close()
        raise DownloadError(f"{address.url} redirects more than {MAX_HOPS} times")

    def _next(self, url: "httpx.URL", location: str) -> "httpx.URL":
        """Where a redirect leads: to an official host alone, and over TLS even where the site says http."""
        target = url.join(location)
        if target.scheme == "http" and not is_loopback(target.host):
            target = target.copy_with(scheme="https", port=None)
        if target.scheme not in {"http", "https"} or target.host not in self.hosts:
            raise DownloadError(
                f"{url} redirects to {str(target)[:120]!r}, which is no official address of the manifest"
            )
        return target


def refuse_inside(host: str) -> None:
    """Raise DownloadError where a name leads into a private network, so that no manifest makes us knock there.

    This machine by its own name, and a host that VISAVIS_ALLOW_HOSTS names, may be asked. Behind a proxy it is the
    proxy that looks names up.
    """
    named = {one.name.casefold() for one in hosts_of_environment()}
    if is_loopback(host) or host.casefold() in named or getproxies_environment():
        return
    try:
        found = {str(one[4][0]).partition("%")[0] for one in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}
    except OSError:
        return  # the connection fails of itself, and says why
    inside = sorted(one for one in found if not ipaddress.ip_address(one).is_global)
    if inside:
        raise DownloadError(
            f"{host} leads to {inside[0]}, an address of a private network; official texts are fetched from public "
            f"addresses alone, unless {HOSTS_VARIABLE} names the host"
        )


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _refuse(response: "httpx.Response", address: Address) -> None:
    """Raise DownloadError unless the answer is the document, or the rest of it."""
    answered = f"it answered {response.status_code} {response.reason_phrase}".rstrip()
    if not CHALLENGES.isdisjoint(response.headers) or response.status_code in {401, 403}:
        page = " with a web page" if "html" in response.headers.get("Content-Type", "") else ""
        raise DownloadError(f"{address.host} refuses automatic download: {answered}{page}")
    if response.status_code in TRANSIENT:
        raise Passing(f"{address.host} is busy: {answered}")
    if response.status_code not in {200, 206, 416}:
        raise DownloadError(f"{address.url} gives no document: {answered}")


def _refuse_page(opening: bytes, address: Address, layout: SourceFormat | None) -> None:
    """Raise DownloadError where a web page comes in the place of another kind of document."""
    page = opening[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith((b"<!doctype html", b"<html"))
    if page and layout is not SourceFormat.EURLEX_HTML:
        raise DownloadError(f"{address.url}: the site answered with a web page in place of the document")
    if layout and layout.value.endswith("pdf") and b"%PDF-" not in opening[:1024]:
        raise DownloadError(f"{address.url}: the site answered with something that is no PDF")


def unpack(archive: Path, names: Sequence[str], folder: Path) -> None:
    """Take the members with these file names out of a zip archive, into a folder; raises DownloadError.

    An archive that names a place outside of itself, or would unpack to more than MAX_BYTES, is refused as a whole.
    """
    try:
        with zipfile.ZipFile(archive) as package:
            members = package.infolist()
            for member in members:
                if member.filename.startswith("/") or ".." in member.filename.replace("\\", "/").split("/"):
                    raise DownloadError(f"the archive names {member.filename!r}, a place outside of itself")
            if sum(member.file_size for member in members) > MAX_BYTES:
                raise DownloadError(f"the archive unpacks to more than {MAX_BYTES >> 20} MB")
            found = {PurePosixPath(member.filename).name: member for member in members}
            for name in names:
                if name not in found:
                    raise DownloadError(f"the archive does not hold {name!r}")
                with package.open(found[name]) as member_stream, (folder / name).open("wb") as stream:
                    shutil.copyfileobj(member_stream, stream)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise DownloadError(f"the site's answer is no archive that can be unpacked: {_one_line(error)}") from None

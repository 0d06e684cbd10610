"""Who may call the API: tokens of clients, each with its scopes, and how often they may be used.

A token is `vv_<id>_<secret>`. The file keeps the SHA-256 of the whole, which is all that 256 random bits need; the
token itself is shown once, when it is made.
"""

import fcntl
import hmac
import ipaddress
import os
import re
import secrets
import stat
import threading
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import platformdirs
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ingest.clock import today
from ingest.egress import is_this_machine
from ingest.errors import UsageError, VisavisError
from ui.people import NOBODY, Means, Person, Role
from ui.places import AT_ONCE, PATIENCE, WAITING, Places
from ui.refused import Refused as Refused

FILE = "tokens.json"
OTHERS_MODE = 0o077
LONGEST_TOKEN = 200
LONGEST_NAME = 100
NOBODYS_DIGEST = "0" * 64

_TOKEN = re.compile(r"vv_(?P<id>[0-9a-f]{8})_[A-Za-z0-9_-]{43}")
_BEARER = re.compile(r"bearer +vv_", re.IGNORECASE)


class AccessError(VisavisError):
    """The tokens cannot be read or written."""


class Scope(StrEnum):
    """What a token allows; none of them contains another."""

    ASK = "ask"
    READ = "read"
    EXPORT = "export"
    ADMIN = "admin"


class Token(BaseModel):
    """What is kept of a token: `expires` is its last good day."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Annotated[str, Field(pattern=r"^[0-9a-f]{8}$")]
    client: Annotated[str, Field(min_length=1, max_length=LONGEST_NAME, pattern=r"^[^\x00-\x1f\x7f]+$")]
    scopes: Annotated[tuple[Scope, ...], Field(min_length=1)]
    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    created: date
    expires: date | None = None
    revoked: date | None = None

    def trouble(self, day: date) -> str:
        """Why it is no longer good on a day, "" while it is."""
        if self.revoked is not None:
            return f"was revoked on {self.revoked}"
        if self.expires is not None and self.expires < day:
            return f"expired on {self.expires}"
        return ""


class _Kept(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    tokens: tuple[Token, ...] = ()


def default_path() -> Path:
    """The file of tokens in the user's data folder."""
    return platformdirs.user_data_path("visavis") / FILE


class TokenFile:
    """The tokens on the disk: read again whenever the file has changed, written whole and for the owner alone."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = default_path() if path is None else path
        self._seen: tuple[int, ...] = ()
        self._tokens: tuple[Token, ...] = ()

    def tokens(self) -> tuple[Token, ...]:
        """All tokens, those revoked and expired too; raises AccessError where others may read or change them."""
        try:
            found = self.path.stat()
        except FileNotFoundError:
            self._seen, self._tokens = (), ()
            return ()
        except OSError as error:
            raise self._unreadable(error.strerror or str(error)) from None
        if stat.S_IMODE(found.st_mode) & OTHERS_MODE:
            raise self._unreadable(f"others may read or change it; chmod 600 {self.path}")
        seen = (found.st_mtime_ns, found.st_size, found.st_ino, found.st_mode)
        if seen != self._seen:
            self._tokens = self._read()
            self._seen = seen
        return self._tokens

    def create(self, client: str, scopes: Sequence[Scope], expires: date | None) -> tuple[Token, str]:
        """Make a token; gives what is kept of it, and the token itself, which is kept nowhere."""
        if not (0 < len(client) <= LONGEST_NAME and client.isprintable()):
            raise UsageError(
                f"client {client[:LONGEST_NAME]!r} cannot be a name; 1 to {LONGEST_NAME} characters that print as they "
                "are, without control characters or marks that turn a line around, are allowed."
            )
        with self._changing() as tokens:
            taken = {one.id for one in tokens}
            identity = next(one for one in iter(lambda: secrets.token_hex(4), "") if one not in taken)
            secret = f"vv_{identity}_{secrets.token_urlsafe(32)}"
            token = Token(
                id=identity,
                client=client,
                scopes=tuple(dict.fromkeys(scopes)),
                digest=_digest(secret),
                created=today(),
                expires=expires,
            )
            self._write((*tokens, token))
        return token, secret

    def revoke(self, identity: str) -> Token:
        """Make a token worthless from now on; raises UsageError where there is none, or no good one, with this id."""
        with self._changing() as tokens:
            found = next((one for one in tokens if one.id == identity), None)
            if found is None:
                raise UsageError(f"there is no token {identity!r}; `visavis tokens list` shows their ids.")
            if found.revoked is not None:
                raise UsageError(f"token {identity} was already revoked on {found.revoked}.")
            revoked = found.model_copy(update={"revoked": today()})
            self._write(tuple(revoked if one is found else one for one in tokens))
        return revoked

    @contextmanager
    def _changing(self) -> Iterator[tuple[Token, ...]]:
        """The tokens while nobody else changes them."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            lock = os.open(self.path.with_name(f".{self.path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise self._unwritable(error) from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield self.tokens()
        finally:
            os.close(lock)

    def _write(self, tokens: tuple[Token, ...]) -> None:
        beside = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        try:
            beside.unlink(missing_ok=True)
            opened = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(opened, "w", encoding="utf-8") as out:
                out.write(_Kept(tokens=tokens).model_dump_json(indent=2) + "\n")
                out.flush()
                os.fsync(out.fileno())
            beside.replace(self.path)
        except OSError as error:
            raise self._unwritable(error) from None

    def _read(self) -> tuple[Token, ...]:
        try:
            return _Kept.model_validate_json(self.path.read_bytes()).tokens
        except OSError as error:
            raise self._unreadable(error.strerror or str(error)) from None
        except ValidationError:
            raise self._unreadable("it is not what `visavis tokens` writes; put a copy of it back") from None

    def _unreadable(self, reason: str) -> AccessError:
        return AccessError(f"the tokens in {self.path} cannot be read: {reason}.")

    def _unwritable(self, error: OSError) -> AccessError:
        return AccessError(f"the tokens in {self.path} cannot be written: {error.strerror}; make its folder writable.")


class Meter:
    """How often each key may come: `per_minute` times at once, and then as often as these are won back."""

    def __init__(
        self, per_minute: int, *, most_keys: int = 10_000, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._interval = 60 / per_minute
        self._most = most_keys
        self._clock = clock
        self._spent_until: OrderedDict[str, float] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, key: str) -> int:
        """Whole seconds to wait until the key may come again, 0 where it may now and has."""
        with self._lock:
            now = self._clock()
            spent = max(self._spent_until.get(key, now), now)
            wait = spent - now - (60 - self._interval)
            if wait > 1e-6:
                return int(wait) + 1
            self._spent_until[key] = spent + self._interval
            self._spent_until.move_to_end(key)
            while len(self._spent_until) > self._most:
                self._spent_until.popitem(last=False)
            return 0


@dataclass(frozen=True, slots=True)
class Limits:
    """What is asked of the server at most.

    Bytes of a body and seconds for it; calls and wrong tokens a minute; questions at once, how many may wait for a
    place, and for how many seconds.
    """

    body: int = 256 * 1024
    body_seconds: float = 20.0
    calls: int = 120
    wrong_tokens: int = 20
    at_once: int = AT_ONCE
    waiting: int = WAITING
    patience: float = PATIENCE


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is let in, and what they may do; `key` is counted by, and may be a person's id or an address."""

    key: str
    scopes: frozenset[Scope] = frozenset(Scope)
    means: Means = Means.NOBODY

    @property
    def told(self) -> str:
        """What the log may call them: a token by its id, a person by how they are known."""
        return self.key if self.means is Means.TOKEN else self.means

    def need(self, scope: Scope) -> None:
        """Raise Refused where the caller has not this scope."""
        if scope not in self.scopes:
            held = ", ".join(one for one in Scope if one in self.scopes)
            raise Refused(
                HTTPStatus.FORBIDDEN,
                f"this call needs the scope {scope}; the token has {held}.",
                WWW_Authenticate=f'Bearer realm="visavis", error="insufficient_scope", scope="{scope}"',
            )


READERS = frozenset({Scope.ASK, Scope.READ, Scope.EXPORT})
SCOPES = {Role.READER: READERS, Role.EDITOR: READERS, Role.ADMINISTRATOR: frozenset(Scope)}
"""What somebody may do who is signed in, as a token would allow it."""


class Access:
    """Lets callers in, or raises Refused.

    A token is needed as soon as one was ever made, revoked ones included, and where `require` says so: deleting the
    file while a server runs opens nothing. Who needs no token must call this machine by its address or by a name that
    no stranger can register, or by one of `hosts`: a page elsewhere whose name was turned to this address is refused.
    """

    def __init__(
        self,
        tokens: TokenFile | None = None,
        *,
        require: bool = False,
        limits: Limits | None = None,
        hosts: Sequence[str] = (),
    ) -> None:
        self.limits = limits or Limits()
        self._file = tokens or TokenFile()
        self._required = require
        self._hosts = frozenset(host.casefold() for host in hosts)
        self._calls = Meter(self.limits.calls)
        self._wrong = Meter(self.limits.wrong_tokens)
        self.places = Places(self.limits.at_once, self.limits.waiting, self.limits.patience)

    def require(self) -> None:
        """Need a token from now on of whoever is not signed in."""
        self._required = True

    def holder(self, authorizations: Sequence[str], address: str, scopes: Sequence[Scope]) -> Person | None:
        """Whose token this is, which allows one of the scopes; None where nobody needs any. Raises Refused."""
        caller = self._recognise(authorizations, address, "", NOBODY)
        token = next((one for one in self._file.tokens() if one.id == caller.key), None)
        if token is None or not self._required:
            return None
        if not caller.scopes.intersection(scopes):
            caller.need(scopes[0])
        role = Role.ADMINISTRATOR if Scope.ADMIN in caller.scopes else Role.READER
        return Person(token.id, token.client, role, Means.TOKEN)

    def admit(
        self, scope: Scope, authorizations: Sequence[str], address: str, host: str = "", person: Person = NOBODY
    ) -> Caller:
        """The caller with these `Authorization` headers, from this address, for a call that needs this scope.

        A `person` who is signed in needs no token.
        """
        caller = self._recognise(authorizations, address, host, person)
        caller.need(scope)
        return self._counted(caller)

    def enter(self, authorizations: Sequence[str], address: str, host: str = "", person: Person = NOBODY) -> Caller:
        """The caller, whatever they may do: each thing that they then do says what it needs."""
        return self._counted(self._recognise(authorizations, address, host, person))

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """One of the few places for questions under way; raises Refused where the line for them is full."""
        async with self.places.place():
            yield

    def _recognise(self, authorizations: Sequence[str], address: str, host: str, person: Person) -> Caller:
        if person.is_signed_in:
            return Caller(person.subject, SCOPES[person.role], person.means)
        tokens = self._file.tokens()
        self._required = self._required or bool(tokens)
        if not self._required:
            if is_foreign(host) and host.partition(":")[0].casefold() not in self._hosts:
                raise Refused(
                    HTTPStatus.MISDIRECTED_REQUEST,
                    "without a token this server answers to its own names alone, not to the one in the header Host; "
                    "`visavis tokens create` makes a token.",
                )
            return Caller(address)
        if not carries_token(authorizations):
            raise Refused(
                HTTPStatus.UNAUTHORIZED,
                "a token is needed: send the header Authorization: Bearer TOKEN; `visavis tokens create` makes one.",
                WWW_Authenticate='Bearer realm="visavis"',
            )
        token = find_token(tokens, authorizations)
        trouble = "is not known here" if token is None else token.trouble(today())
        if token is None or trouble:
            raise self._wrong_token(trouble, address)
        return Caller(token.id, frozenset(token.scopes), Means.TOKEN)

    def _wrong_token(self, trouble: str, address: str) -> Refused:
        wait = self._wrong.take(neighbourhood(address))
        if wait:
            return _too_often(f"too many wrong tokens from this address; {self.limits.wrong_tokens} a minute", wait)
        return Refused(
            HTTPStatus.UNAUTHORIZED,
            f"the token {trouble}; ask whoever runs this server for another.",
            WWW_Authenticate='Bearer realm="visavis", error="invalid_token"',
        )

    def _counted(self, caller: Caller) -> Caller:
        wait = self._calls.take(caller.key)
        if wait:
            raise _too_often(f"too many calls; {self.limits.calls} a minute", wait)
        return caller


def neighbourhood(address: str) -> str:
    """What one guesser has at hand: an IPv4 address, or the 2⁶⁴ IPv6 addresses of a network."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if parsed.version == 4 or parsed.ipv4_mapped:
        return str(getattr(parsed, "ipv4_mapped", None) or parsed)
    return str(ipaddress.ip_network((parsed, 64), strict=False))


def is_foreign(host: str) -> bool:
    """Whether a `Host` is a name that somebody elsewhere may have registered, and may turn to any address."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
        ipaddress.ip_address(name)
    except ValueError:
        return "." in host and not is_this_machine(host.partition(":")[0])
    return False


def carries_token(authorizations: Sequence[str]) -> bool:
    """Whether one of the `Authorization` headers is meant for us: others are a proxy's own, and say nothing here."""
    return any(_BEARER.match(one) for one in authorizations)


def find_token(tokens: Sequence[Token], authorizations: Sequence[str]) -> Token | None:
    """The token that one `Authorization: Bearer` header carries, compared in constant time, or None."""
    kind, _, sent = authorizations[0].partition(" ")
    if len(authorizations) > 1 or kind.lower() != "bearer" or len(sent) > LONGEST_TOKEN:
        return None
    match = _TOKEN.fullmatch(sent.strip(" "))
    if match is None:
        return None
    token = next((one for one in tokens if one.id == match["id"]), None)
    same = hmac.compare_digest(_digest(match[0]), NOBODYS_DIGEST if token is None else token.digest)
    return token if same else None


def _too_often(what: str, wait: int) -> Refused:
    return Refused(
        HTTPStatus.TOO_MANY_REQUESTS, f"{what} are allowed: come again in {wait} seconds.", Retry_After=str(wait)
    )


def _digest(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()

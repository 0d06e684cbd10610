"""Who may call the API: tokens of clients, each with its scopes, and how often they may be used.

A token is `vv_<id>_<secret>`. The file keeps the SHA-256 of the whole, which is all that 256 random bits need; the
token itself is shown once, when it is made.
"""

import fcntl
import hmac
import os
import re
import secrets
import stat
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path
from typing import Annotated

import platformdirs
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ingest.clock import today
from ingest.errors import UsageError, VisavisError

FILE = "tokens.json"
OTHERS_MODE = 0o077
LONGEST_TOKEN = 200
NOBODYS_DIGEST = "0" * 64

_TOKEN = re.compile(r"vv_(?P<id>[0-9a-f]{8})_[A-Za-z0-9_-]{43}")


class AccessError(VisavisError):
    """The tokens cannot be read or written."""


class Scope(StrEnum):
    """What a token allows; none of them contains another."""

    ASK = "ask"
    READ = "read"
    EXPORT = "export"
    ADMIN = "admin"


class Refused(Exception):
    """A call that is not let in: the status, one line for the caller, and the headers that go with it."""

    def __init__(self, status: HTTPStatus, detail: str, **headers: str) -> None:
        super().__init__(detail)
        self.status = status
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


class Token(BaseModel):
    """What is kept of a token: `expires` is its last good day."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Annotated[str, Field(pattern=r"^[0-9a-f]{8}$")]
    client: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")]
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
        with self._changing() as tokens:
            taken = {one.id for one in tokens}
            identity = next(one for one in iter(lambda: secrets.token_hex(4), "") if one not in taken)
            secret = f"vv_{identity}_{secrets.token_urlsafe(32)}"
            try:
                token = Token(
                    id=identity,
                    client=client,
                    scopes=tuple(dict.fromkeys(scopes)),
                    digest=_digest(secret),
                    created=today(),
                    expires=expires,
                )
            except ValidationError:
                raise UsageError(
                    f"client {client!r} cannot be a name; 1 to 100 characters without control characters are allowed."
                ) from None
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

    Bytes of a body and seconds for it; calls and wrong tokens a minute; questions at once, and seconds to wait for one.
    """

    body: int = 256 * 1024
    body_seconds: float = 20.0
    calls: int = 120
    wrong_tokens: int = 20
    at_once: int = 4
    patience: float = 20.0


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is let in: the token's id, or the address of somebody who needs none."""

    key: str


class Access:
    """Lets callers in, or raises Refused.

    A token is needed as soon as one was ever made, revoked ones included, and where `require` says so: deleting the
    file while a server runs opens nothing.
    """

    def __init__(self, tokens: TokenFile | None = None, *, require: bool = False, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self._file = tokens or TokenFile()
        self._required = require
        self._calls = Meter(self.limits.calls)
        self._wrong = Meter(self.limits.wrong_tokens)

    def admit(self, scope: Scope, authorizations: Sequence[str], address: str) -> Caller:
        """The caller with these `Authorization` headers, from this address, for a call that needs this scope."""
        tokens = self._file.tokens()
        self._required = self._required or bool(tokens)
        if not self._required:
            return self._counted(Caller(address))
        if not authorizations:
            raise Refused(
                HTTPStatus.UNAUTHORIZED,
                "a token is needed: send the header Authorization: Bearer TOKEN; `visavis tokens create` makes one.",
                WWW_Authenticate='Bearer realm="visavis"',
            )
        token = find_token(tokens, authorizations)
        trouble = "is not known here" if token is None else token.trouble(today())
        if token is None or trouble:
            self._refuse_token(trouble, address)
        assert token is not None
        if scope not in token.scopes:
            raise Refused(
                HTTPStatus.FORBIDDEN,
                f"this call needs the scope {scope}; the token has {', '.join(token.scopes)}.",
                WWW_Authenticate=f'Bearer realm="visavis", error="insufficient_scope", scope="{scope}"',
            )
        return self._counted(Caller(token.id))

    def _refuse_token(self, trouble: str, address: str) -> None:
        wait = self._wrong.take(address)
        if wait:
            raise _too_often(f"too many wrong tokens from this address; {self.limits.wrong_tokens} a minute", wait)
        raise Refused(
            HTTPStatus.UNAUTHORIZED,
            f"the token {trouble}; ask whoever runs this server for another.",
            WWW_Authenticate='Bearer realm="visavis", error="invalid_token"',
        )

    def _counted(self, caller: Caller) -> Caller:
        wait = self._calls.take(caller.key)
        if wait:
            raise _too_often(f"too many calls; {self.limits.calls} a minute", wait)
        return caller


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

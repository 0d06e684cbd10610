"""Sessions: what a signed-in browser carries in a cookie that only servers with the same key can read or make.

No session is kept on a server, so that several of them can stand behind one proxy: they share the file with the key.
The cookie is a Fernet token (AES-CBC and HMAC-SHA-256) around a few values; idle and absolute ends are in it. Signing
out takes the cookie away and ends the session: its id stands in a folder, as a hash, until the session's whole length
would be over, so that none of the servers that share the data folder believes a copy of the cookie.
"""

import json
import logging
import os
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet, InvalidToken

from assistant.errors import SettingsError
from assistant.settings import read_secret
from ingest.errors import VisavisError
from ui.people import Means, Person, Role
from ui.spent import SpentIds

SETTING = "session_key_file"
COOKIE = "visavis"
GOING = "visavis-going"
GOING_SECONDS = 600
RENEWED_AFTER = 60
LONGEST_COOKIE = 3800
MOST_ENDED = 50_000
MODE = 0o600
FOLDER = "sessions-ended"

log = logging.getLogger("visavis.sign_in")


class Kind(StrEnum):
    """What a cookie is for; one is never taken for the other."""

    SESSION = "session"
    GOING = "going"


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody signed in: since when, and when last seen, in seconds since 1970; `id` names this session alone."""

    id: str
    person: Person
    since: float
    seen: float


@dataclass(frozen=True, slots=True)
class Going:
    """Somebody on the way to the provider: what must come back with them, and where they want to go on to."""

    state: str
    nonce: str
    verifier: str
    onward: str


@dataclass(frozen=True, slots=True)
class Lifetime:
    """Seconds after which a session ends: unused, and at the latest."""

    idle: float = 3600.0
    whole: float = 36_000.0


class Sessions:
    """Makes and reads the cookies of one key; `folder` is where servers tell each other of sessions that ended."""

    def __init__(
        self,
        key: str,
        lifetime: Lifetime | None = None,
        *,
        secure: bool,
        clock: Callable[[], float] = time.time,
        folder: Path | None = None,
    ) -> None:
        self.lifetime = lifetime or Lifetime()
        self.secure = secure
        self._clock = clock
        self._fernet = Fernet(key)
        self._over: Mapping[Kind, OrderedDict[str, float]] = {kind: OrderedDict() for kind in Kind}
        self._lock = threading.Lock()
        self._told = SpentIds(folder, self.lifetime.whole) if folder else None

    def begin(self, person: Person) -> Session:
        """A new session of somebody who has just signed in."""
        now = self._clock()
        return Session(secrets.token_urlsafe(16), person, now, now)

    def read(self, cookies: Mapping[str, str]) -> Session | None:
        """The session that a request's cookies carry; None for none, another key's, a changed, ended or old one."""
        values = self._open(Kind.SESSION, cookies.get(self.name(COOKIE), ""))
        if values is None:
            return None
        person = Person(values["person"], values["name"], Role(values["role"]), Means.OIDC)
        session = Session(values["id"], person, values["since"], values["seen"])
        now = self._clock()
        is_over = now - session.seen > self.lifetime.idle or now - session.since > self.lifetime.whole
        return None if is_over or self.is_spent(session.id) else session

    def is_due(self, session: Session) -> bool:
        """Whether the cookie is to be renewed, so that it says when its session was last used."""
        return self._clock() - session.seen > min(RENEWED_AFTER, self.lifetime.idle / 2)

    def set(self, session: Session) -> str:
        """The `Set-Cookie` of a session that is used now; the browser forgets it when it is closed."""
        person = session.person
        values = {
            "id": session.id,
            "person": person.id,
            "name": person.name,
            "role": person.role,
            "since": session.since,
            "seen": self._clock(),
        }
        return self._cookie(COOKIE, self._seal(Kind.SESSION, values))

    def set_going(self, going: Going) -> str:
        """The `Set-Cookie` of somebody who goes to the provider."""
        values = {
            "state": going.state,
            "nonce": going.nonce,
            "verifier": going.verifier,
            "onward": going.onward,
            "until": self._clock() + GOING_SECONDS,
        }
        return self._cookie(GOING, self._seal(Kind.GOING, values), GOING_SECONDS)

    def take_going(self, cookies: Mapping[str, str], state: str) -> Going | None:
        """What was remembered for a state that came back; None where it is another, old, or was taken before."""
        values = self._open(Kind.GOING, cookies.get(self.name(GOING), ""))
        if values is None or not secrets.compare_digest(values["state"].encode(), state.encode()):
            return None
        if values["until"] < self._clock() or not self.spend(state, Kind.GOING):
            return None
        return Going(state, values["nonce"], values["verifier"], values["onward"])

    def forget(self, *names: str) -> list[str]:
        """The `Set-Cookie`s that take cookies away."""
        return [self._cookie(name, "", 0) for name in names]

    def spend(self, name: str, kind: Kind = Kind.SESSION) -> bool:
        """Make the id of a session worthless, or that of a state on this server; False where it already was here.

        Each kind has room of its own: anybody may spend states, and none of them shall push out a session that ended.
        """
        over = self._over[kind]
        with self._lock:
            now = self._clock()
            while over and (len(over) >= MOST_ENDED or next(iter(over.values())) < now):
                over.popitem(last=False)
            is_new = name not in over
            over.setdefault(name, now + self.lifetime.whole)
        if kind is Kind.SESSION and self._told is not None:
            self._tell(self._told, name, now)
        return is_new

    def _tell(self, told: SpentIds, name: str, now: float) -> None:
        """Tell the other servers that a session ended."""
        try:
            told.add(name, now)
        except OSError as error:
            log.error("sign-out: other servers are not told, for %s cannot be written: %s", told.folder, error.strerror)

    def is_spent(self, name: str) -> bool:
        """Whether a session was ended, here or on another server; raises VisavisError where that cannot be known."""
        if name in self._over[Kind.SESSION]:
            return True
        if self._told is None:
            return False
        try:
            return self._told.holds(name)
        except OSError as error:
            raise VisavisError(f"{self._told.folder} cannot be read: {error.strerror}; make it readable.") from None

    def name(self, name: str) -> str:
        """What a cookie is called: bound to this host and to https, but where there is no https to bind it to."""
        return f"__Host-{name}" if self.secure else name

    def _cookie(self, name: str, value: str, seconds: int | None = None) -> str:
        parts = [f"{self.name(name)}={value}", "Path=/", "HttpOnly", "SameSite=Lax"]
        return "; ".join(parts + ["Secure"] * self.secure + ([] if seconds is None else [f"Max-Age={seconds}"]))

    def _seal(self, kind: Kind, values: Mapping[str, object]) -> str:
        return self._fernet.encrypt(json.dumps({"for": kind, **values}).encode()).decode()

    def _open(self, kind: Kind, sealed: str) -> dict[str, Any] | None:
        if not sealed or len(sealed) > LONGEST_COOKIE:
            return None
        try:
            values: dict[str, Any] = json.loads(self._fernet.decrypt(sealed.encode()))
        except (InvalidToken, ValueError):
            return None
        return values if values["for"] == kind else None


def load_key(path: Path) -> str:
    """The key in a file, made first where there is none, readable by its owner alone; raises SettingsError."""
    path = path.expanduser()
    if not path.exists():
        _make_key(path)
    key = read_secret(path, SETTING).get_secret_value()
    try:
        Fernet(key)
    except ValueError:
        raise SettingsError(
            f"{SETTING} {path} holds no key of a session; take the file away, and another is made."
        ) from None
    return key


def _make_key(path: Path) -> None:
    """Write a key whole before it stands under its name, so that servers that start together share the first one."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, MODE), "wb") as out:
            out.write(Fernet.generate_key() + b"\n")
        try:
            path.hardlink_to(beside)
        except FileExistsError:
            return
        finally:
            beside.unlink()
    except OSError as error:
        raise SettingsError(f"{SETTING} {path} cannot be made: {error.strerror}; make its folder writable.") from None

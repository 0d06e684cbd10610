"""Who comes from another site: its server signs a short token, which is good once, for a session without a password.

The token is a JWT (RFC 7519), HS256 with the key that the site and this server share. Its claims:

    iss     a name of the site, part of the person's id
    aud     "visavis"
    sub     the person, opaque: no name and no address
    origin  the site's origin, one of those that may embed
    iat, exp  seconds since 1970, at most five minutes apart
    jti     a random word of 16 to 100 characters, used once
    name    what the person is called on the page; may be left out

The session is signed with the same key and kept by the browser alone, for the one site it was made under. Which tokens
were used stands in a folder that servers share, and so holds across replicas and restarts.
"""

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

import platformdirs
from pydantic import SecretStr

from assistant.errors import SettingsError
from assistant.settings import read_secret
from ui.access import Refused
from ui.people import Means, Person, Role
from ui.spent import SpentIds

TOKEN_AUDIENCE = "visavis"
SESSION_AUDIENCE = "visavis-session"
ALGORITHM = "HS256"
LONGEST_TOKEN = 2048
LONGEST_NAME = 100
LONGEST_LIFE = 300
LEEWAY = 30
FOLDER = "embed-tokens-used"
SESSION_SECONDS = 8 * 3600
SHORTEST_KEY = 32
SHORTEST_ID, LONGEST_ID = 16, 100

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Guest:
    """Somebody whom another site vouches for: `site` and `subject` as it calls them, `origin` where its page is."""

    site: str
    subject: str
    origin: str
    name: str = ""

    def person(self) -> Person:
        """The guest as whoever asks: a reader."""
        site = self.site.replace("%", "%25").replace(":", "%3A")  # so that no other site and subject read the same
        return Person(f"{site}:{self.subject}", self.name, Role.READER, Means.EMBED)

    def claims(self) -> dict[str, str]:
        """The guest as claims of a token."""
        return {"iss": self.site, "sub": self.subject, "origin": self.origin, "name": self.name}


def make_key() -> str:
    """A new key: 256 random bits."""
    return secrets.token_urlsafe(32)


def read_embed_key(path: Path) -> SecretStr:
    """The key of a file; raises SettingsError where others may read it, or it is too short to be one."""
    key = read_secret(path, "embed_key_file")
    if len(key.get_secret_value()) < SHORTEST_KEY:
        raise SettingsError(
            f"embed_key_file {path} holds fewer than {SHORTEST_KEY} characters; "
            f"`visavis tokens embed key {path}` makes a good one."
        )
    return key


def make_token(key: SecretStr, guest: Guest, *, seconds: int = LONGEST_LIFE, clock: Clock = time.time) -> str:
    """A token as a site makes it."""
    return _sign(key, guest.claims() | {"aud": TOKEN_AUDIENCE, "jti": secrets.token_urlsafe(16)}, seconds, clock)


class TokenEntrance:
    """Exchanges tokens for sessions, each token once, and knows sessions again."""

    def __init__(
        self, key: SecretStr, origins: tuple[str, ...], *, folder: Path | None = None, clock: Clock = time.time
    ) -> None:
        self._key = key
        self._origins = origins
        self._clock = clock
        folder = folder or platformdirs.user_data_path("visavis") / FOLDER
        self._used = SpentIds(folder, LONGEST_LIFE + 3 * LEEWAY)

    def redeem(self, token: str) -> str:
        """The session for a token; raises Refused, with a line that repeats nothing of it."""
        if len(token) > LONGEST_TOKEN:
            raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"more than {LONGEST_TOKEN} characters are no token.")
        claims = self._read(token, TOKEN_AUDIENCE)
        if claims is None:
            raise _refuse("is not signed with the key of this server, or is past its time")
        guest = _guest_of(claims)
        identity, issued, expires = claims.get("jti"), claims["iat"], claims["exp"]
        if guest is None or not isinstance(identity, str) or not SHORTEST_ID <= len(identity) <= LONGEST_ID:
            raise _refuse(
                f"lacks a claim, or holds one that is too long; iss, sub, origin and a jti of {SHORTEST_ID} "
                f"to {LONGEST_ID} characters are needed"
            )
        if expires - issued > LONGEST_LIFE:
            raise _refuse(f"is good for {expires - issued} seconds; {LONGEST_LIFE} are allowed")
        if guest.origin not in self._origins:
            raise _refuse("is of an origin that VISAVIS_EMBED_ORIGINS does not list")
        if not self._use(identity):
            raise _refuse("was used before; each is good once")
        return _sign(self._key, guest.claims() | {"aud": SESSION_AUDIENCE}, SESSION_SECONDS, self._clock)

    def guest(self, session: str) -> Guest | None:
        """Whose session this is; None where it is none, or is over."""
        claims = self._read(session, SESSION_AUDIENCE) if session else None
        if claims is None or claims["exp"] - claims["iat"] > SESSION_SECONDS:
            return None
        guest = _guest_of(claims)
        return guest if guest and guest.origin in self._origins else None

    def _use(self, identity: str) -> bool:
        """Whether a token is used for the first time; it is remembered for longer than it would be good."""
        try:
            return self._used.add(identity, self._clock())
        except OSError as error:
            raise Refused(
                HTTPStatus.SERVICE_UNAVAILABLE, f"tokens used cannot be remembered: {error.strerror}; see {FOLDER}."
            ) from None

    def _read(self, signed: str, audience: str) -> Mapping[str, Any] | None:
        """The claims of what was signed here or at a site, and is good now."""
        from joserfc import jwt
        from joserfc.errors import JoseError

        rules = jwt.JWTClaimsRegistry(
            now=lambda: int(self._clock()),
            leeway=LEEWAY,
            aud={"essential": True, "value": audience},
            iat={"essential": True},
            exp={"essential": True},
        )
        try:
            claims = jwt.decode(signed, _jwk(self._key), algorithms=[ALGORITHM]).claims
            rules.validate(claims)
        except (JoseError, TypeError, ValueError):  # joserfc iterates over a `crit` that is no list
            return None
        return claims if all(type(claims[name]) is int for name in ("iat", "exp")) else None


def _guest_of(claims: Mapping[str, Any]) -> Guest | None:
    """Whom the claims name; None where one is missing, no text, or too long."""
    words = [claims.get("iss"), claims.get("sub"), claims.get("origin"), claims.get("name", "")]
    if not all(isinstance(one, str) and len(one) <= LONGEST_NAME and one.isprintable() for one in words):
        return None
    return Guest(*words) if all(words[:3]) else None


def _sign(key: SecretStr, claims: Mapping[str, str], seconds: int, clock: Clock) -> str:
    from joserfc import jwt

    now = int(clock())
    return jwt.encode({"alg": ALGORITHM}, {**claims, "iat": now, "exp": now + seconds}, _jwk(key))


def _jwk(key: SecretStr) -> Any:  # noqa: ANN401 - joserfc is imported where it is used
    from joserfc.jwk import OctKey

    return OctKey.import_key(key.get_secret_value())


def _refuse(trouble: str) -> Refused:
    return Refused(HTTPStatus.UNAUTHORIZED, f"the embed token {trouble}; load the page that embeds Visavis again.")

"""Sign-in by OpenID Connect, the only door to authlib: code flow with PKCE, state and nonce, the id token verified."""

import asyncio
import logging
import secrets
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx2
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from authlib.oidc.core import CodeIDToken
from authlib.oidc.discovery import get_well_known_url
from joserfc import jwt
from joserfc.errors import BadSignatureError, ClaimError, InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from ui.people import Means, Person
from ui.signin.roles import Roles
from ui.signin.sessions import Going
from ui.signin.trouble import NotSignedIn, Trouble
from ui.signin.written import is_safe

log = logging.getLogger("visavis.sign_in")

SECONDS = 5.0
SECONDS_IN_ALL = 12.0
LEEWAY = 60
KNOWN_FOR = 3600.0
KEYS_AGAIN_AFTER = 30.0
FAILED_FOR = 5.0
LONGEST_ID = 255
LONGEST_NAME = 100
OVERAGE = "_claim_names"


@dataclass(frozen=True, slots=True)
class Client:
    """What the provider knows this server as, and where it says what we need to know.

    `groups` is a claim's name, or its path with dots: `realm_access.roles`.
    """

    issuer: str
    client_id: str
    secret: str | None = None
    scopes: tuple[str, ...] = ("openid", "profile")
    groups: str = "groups"
    name: str = "name"
    algorithms: tuple[str, ...] = ("RS256",)


@dataclass(frozen=True, slots=True)
class _Known:
    """What the provider says of itself, and its keys, with when each was read."""

    metadata: Mapping[str, Any]
    read: float
    keys: KeySet
    keys_read: float


class Provider:
    """An OpenID provider, asked only when somebody signs in or out."""

    def __init__(self, client: Client, roles: Roles, seconds: float = SECONDS) -> None:
        self.client = client
        self._roles = roles
        self._seconds = seconds
        self._known: _Known | None = None
        self._failed: float | None = None

    @property
    def host(self) -> str:
        """The provider's name for the reader."""
        return urlsplit(self.client.issuer).hostname or self.client.issuer

    async def depart(self, back: str, onward: str) -> tuple[str, Going]:
        """Where to send somebody who signs in, to come back to `back`; and what must be remembered meanwhile."""
        going = Going(secrets.token_urlsafe(24), secrets.token_urlsafe(24), secrets.token_urlsafe(48), onward)
        async with self._asking() as http:
            known = await self._know(http)
            address, _ = http.create_authorization_url(
                known.metadata["authorization_endpoint"],
                state=going.state,
                code_verifier=going.verifier,
                redirect_uri=back,
                nonce=going.nonce,
            )
            return str(address), going

    async def arrive(self, answer: Mapping[str, str], going: Going, back: str) -> Person:
        """Who came back with this answer; raises NotSignedIn."""
        self._check_answer(answer)
        async with self._asking() as http:
            known = await self._know(http)
            with _reading("the token endpoint"):
                token = await http.fetch_token(
                    known.metadata["token_endpoint"],
                    grant_type="authorization_code",
                    code=answer["code"],
                    redirect_uri=back,
                    code_verifier=going.verifier,
                )
            claims = await self._verify(http, token, going.nonce)
        return self._person(claims)

    async def end_address(self, back: str) -> str:
        """Where somebody ends the session at the provider too, to come back to `back`; "" where there is no such."""
        try:
            async with self._asking() as http:
                end = (await self._know(http)).metadata.get("end_session_endpoint")
            if end is not None:
                _check_secure(end)
        except NotSignedIn as error:
            log.warning("sign-out: the provider was not asked to end its session: %s", error)
            return ""
        if not isinstance(end, str):
            return ""
        sent = urlencode({"client_id": self.client.client_id, "post_logout_redirect_uri": back})
        return f"{end}{'&' if '?' in end else '?'}{sent}"

    def _check_answer(self, answer: Mapping[str, str]) -> None:
        if answer.get("iss", self.client.issuer) != self.client.issuer:
            raise NotSignedIn(Trouble.NOT_BELIEVED, "the answer names another issuer")
        if "error" in answer:
            code = answer["error"] if answer["error"].isidentifier() else "an error"
            raise NotSignedIn(Trouble.DECLINED, f"the provider said {code[:60]}")
        if not answer.get("code"):
            raise NotSignedIn(Trouble.DECLINED, "the provider sent no code")

    @asynccontextmanager
    async def _asking(self) -> AsyncIterator[AsyncOAuth2Client]:
        """A client for the provider; what goes wrong with it becomes NotSignedIn."""
        try:
            async with asyncio.timeout(SECONDS_IN_ALL), self._http() as http:
                yield http
        except (httpx2.HTTPError, TimeoutError, OSError) as error:
            raise NotSignedIn(Trouble.UNREACHABLE, f"{type(error).__name__}: {' '.join(str(error).split())}") from None
        except OAuthError as error:
            raise NotSignedIn(Trouble.NOT_BELIEVED, f"the provider said {str(error.error)[:60]!r}") from None
        except JoseError as error:
            raise NotSignedIn(Trouble.NOT_BELIEVED, f"the id token: {type(error).__name__} {_claim(error)}") from None

    def _http(self) -> AsyncOAuth2Client:
        return AsyncOAuth2Client(
            self.client.client_id,
            self.client.secret,
            token_endpoint_auth_method=self._method(self._known.metadata if self._known else {}),
            scope=" ".join(self.client.scopes),
            code_challenge_method="S256",
            timeout=self._seconds,
            follow_redirects=False,
        )

    def _method(self, metadata: Mapping[str, Any]) -> str:
        """How this server proves who it is: in the body where that is taken, for there no sign needs escaping."""
        if self.client.secret is None:
            return "none"
        posts = "client_secret_post" in metadata.get("token_endpoint_auth_methods_supported", ())
        return "client_secret_post" if posts else "client_secret_basic"

    async def _know(self, http: AsyncOAuth2Client) -> _Known:
        """What the provider says of itself, read again after an hour; where that failed, not for a few seconds."""
        now = time.monotonic()
        if self._known is not None and now - self._known.read <= KNOWN_FOR:
            return self._known
        if self._failed is not None and now - self._failed < FAILED_FOR:
            raise NotSignedIn(Trouble.UNREACHABLE, "the provider could not be asked a moment ago")
        learnt: _Known | None = None
        try:
            learnt = self._known = await self._learn(http, now)
        finally:
            self._failed = None if learnt else time.monotonic()
        http.token_endpoint_auth_method = self._method(learnt.metadata)
        return learnt

    async def _learn(self, http: AsyncOAuth2Client, now: float) -> _Known:
        metadata = await self._read(http, get_well_known_url(self.client.issuer, external=True))
        if metadata.get("issuer") != self.client.issuer:
            raise NotSignedIn(Trouble.NOT_BELIEVED, "the provider calls itself another issuer than oidc_issuer")
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            _check_secure(metadata.get(name))
        return _Known(metadata, now, await self._read_keys(http, metadata["jwks_uri"]), now)

    async def _read_keys(self, http: AsyncOAuth2Client, address: str) -> KeySet:
        read = await self._read(http, address)
        with _reading("the keys"):
            return KeySet.import_key_set(read)  # type: ignore[arg-type]

    async def _read(self, http: AsyncOAuth2Client, address: str) -> dict[str, Any]:
        response = await http.request("GET", address, withhold_token=True)
        response.raise_for_status()
        with _reading("the description"):
            return dict(response.json())

    async def _verify(self, http: AsyncOAuth2Client, token: Mapping[str, Any], nonce: str) -> dict[str, Any]:
        """The claims of the id token; its keys are read again where it names one that is not known."""
        known = await self._know(http)
        try:
            return self._claims(known.keys, token, nonce)
        except (InvalidKeyIdError, BadSignatureError):
            if time.monotonic() - known.keys_read < KEYS_AGAIN_AFTER:
                raise
        keys = await self._read_keys(http, known.metadata["jwks_uri"])
        self._known = _Known(known.metadata, known.read, keys, time.monotonic())
        return self._claims(keys, token, nonce)

    def _claims(self, keys: KeySet, token: Mapping[str, Any], nonce: str) -> dict[str, Any]:
        algorithms = list(self.client.algorithms)
        registry = JWSRegistry(algorithms=algorithms, strict_check_header=False)
        with _reading("the id token"):
            decoded = jwt.decode(token["id_token"], keys, algorithms=algorithms, registry=registry)
        client = self.client.client_id
        options = {"iss": {"essential": True, "value": self.client.issuer}, "aud": {"essential": True, "value": client}}
        params = {"nonce": nonce, "client_id": client, "access_token": token.get("access_token")}
        claims = CodeIDToken(decoded.claims, decoded.header, options, params)
        with _reading("the id token"):
            claims.validate(leeway=LEEWAY)
        return dict(claims)

    def _person(self, claims: Mapping[str, Any]) -> Person:
        identity = claims["sub"]
        is_word = isinstance(identity, str) and identity.strip() and identity.isprintable()
        if not is_word or len(identity) > LONGEST_ID:
            raise NotSignedIn(Trouble.NOT_BELIEVED, "the id token's sub is no identity")
        groups = _at(claims, self.client.groups)
        if groups is None and self.client.groups in claims.get(OVERAGE, ()):
            log.warning("sign-in: the provider left the groups out of the id token, for there are too many")
        role = self._roles.role_of(_texts(groups))
        if role is None:
            raise NotSignedIn(Trouble.NOT_ADMITTED, "none of the groups is let in")
        names = (claims.get(one) for one in (self.client.name, "preferred_username", "email", "sub"))
        name = next(one for one in names if isinstance(one, str) and one.strip())
        printable = "".join(sign for sign in name if sign.isprintable()).strip()
        return Person(identity, printable[:LONGEST_NAME], role, Means.OIDC)


@contextmanager
def _reading(what: str) -> Iterator[None]:
    """What is not of the form that it must have becomes NotSignedIn."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise NotSignedIn(Trouble.NOT_BELIEVED, f"{what} cannot be read: {type(error).__name__}") from None


def _check_secure(address: object) -> None:
    """Raise where an endpoint is none that a code or a token may be sent to."""
    if not (isinstance(address, str) and is_safe(address)):
        raise NotSignedIn(Trouble.NOT_BELIEVED, "the provider names an endpoint that is not https")


def _at(claims: Mapping[str, Any], path: str) -> object:
    """The claim of this name, or at this path."""
    if path in claims:
        return claims[path]
    found: object = claims
    for step in path.split("."):
        found = found.get(step) if isinstance(found, Mapping) else None
    return found


def _texts(found: object) -> Sequence[str]:
    if isinstance(found, str):
        return (found,)
    return [one for one in found if isinstance(one, str)] if isinstance(found, list) else ()


def _claim(error: JoseError) -> str:
    return str(error.claim) if isinstance(error, ClaimError) and hasattr(error, "claim") else ""

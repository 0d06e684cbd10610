"""An OpenID provider on this machine that can be made to answer wrongly, and counts what it is asked."""

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT = "visavis-test"
SECRET = "a.secret~of-the_test"


@dataclass
class TestProvider:
    """What the provider says: claims and knobs that a test turns before somebody signs in."""

    __test__ = False

    issuer: str = ""
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, auto_kid=True))
    published: list[RSAKey] = field(default_factory=list)
    claims: dict[str, Any] = field(default_factory=dict)
    without: tuple[str, ...] = ()
    sign: Callable[["TestProvider", dict[str, Any]], str] | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    status: int = 200
    delay: float = 0.0
    asked: list[str] = field(default_factory=list)
    posted: list[dict[str, str]] = field(default_factory=list)
    challenges: dict[str, dict[str, str]] = field(default_factory=dict)

    def authorize(self, address: str) -> dict[str, str]:
        """As the browser comes back: the code and the state, for whoever was sent to this address."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert asked["response_type"] == "code" and asked["client_id"] == CLIENT
        assert asked["code_challenge_method"] == "S256" and "openid" in asked["scope"].split()
        code = f"code-{len(self.challenges)}"
        self.challenges[code] = asked
        return {"code": code, "state": asked["state"], "iss": self.issuer}

    def token(self, sent: dict[str, str]) -> tuple[int, dict[str, Any]]:
        asked = self.challenges.pop(sent["code"], None)
        if asked is None:
            return 400, {"error": "invalid_grant"}
        digest = hashlib.sha256(sent["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if challenge != asked["code_challenge"] or sent["redirect_uri"] != asked["redirect_uri"]:
            return 400, {"error": "invalid_grant"}
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "sub": "7f3a",
            "aud": CLIENT,
            "iat": now,
            "exp": now + 300,
            "nonce": asked["nonce"],
            "name": "Ada Lovelace",
        } | self.claims
        claims = {name: value for name, value in claims.items() if name not in self.without}
        signed = (self.sign or signed_well)(self, claims)
        return 200, {"access_token": "opaque", "token_type": "Bearer", "expires_in": 60, "id_token": signed}

    def answer(self, path: str, sent: dict[str, str]) -> tuple[int, dict[str, Any]]:
        if path == "/.well-known/openid-configuration":
            return 200, {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/jwks",
                "end_session_endpoint": f"{self.issuer}/end",
                "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            } | self.metadata
        if path == "/jwks":
            return 200, {"keys": [one.as_dict(private=False) for one in self.published or [self.key]]}
        return self.token(sent) if path == "/token" else (404, {})


def signed_well(provider: TestProvider, claims: dict[str, Any]) -> str:
    return jwt.encode({"alg": "RS256", "kid": provider.key.kid}, claims, provider.key)


def signed_by_nobody(provider: TestProvider, claims: dict[str, Any]) -> str:
    return f"{encoded({'alg': 'none'})}.{encoded(claims)}."


def signed_with_the_public_key(provider: TestProvider, claims: dict[str, Any]) -> str:
    """The old trick: the provider's public key taken as a shared secret."""
    signed = ".".join(encoded(one) for one in ({"alg": "HS256", "kid": provider.key.kid}, claims))
    mark = hmac.digest(provider.key.as_pem(private=False), signed.encode(), "sha256")
    return f"{signed}.{base64.urlsafe_b64encode(mark).rstrip(b'=').decode()}"


def encoded(part: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def signed_by_another(provider: TestProvider, claims: dict[str, Any]) -> str:
    other = RSAKey.generate_key(2048)
    return jwt.encode({"alg": "RS256", "kid": provider.key.kid}, claims, other)


def tampered(provider: TestProvider, claims: dict[str, Any]) -> str:
    head, _, tail = signed_well(provider, claims).split(".")
    return f"{head}.{encoded(claims | {'sub': 'root'})}.{tail}"


@contextmanager
def running_provider() -> Iterator[TestProvider]:
    """The provider on a free port, until the end of the block."""
    provider = TestProvider()

    class Answering(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.0"

        def do_GET(self) -> None:
            self.reply({})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            sent = {name: values[0] for name, values in parse_qs(body).items()}
            provider.posted.append(sent)
            self.reply(sent)

        def reply(self, sent: dict[str, str]) -> None:
            path = urlsplit(self.path).path
            provider.asked.append(path)
            time.sleep(provider.delay)
            status, content = provider.answer(path, sent)
            payload = json.dumps(content).encode()
            self.send_response(status if provider.status == 200 else provider.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(payload)))
            # Whoever was not waited for finds nobody to tell.
            with suppress(BrokenPipeError, ConnectionResetError):
                self.end_headers()
                self.wfile.write(payload)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the base class names it
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        server.daemon_threads = True
        provider.issuer = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield provider
        finally:
            server.shutdown()
            thread.join()

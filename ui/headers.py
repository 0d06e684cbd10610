"""What every response says to the browser: what a page may load and run, who may frame it, and what is kept of it."""

import re
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

FRAMES = "frame-ancestors 'self'"
YEAR = 31_536_000

# Gradio compiles its templates and our scripts in the browser and writes styles into the page: hence 'unsafe-eval' and
# the styles' 'unsafe-inline'. Its inline scripts are let in one by one, by their hashes, so that no other runs.
_PAGE = (
    "default-src 'none'",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "manifest-src 'self'",
    "base-uri 'self'",
    "form-action 'self'",
    FRAMES,
)
LIBRARY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        FRAMES,
    )
)
"""The library's pages are ours alone: one sheet and one script from this server, and nothing else."""
BARE_POLICY = f"default-src 'none'; base-uri 'none'; form-action 'none'; {FRAMES}"
"""What is no page has nothing to load."""
SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=(), serial=(), hid=(), midi=(), "
    "display-capture=(), browsing-topics=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

_SCRIPT = re.compile(rb"<script\b([^>]*)>(.*?)</script\s*>", re.DOTALL | re.IGNORECASE)
_STYLE = re.compile(rb"<style\b([^>]*)>(.*?)</style\s*>", re.DOTALL | re.IGNORECASE)
_KEPT = ("text/javascript", "application/javascript", "text/css", "image/", "font/")


def page_policy(page: bytes) -> str:
    """The policy of the chat's page: its own inline scripts by their hashes, and files of this server."""
    return "; ".join(
        (_PAGE[0], f"script-src 'self' 'unsafe-eval' {' '.join(_hashes(_SCRIPT, page))}".rstrip(), *_PAGE[1:])
    )


def still_policy(page: str) -> str:
    """The policy of a page of ours that runs no script and has its style in itself."""
    return f"default-src 'none'; style-src {' '.join(_hashes(_STYLE, page.encode()))}; base-uri 'none'; {FRAMES}"


def _hashes(element: re.Pattern[bytes], page: bytes) -> Iterator[str]:
    for attributes, content in element.findall(page):
        if b"src=" not in attributes:
            # A browser hashes what it has parsed: every end of a line as "\n".
            parsed = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
            yield f"'sha256-{b64encode(sha256(parsed).digest()).decode()}'"


class SecurityHeaders:
    """Adds the security headers to every HTTP response; a page without a policy is read for one, the rest streams."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and add the headers to what comes back."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        held: Message | None = None
        page = bytearray()

        async def send_with_headers(message: Message) -> None:
            nonlocal held
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                _complete(headers, is_secure=scope.get("scheme") == "https")
                if "Content-Security-Policy" not in headers and _kind(headers) == "text/html":
                    held = message
                    return
                headers.setdefault("Content-Security-Policy", BARE_POLICY)
            elif held is not None and message["type"] == "http.response.body":
                page.extend(message.get("body", b""))
                if message.get("more_body", False):
                    return
                MutableHeaders(scope=held)["Content-Security-Policy"] = page_policy(bytes(page))
                await send(held)
                held = None
                message = {"type": "http.response.body", "body": bytes(page)}
            await send(message)

        await self.app(scope, receive, send_with_headers)


def _complete(headers: MutableHeaders, *, is_secure: bool) -> None:
    """The headers of every response, and what a cache may keep: scripts, styles, pictures and fonts, no answer."""
    for name, value in SECURITY_HEADERS.items():
        headers.setdefault(name, value)
    if is_secure:
        headers["Strict-Transport-Security"] = f"max-age={YEAR}"
    kind = _kind(headers)
    if kind == "text/html":
        headers.setdefault("Cache-Control", "private, no-cache")
    elif kind and not kind.startswith(_KEPT):
        headers["Cache-Control"] = "no-store"


def _kind(headers: MutableHeaders) -> str:
    return headers.get("Content-Type", "").partition(";")[0].strip().lower()

"""Serving under a path that is not "/": `/intranet/ai-law/` behind a proxy, whether it strips the prefix or not.

ASGI's `path` holds the whole path and `root_path` its beginning that is not ours. Links on our pages go up relatively,
and Gradio and Starlette make theirs from `root_path`; whoever makes another asks `prefix_of`.
"""

from collections.abc import MutableMapping
from typing import Any

from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send


def prefix_of(scope: MutableMapping[str, Any]) -> str:
    """The path that the application stands under, "" at the root: what goes before an address that begins with "/"."""
    prefix = scope.get("app_root_path", scope.get("root_path", ""))
    assert isinstance(prefix, str)
    return prefix


class SubPath:
    """Says under which path the application stands, and takes requests with that prefix and without it."""

    def __init__(self, app: ASGIApp, prefix: str) -> None:
        self.app = app
        self.prefix = prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its whole path; the prefix without its last "/" leads to the page."""
        if scope["type"] not in {"http", "websocket"}:
            await self.app(scope, receive, send)
            return
        path = scope["path"]
        if scope["type"] == "http" and path == self.prefix:
            await RedirectResponse(f"{self.prefix}/", 308)(scope, receive, send)
            return
        under = {"root_path": self.prefix}
        if not path.startswith(f"{self.prefix}/"):
            raw = scope.get("raw_path") or path.encode()
            under |= {"path": f"{self.prefix}{path}", "raw_path": self.prefix.encode() + raw}
        await self.app({**scope, **under}, receive, send)

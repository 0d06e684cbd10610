"""The rule of every route: who may pass. A route without a rule is closed, and a test finds it.

To add a route, add its line to RULES, under the address that the application knows it by (mounts written out), with
its method before it where methods differ: `"GET /api/v1/feedback": editor`. `collect_routes` finds every route of an
application, `table_of_routes` sets them beside their rules.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from fastapi.routing import iter_route_contexts
from starlette.routing import BaseRoute, Mount, WebSocketRoute, compile_path

from ui.access import Scope
from ui.people import Role

WEBSOCKET = "WEBSOCKET"
REST = "/api/v1"
GRADIO = "/gradio_api"


@dataclass(frozen=True, slots=True)
class Rule:
    """Who may pass: anybody where `role` is None, else whoever's role covers it; nobody at all where it is closed.

    `scopes` are those of which a token must allow one; without any, a token opens nothing here. `local` lets this
    machine itself pass without sign-in, unless the request came through a proxy.
    """

    role: Role | None = None
    scopes: tuple[Scope, ...] = ()
    local: bool = False
    closed: bool = False

    @property
    def strictness(self) -> int:
        """How few may pass: the more, the fewer."""
        return len(Role) + 1 if self.closed else 0 if self.role is None else list(Role).index(self.role) + 1


@dataclass(frozen=True, slots=True)
class Found:
    """A route of an application: its address with mounts written out, and the methods that it takes.

    A mounted application whose routes cannot be seen counts as one route, `/there/{path:path}`; no method means any.
    """

    path: str
    methods: frozenset[str]


OPEN = Rule()
CLOSED = Rule(closed=True)
READER = Rule(Role.READER)
EDITOR = Rule(Role.EDITOR)
ADMINISTRATOR = Rule(Role.ADMINISTRATOR)
ASKING = Rule(Role.READER, (Scope.ASK,))
READING = Rule(Role.READER, (Scope.READ,))
EXPORTING = Rule(Role.READER, (Scope.EXPORT,))
TOOLS = Rule(Role.READER, (Scope.ASK, Scope.READ, Scope.EXPORT))

_SIGN_IN = {
    "/sign-in": OPEN,
    "/sign-in/start": OPEN,
    "/sign-in/callback": OPEN,
    "/sign-out": OPEN,
    "/signed-out": OPEN,
    "/sign-in.css": OPEN,
    "/sign-in.js": OPEN,
    "/person": OPEN,
    "/person.js": OPEN,
}
_HOUSE = {
    "/healthz": OPEN,
    "/readyz": OPEN,
    "/metrics": Rule(Role.ADMINISTRATOR, (Scope.ADMIN,), local=True),
    "/mcp": TOOLS,
    "/embed.js": OPEN,
    "/embed": OPEN,
    "/embed/entry.js": OPEN,
    "/embed/session": OPEN,
    "/concordance": READER,
    "/save": READER,
    "/law": READER,
    "/law/{instrument}": READER,
    "/law/{instrument}/{place:path}": READER,
    "/passage": READER,
    "/passage/status": READER,
    "/source/{instrument}/{page}.png": READER,
    "/library.css": OPEN,
    "/library.js": OPEN,
}
_REST = {
    f"{REST}/docs": OPEN,
    f"{REST}/openapi.json": OPEN,
    f"{REST}/ask": ASKING,
    f"{REST}/feedback": ASKING,
    f"{REST}/instruments": READING,
    f"{REST}/provisions/{{instrument}}/{{pinpoint:path}}": READING,
    f"{REST}/diff": READING,
    f"{REST}/compare": READING,
    f"{REST}/concordance": READING,
    f"{REST}/export": EXPORTING,
}
# The page's own frame. What the chat does not need is closed: Gradio's own sign-in, its proxy to other hosts, files
# from the disk, recordings, code from a model, and calls by name.
_CHAT = {
    "/": READER,
    "/config": READER,
    "/config/": READER,
    "/svelte/{path:path}": READER,
    "/static/{path:path}": READER,
    "/assets/{path:path}": READER,
    "/favicon.ico": OPEN,
    "/robots.txt": OPEN,
    "/theme.css": READER,
    "/manifest.json": READER,
    "/pwa_icon": READER,
    "/pwa_icon/{size}": READER,
    "/login": CLOSED,
    "/login/": CLOSED,
    "/logout": CLOSED,
    "/monitoring": CLOSED,
    "/monitoring/summary": CLOSED,
    "/monitoring/{key}": CLOSED,
}
_CHAT_CALLS: Mapping[Rule, Sequence[str]] = {
    READER: (
        "app_id",
        "app_id/",
        "cancel",
        "heartbeat/{session_hash}",
        "queue/data",
        "queue/join",
        "queue/status",
        "run/{api_name}",
        "startup-events",
        "theme.css",
    ),
    CLOSED: (
        "api/{api_name}",
        "api/{api_name}/",
        "call/v2/{api_name}",
        "call/v2/{api_name}/",
        "call/v2/{api_name}/{event_id}",
        "call/{api_name}",
        "call/{api_name}/",
        "call/{api_name}/{event_id}",
        "component_server",
        "component_server/",
        "custom_component/{id}/{environment}/{type}/{file_name}",
        "deep_link",
        "dev/reload",
        "file/{path:path}",
        "file={path_or_url:path}",
        "info",
        "info/",
        "login_check",
        "login_check/",
        "openapi.json",
        "process_recording",
        "proxy={url_path:path}",
        "reset",
        "reset/",
        "run/{api_name}/",
        "runs",
        "runs/",
        "stream/{event_id}",
        "stream/{event_id}/close",
        "stream/{session_hash}/{run}/{component_id}/playlist-file",
        "stream/{session_hash}/{run}/{component_id}/playlist.m3u8",
        "stream/{session_hash}/{run}/{component_id}/{segment_id}.{ext}",
        "token",
        "token/",
        "undo-vibe-edit",
        "undo-vibe-edit/",
        "upload",
        "upload_progress",
        "user",
        "user/",
        "vibe-code",
        "vibe-code/",
        "vibe-edit",
        "vibe-edit/",
        "vibe-starter-queries",
        "vibe-starter-queries/",
    ),
}
_GRADIO = {f"{GRADIO}/{path}": rule for rule, paths in _CHAT_CALLS.items() for path in paths}
RULES: Mapping[str, Rule] = _SIGN_IN | _HOUSE | _REST | _CHAT | _GRADIO
"""Who may pass where."""

BELOW: Mapping[str, Rule] = {REST: OPEN}
"""Mounted applications that say by themselves that they have no such address."""


def collect_routes(routes: Iterable[BaseRoute], above: str = "") -> Iterator[Found]:
    """Every route of an application, those of the applications mounted in it too, in their order."""
    for route in iter_route_contexts(list(routes)):
        path = f"{above}{route.path or ''}"
        below = getattr(route.original_route, "routes", None)
        if below:
            yield from collect_routes(below, path)
        elif isinstance(route.original_route, Mount):
            yield Found(f"{path}/{{path:path}}", frozenset())
        else:
            is_socket = isinstance(route.original_route, WebSocketRoute)
            yield Found(path, frozenset({WEBSOCKET} if is_socket else route.methods or ()))


def rule_of(method: str, path: str) -> Rule | None:
    """The rule of a route, by its method and its address in the application."""
    return RULES.get(f"{method} {path}", RULES.get(path))


class RouteMap:
    """The rules of an application's own routes, by the address and method of a request."""

    def __init__(self, routes: Iterable[BaseRoute]) -> None:
        self._patterns = [(compile_path(one.path)[0], one) for one in collect_routes(routes)]

    def find(self, method: str, path: str) -> tuple[Rule | None, str]:
        """The strictest rule among the routes that an address may lead to, and that route's address.

        No rule where there is no route, and where one of them has none.
        """
        meant = "GET" if method == "HEAD" else method
        matching = [one for pattern, one in self._patterns if pattern.match(path)]
        taken = [one for one in matching if meant in one.methods or not one.methods] or matching
        ruled = [(rule_of(meant, one.path), one.path) for one in taken] or [_below(path)]
        unruled = [one for one in ruled if one[0] is None]
        return unruled[0] if unruled else max(ruled, key=lambda one: one[0].strictness if one[0] else 0)


def _below(path: str) -> tuple[Rule | None, str]:
    return next(((rule, above) for above, rule in BELOW.items() if path.startswith(f"{above}/")), (None, ""))


def table_of_routes(routes: Iterable[BaseRoute]) -> list[tuple[str, ...]]:
    """Every route of an application with its rule: methods, address, who passes, and which tokens do."""
    lines: dict[tuple[str, ...], None] = {}
    for found in collect_routes(routes):
        methods = sorted(found.methods - {"HEAD"}) or (["HEAD"] if found.methods else ["any"])
        for method in methods:
            rule = rule_of(method, found.path)
            lines[method, found.path, *describe(rule)] = None
    return list(lines)


def describe(rule: Rule | None) -> tuple[str, str]:
    """A rule in two words: who passes, and with a token of which scopes."""
    if rule is None:
        return "no rule: closed", ""
    if rule.closed:
        return "closed", ""
    who = rule.role.value if rule.role else "anybody"
    return who + (", or this machine" if rule.local else ""), ", ".join(rule.scopes)

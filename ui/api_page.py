"""The page that describes the API, made here from its OpenAPI description: no script, and nothing from outside."""

from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined


@dataclass(frozen=True, slots=True)
class Field:
    """Something that a call takes: where it stands, what it holds, whether it must be there."""

    name: str
    place: str
    kind: str
    needed: bool
    text: str


@dataclass(frozen=True, slots=True)
class Call:
    """One thing that can be asked of the API."""

    method: str
    path: str
    text: str
    scopes: tuple[str, ...]
    fields: tuple[Field, ...]


def render_api_page(description: Mapping[str, Any]) -> str:
    """The page for an OpenAPI description."""
    template = _environment().get_template("api.html")
    return template.render(calls=tuple(find_calls(description)), summary=description["info"]["summary"], style=_style())


@cache
def page_policy() -> str:
    """What the page may load: its own style, known by its hash, and nothing else."""
    digest = b64encode(sha256(_style().encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    )


@cache
def _style() -> str:
    return resources.files("ui").joinpath("static", "api.css").read_text(encoding="utf-8")


def find_calls(description: Mapping[str, Any]) -> Iterator[Call]:
    """The calls of an OpenAPI description, in its order."""
    for path, methods in description["paths"].items():
        for method, call in methods.items():
            scopes = (scope for one in call.get("security", ()) for named in one.values() for scope in named)
            fields = (*_parameters(description, call), *_body(description, call))
            yield Call(method.upper(), path, call.get("description", call["summary"]), tuple(scopes), fields)


def _parameters(description: Mapping[str, Any], call: Mapping[str, Any]) -> Iterator[Field]:
    for one in call.get("parameters", ()):
        yield _field(description, one["name"], one["in"], one["schema"], needed=one.get("required", False))


def _body(description: Mapping[str, Any], call: Mapping[str, Any]) -> Iterator[Field]:
    schema = call.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    whole = _resolve(description, schema)
    for name, one in whole.get("properties", {}).items():
        yield _field(description, name, "body", one, needed=name in whole.get("required", ()))


def _field(description: Mapping[str, Any], name: str, place: str, schema: Mapping[str, Any], *, needed: bool) -> Field:
    whole = _resolve(description, schema)
    choices = [whole, *(_resolve(description, one) for one in whole.get("anyOf", ()))]
    real = next(one for one in reversed(choices) if one.get("type") != "null")
    kind = " | ".join(real["enum"]) if "enum" in real else real.get("format", real.get("type", ""))
    text = next((one["description"] for one in choices if "description" in one and "enum" not in one), "")
    return Field(name, place, kind, needed, text)


def _resolve(description: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema that a `$ref` names."""
    found: Mapping[str, Any] = schema
    while "$ref" in found:
        found = description["components"]["schemas"][found["$ref"].rpartition("/")[2]]
    return found


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("ui"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )

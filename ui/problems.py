"""What could not be done over HTTP, as a problem of RFC 9457: a status, and one line that says what to do."""

from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from http import HTTPStatus
from typing import Any

from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

PROBLEM = "application/problem+json"
REQUEST: ContextVar[str] = ContextVar("visavis.request", default="")
"""The id of the request that is being answered."""


def problem(status: HTTPStatus, detail: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """The response for a status, whose own phrase is the title."""
    content = {"type": "about:blank", "title": status.phrase, "status": status.value, "detail": detail}
    if REQUEST.get():
        content["request"] = REQUEST.get()
    return JSONResponse(content, status.value, dict(headers or {}), media_type=PROBLEM)


def describe_invalid(error: RequestValidationError) -> str:
    """Each wrong field and what is wrong with it, in one line; what was typed is not repeated."""
    return describe_faults(
        fault | {"loc": () if fault["type"] == "json_invalid" else fault["loc"][1:]} for fault in error.errors()
    )


def describe_faults(faults: Iterable[Mapping[str, Any]]) -> str:
    """Faults that pydantic found, in one line."""
    return f"{'; '.join(dict.fromkeys(map(_describe, faults)))}."


def _describe(fault: Mapping[str, Any]) -> str:
    line = fault["msg"].removeprefix("Value error, ").rstrip(".")
    return f"{'.'.join(map(str, fault['loc'])) or 'the body'}: {line}"

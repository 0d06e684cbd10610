"""What could not be done over HTTP, as a problem of RFC 9457: a status, and one line that says what to do."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

PROBLEM = "application/problem+json"


def problem(status: HTTPStatus, detail: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """The response for a status, whose own phrase is the title."""
    content = {"type": "about:blank", "title": status.phrase, "status": status.value, "detail": detail}
    return JSONResponse(content, status.value, dict(headers or {}), media_type=PROBLEM)


def describe_invalid(error: RequestValidationError) -> str:
    """Each wrong field and what is wrong with it, in one line; what was typed is not repeated."""
    return f"{'; '.join(dict.fromkeys(map(_describe, error.errors())))}."


def _describe(fault: Mapping[str, Any]) -> str:
    steps = () if fault["type"] == "json_invalid" else fault["loc"][1:]
    line = fault["msg"].removeprefix("Value error, ").rstrip(".")
    return f"{'.'.join(map(str, steps)) or 'the body'}: {line}"

"""The REST API, `/api/v1`: an application of its own, so that its errors, limits and description are its own too."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Iterator
from dataclasses import dataclass, replace
from datetime import date
from http import HTTPStatus
from itertools import chain
from threading import Event
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends, FastAPI, HTTPException, Query, Request, Security
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, Response
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException as AnyHTTPException
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Send
from starlette.types import Scope as Connection

from assistant.answer import Answer, Record
from assistant.noted import is_noted
from assistant.question import Question
from ingest.beside import lay_beside
from ingest.clock import parse_date, today
from ingest.compare_cli import beside_record, segment_records
from ingest.concordance import load_concordance
from ingest.concordance_cli import find_touching
from ingest.concordance_cli import record as correspondence_record
from ingest.corpus import Corpus
from ingest.errors import EmbeddingError, StoreError, UsageError, VisavisError
from ingest.identifiers import InstrumentId
from ingest.instrument import Provision, Relation
from ingest.law_cli import instrument_record, provision_record
from ingest.pinpoint import Pinpoint
from ingest.redline import redline
from ui.access import Access, AccessError, Refused, Scope
from ui.api_page import page_policy, render_api_page
from ui.clients import Client
from ui.export.asking import MOST_BYTES, export_asked
from ui.feedback import Feedback
from ui.people import person_of
from ui.problems import PROBLEM, describe_invalid, problem
from ui.record.entry import Channel
from ui.record.errors import RecordAway, UnknownAnswer
from ui.record.recorder import Recorder

if TYPE_CHECKING:
    from assistant.desk import Desk

INVALID = HTTPStatus(422)
TOO_LARGE = HTTPStatus(413)
LONGEST_ID = 200
LONGEST_PLACE = 200
MOST_TURNS = 500
SLACK = 64 * 1024  # bytes by which an export may be too large and still hear how much is allowed
LATER = {"Retry-After": "5"}
CLOSE = {"Connection": "close"}
EXPORT = "/export"
SUMMARY = "The Council of Europe's AI Convention and the EU AI Act, side by side, in the law's own words."
PUBLIC = frozenset({"/docs", "/openapi.json"})
"""What needs no token: how the API looks says nothing that is not in its documentation."""

EXPLAINED = {
    HTTPStatus.BAD_REQUEST: "the body cannot be read as JSON; send one object in UTF-8.",
    HTTPStatus.NOT_FOUND: "there is nothing at this address; /api/v1/docs lists what there is.",
    HTTPStatus.METHOD_NOT_ALLOWED: "this method is not taken here; the header Allow lists those that are.",
    HTTPStatus.REQUEST_TIMEOUT: "the body came too slowly; send it at once.",
    TOO_LARGE: "the body is larger than is taken here; send a shorter question, or fewer earlier turns.",
}

OURS = (AccessError, StoreError, EmbeddingError, RecordAway)
"""What is for the administrator to put right; it names paths, so that callers hear NOT_NOW."""
NOT_NOW = "the server cannot answer now; its log says why. Ask again later."
A_BUG = "this is a bug; the server's log says more. Please report it."

log = logging.getLogger("visavis.api")


def _read_day(value: object) -> object:
    try:
        return parse_date(value, "the day") if isinstance(value, str) else value
    except UsageError:
        raise ValueError("is no date; write it as YYYY-MM-DD, for example 2026-11-23") from None


Day = Annotated[
    date,
    Field(strict=True),
    BeforeValidator(_read_day),
    WithJsonSchema({"type": "string", "format": "date", "description": "The day of the law; today when left out."}),
]


def _well_formed(text: str) -> str:
    """Refuse half a surrogate pair, which JSON can hold and UTF-8 cannot."""
    if not text.isascii() and any("\ud800" <= sign <= "\udfff" for sign in text):
        raise ValueError("holds half a character (a lone surrogate)")
    return text


Text = Annotated[str, AfterValidator(_well_formed)]
Place = Annotated[str, Field(max_length=LONGEST_PLACE, description="A pinpoint, such as art_5/1/f.")]
PlaceIn = Annotated[str, Field(max_length=LONGEST_PLACE, description="instrument:pinpoint, eu-ai-act:art_5/1/f.")]


class Absent(VisavisError):
    """What was asked for is not in the corpus, or not on that day."""


class Strict(BaseModel):
    """What a caller sends: nothing but what is named here."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Asked(Strict):
    """A question: the earlier user turns oldest first, the day of the law, and an id that the record repeats."""

    question: Annotated[Text, Field(description="The question, in words.")]
    history: Annotated[
        tuple[Text, ...], Field(max_length=MOST_TURNS, description="The earlier questions of the conversation.")
    ] = ()
    as_of: Day | None = None
    id: Annotated[Text, Field(max_length=LONGEST_ID, description="What the record is to repeat as its id.")] = ""

    def ask(self) -> Question:
        """The question to the assistant."""
        return Question(self.question, self.history, self.as_of or today(), id=self.id)


class Nothing(Strict):
    """No parameter at all."""


class OnDay(Strict):
    """The day of the law."""

    as_of: Day | None = None

    @property
    def day(self) -> date:
        """The day named, or today."""
        return self.as_of or today()


class Diffed(Strict):
    """A provision whose first and last wording are held against each other."""

    instrument: Annotated[str, Field(max_length=LONGEST_PLACE)]
    pinpoint: Place


class Compared(OnDay):
    """Two provisions as on a day."""

    left: PlaceIn
    right: PlaceIn


class Touching(Strict):
    """Which correspondences: those that a place carries, those of a relation, or all."""

    article: PlaceIn | None = None
    relation: Relation | None = None


class GuardedRoute(APIRoute):
    """A route whose caller is let in before a byte of the body is read."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """As any route's, behind the rules among its dependencies."""
        answer = super().get_route_handler()
        scopes = [Scope(one) for rule in self.dependencies for one in getattr(rule, "scopes", None) or ()]

        async def admitted(request: Request) -> Response:
            access: Access = request.app.state.access
            for scope in scopes:
                sent = request.headers
                known = sent.getlist("authorization"), address_of(request.scope), sent.get("host", "")
                await run_in_threadpool(access.admit, scope, *known, person_of(request.scope))
            return await answer(request)

        return admitted


class EventRoute(GuardedRoute):
    """A route for those who ask for server-sent events alone."""

    def matches(self, scope: Connection) -> tuple[Match, Connection]:
        """As any route, where the header Accept names `text/event-stream`."""
        accepted = (value for name, value in scope.get("headers", ()) if name == b"accept")
        types = (one.partition(b";")[0].strip().lower() for value in accepted for one in value.split(b","))
        return super().matches(scope) if b"text/event-stream" in types else (Match.NONE, {})


class BodyLimit:
    """Reads no further than a body may be long, and no longer than it may take."""

    def __init__(self, app: ASGIApp, most: int, seconds: float) -> None:
        self.app = app
        self.most = most
        self.seconds = seconds

    async def __call__(self, scope: Connection, receive: Receive, send: Send) -> None:
        """Pass the request on with what is left of its body's length and time."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        most = MOST_BYTES + SLACK if scope["path"].endswith(EXPORT) else self.most
        declared = Headers(scope=scope).get("content-length", "0")
        until = asyncio.get_running_loop().time() + self.seconds
        taken = 0
        whole = False

        async def limited() -> Message:
            nonlocal taken, whole
            if whole:
                return await receive()
            if not declared.isdigit() or int(declared) > most:
                raise HTTPException(TOO_LARGE, headers=CLOSE)
            try:
                async with asyncio.timeout_at(until):
                    message = await receive()
            except TimeoutError:
                raise HTTPException(HTTPStatus.REQUEST_TIMEOUT, headers=CLOSE) from None
            taken += len(message.get("body", b""))
            whole = not message.get("more_body", False)
            if taken > most:
                raise HTTPException(TOO_LARGE, headers=CLOSE)
            return message

        await self.app(scope, limited, send)


@dataclass(frozen=True, slots=True)
class Growing:
    """An answer as it grows, its first state already at hand."""

    states: Iterator[Answer]


def create_rest(desk: "Desk", access: Access, recorder: Recorder | None = None) -> FastAPI:
    """The API over a desk, for those whom `access` lets in; what they are answered and say of it is entered."""
    recorder = recorder or Recorder(None)
    app = FastAPI(
        title="Visavis",
        summary=SUMMARY,
        version="1",
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        responses={"4XX": {"description": "A problem", "content": {PROBLEM: {}}}},
    )
    app.state.access = access
    app.router.route_class = GuardedRoute
    app.add_middleware(BodyLimit, most=access.limits.body, seconds=access.limits.body_seconds)
    for kind, handler in HANDLERS.items():
        app.add_exception_handler(kind, handler)
    app.add_exception_handler(Exception, _bug)
    rule = _Rule(access)
    _add_questions(app, desk, rule, recorder)
    _add_feedback(app, rule, recorder)
    _add_law(app, desk, rule)
    _add_table(app, desk, rule)
    _add_export(app, desk, rule, recorder)

    @app.get("/docs", include_in_schema=False, response_class=HTMLResponse)
    def docs(sent: Annotated[Nothing, Query()]) -> HTMLResponse:
        return HTMLResponse(render_api_page(app.openapi()), headers={"Content-Security-Policy": page_policy()})

    return app


class _Rule:
    """The rule of a route: which scope it needs; GuardedRoute holds its callers to it."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._bearer = HTTPBearer(auto_error=False, description="A token that `visavis tokens create` made.")

    def needs(self, scope: Scope) -> list[Any]:
        """The dependencies of a route that needs a scope."""
        return [Security(self._bearer, scopes=[scope])]

    async def place(self) -> AsyncIterator[None]:
        """One of the few places for questions under way; raises Refused where none comes free in time."""
        async with self._access.place():
            yield


def _add_questions(app: FastAPI, desk: "Desk", rule: _Rule, recorder: Recorder) -> None:
    """The question, answered whole or as events."""
    needed = [*rule.needs(Scope.ASK), Depends(rule.place)]

    def begin(asked: Asked, request: Request) -> Generator[Growing, None, None]:
        """The answer with its first state made before the response begins, so that no question is a problem."""
        stop = Event()
        growing = desk.assistant().stream(asked.ask(), stop)
        states = recorder.following(growing, person_of(request.scope), Channel.API)
        try:
            first = next(states)
            yield Growing(chain([first], states))
        finally:
            stop.set()
            states.close()

    def stream(growing: Annotated[Growing, Depends(begin)]) -> Iterator[ServerSentEvent]:
        number = 0
        try:
            for number, answer in enumerate(growing.states, start=1):
                yield ServerSentEvent(data=answer.record(), event="answer", id=str(number))
        except VisavisError as error:
            log.warning("api: an answer broke off after %d events", number)
            yield ServerSentEvent(data={"status": 503, "detail": str(error)}, event="problem")
        else:
            yield ServerSentEvent(data={"events": number}, event="done")

    app.router.add_api_route(
        "/ask",
        stream,
        methods=["POST"],
        dependencies=needed,
        response_class=EventSourceResponse,
        include_in_schema=False,
        route_class_override=EventRoute,
    )

    events = {"description": "The record; with `Accept: text/event-stream` events, each a whole record, then `done`."}

    @app.post("/ask", dependencies=needed, tags=["questions"], responses={200: events})
    def ask(asked: Asked, request: Request) -> Record:
        """Answer a question: the record visavis.answer/1, the same as in the chat and on the command line."""
        asking = recorder.asking(desk.assistant(), person_of(request.scope), Channel.API)
        return asking(asked.ask()).record()


def _add_feedback(app: FastAPI, rule: _Rule, recorder: Recorder) -> None:
    """What a reader says of an answer."""

    @app.post("/feedback", dependencies=rule.needs(Scope.ASK), tags=["questions"], status_code=HTTPStatus.CREATED)
    def feedback(said: Feedback, request: Request) -> dict[str, str]:
        """Say that an answer is right, cites wrongly or lacks something; gives the id of the record's new entry."""
        try:
            return {"id": said.enter(recorder, person_of(request.scope), Channel.API)}
        except UnknownAnswer as error:
            raise Absent(str(error)) from None


class Texts:
    """The texts themselves, without our notes that stand in for a missing one in an answer."""

    def __init__(self, desk: "Desk") -> None:
        self._desk = desk
        self._last: tuple[Corpus, Corpus] | None = None

    def __call__(self) -> Corpus:
        """The corpus that serves now, without them."""
        whole = self._desk.assistant().corpus
        last = self._last
        if last is None or last[0] is not whole:
            held = tuple(one for one in whole.expressions if not is_noted(one))
            last = self._last = (
                whole,
                replace(whole, expressions=held) if len(held) < len(whole.expressions) else whole,
            )
        return last[1]


def _add_law(app: FastAPI, desk: "Desk", rule: _Rule) -> None:
    """The law itself: instruments, provisions, and two of them held against each other."""
    needed = rule.needs(Scope.READ)
    texts = Texts(desk)

    @app.get("/instruments", dependencies=needed, tags=["law"])
    def instruments(sent: Annotated[OnDay, Query()]) -> list[Record]:
        """List the instruments, the wording of each on a day, and where it stands; as `visavis law list --json`."""
        corpus = texts()
        return [instrument_record(corpus, instrument, sent.day) for instrument in corpus.instruments]

    @app.get("/provisions/{instrument}/{pinpoint:path}", dependencies=needed, tags=["law"])
    def provisions(instrument: str, pinpoint: str, sent: Annotated[OnDay, Query()]) -> Record:
        """A provision as it stood on a day, in the text that offsets count in; as `visavis law show --json`."""
        return provision_on(texts(), instrument, pinpoint, sent.day)

    @app.get("/diff", dependencies=needed, tags=["law"])
    def diff(sent: Annotated[Diffed, Query()]) -> list[dict[str, str]]:
        """The first and the last wording of a provision, as words kept, deleted, inserted; as `visavis law diff`."""
        corpus = texts()
        place = Pinpoint.parse(sent.pinpoint)
        wordings = corpus.wordings(known_instrument(corpus, sent.instrument))
        ends = [wording.get(place) for wording in (*wordings[:1], *wordings[-1:])]
        if not any(ends):
            raise Absent(f"{sent.instrument} has no {place.house()} ({place}) in any wording.")
        old, new = (one.text if one else "" for one in ends)
        return segment_records(redline(old, new))

    @app.get("/compare", dependencies=needed, tags=["law"])
    def compare(sent: Annotated[Compared, Query()]) -> Record:
        """Two provisions beside each other, what our concordance says of both, the terms of each; as `law compare`."""
        return compare_on(texts(), sent.left, sent.right, sent.day)


def _add_table(app: FastAPI, desk: "Desk", rule: _Rule) -> None:
    """Our alignment of the two instruments."""

    @app.get("/concordance", dependencies=rule.needs(Scope.READ), tags=["law"])
    def concordance(sent: Annotated[Touching, Query()]) -> list[Record]:
        """Where the instruments meet and where one is silent, in our words; as `visavis concordance --json`."""
        table = load_concordance()
        found = find_touching(table, sent.article) if sent.article else table.correspondence
        return [correspondence_record(one) for one in found if sent.relation in (None, one.relation)]


def _add_export(app: FastAPI, desk: "Desk", rule: _Rule, recorder: Recorder) -> None:
    """Answers as a file."""
    file = {"description": "The file, of the format that was asked for.", "content": {"application/octet-stream": {}}}

    async def export(request: Request) -> Response:
        """Ask questions again and give the answers as a file; docs/api.md says what the body holds."""
        return await send_export(desk, request, recorder)

    app.router.add_api_route(
        EXPORT,
        export,
        methods=["POST"],
        dependencies=[*rule.needs(Scope.EXPORT), Depends(rule.place)],
        response_class=Response,
        responses={200: file},
        tags=["questions"],
    )


async def send_export(desk: "Desk", request: Request, recorder: Recorder) -> Response:
    """The file that a request's body wishes for; the answers in it are entered."""
    assistant = await run_in_threadpool(desk.assistant)
    asking = recorder.asking(assistant, person_of(request.scope), Channel.EXPORT)
    made = await run_in_threadpool(export_asked, assistant, await request.body(), asking, desk.settings)
    disposition = f'attachment; filename="{made.name}"'
    headers = {"Content-Disposition": disposition, "Cache-Control": "no-store"}
    return Response(made.content, media_type=made.media_type, headers=headers)


def provision_on(corpus: Corpus, instrument: str, pinpoint: str, day: date) -> Record:
    """The record of a provision as it stood on a day."""
    return provision_record(corpus, _find(corpus, instrument, pinpoint, day), day)


def compare_on(corpus: Corpus, left: str, right: str, day: date) -> Record:
    """The record of two provisions, each `instrument:pinpoint`, beside each other on a day."""
    one, other = (_find(corpus, *_parted(side), day) for side in (left, right))
    return beside_record(corpus, lay_beside(corpus, one, other))


def _parted(side: str) -> tuple[str, str]:
    instrument, colon, pinpoint = side.partition(":")
    if not colon:
        raise UsageError(f"{side!r} is not instrument:pinpoint; write it as eu-ai-act:art_5/1/f.")
    return instrument, pinpoint


def known_instrument(corpus: Corpus, instrument: str) -> InstrumentId:
    """The id of an instrument of the corpus; raises Absent for another."""
    if instrument not in corpus.instruments:
        raise Absent(f"instrument {instrument!r} is not in the corpus; it has {', '.join(corpus.instruments)}.")
    return InstrumentId(instrument)


def _find(corpus: Corpus, instrument: str, pinpoint: str, day: date) -> Provision:
    place = Pinpoint.parse(pinpoint[:LONGEST_PLACE])
    wording = corpus.wording_on(known_instrument(corpus, instrument), day)
    provision = None if wording is None else wording.get(place)
    if provision is None:
        raise Absent(f"{instrument} has no {place.house()} ({place}) on {day}.")
    return provision


def address_of(connection: Connection) -> str:
    """The address that a request comes from."""
    client = connection.get("client")
    return client[0] if client else "nowhere"


def _log(request: Request, status: HTTPStatus, reason: str = "") -> None:
    """One line, in which nothing stands that the caller wrote."""
    route = request.scope.get("route")
    path = getattr(route, "path", "an unknown address")
    said = f": {reason}" if reason else ""
    log.warning("api: %d %s for %s at %s%s", status, status.phrase, Client(address_of(request.scope)), path, said)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    _log(request, error.status, str(error))
    return problem(error.status, str(error), error.headers)


async def _not_done(request: Request, error: Exception) -> Response:
    """What a caller can put right; what only the administrator can is in the log, for it names paths."""
    if isinstance(error, OURS):
        _log(request, HTTPStatus.SERVICE_UNAVAILABLE, str(error))
        return problem(HTTPStatus.SERVICE_UNAVAILABLE, NOT_NOW, LATER)
    status = HTTPStatus.NOT_FOUND if isinstance(error, Absent) else INVALID
    _log(request, status)
    return problem(status, str(error).removeprefix("--"))  # what is an option on the command line is a field here


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    _log(request, INVALID)
    return problem(INVALID, describe_invalid(error))


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, AnyHTTPException)
    status = HTTPStatus(error.status_code)
    _log(request, status)
    return problem(status, EXPLAINED.get(status, status.phrase), error.headers)


async def _bug(request: Request, error: Exception) -> Response:
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, A_BUG)


HANDLERS = {VisavisError: _not_done, Refused: _refused, RequestValidationError: _invalid, AnyHTTPException: _http}
"""What each kind of failure is answered with."""

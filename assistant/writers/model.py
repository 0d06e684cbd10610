"""A language model as a writer: any chat model of LangChain's, asked for sentences that cite (the only door to them).

Calls run on an event loop in a thread of their own, so that one that hangs, or that nobody reads on, ends at once.
"""

import asyncio
import atexit
import importlib.util
import json
import queue
import threading
from collections.abc import Coroutine, Generator, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, Future
from contextlib import closing, suppress
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar, cast

from assistant.drafting import DraftSentence, Fault, Passage
from assistant.errors import ModelError
from assistant.settings import Form, Settings
from assistant.writers.briefing import MOST_SENTENCES, Brief, Prompt, print_mending, print_prompt
from assistant.writers.reading import BrokenText, Reader
from ingest.errors import VisavisError

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import AIMessageChunk, BaseMessage
    from langchain_core.runnables import Runnable

    Arrived = queue.SimpleQueue[AIMessageChunk | None]

T = TypeVar("T")
Kwargs = dict[str, Any]

EXTRAS = {
    "anthropic": ("langchain_anthropic", "anthropic"),
    "azure_openai": ("langchain_openai", "openai"),
    "mistralai": ("langchain_mistralai", "mistral"),
    "openai": ("langchain_openai", "openai"),
}
"""For each provider with an extra of ours the package that it needs and the extra's name."""

NO_KEY = "none"
PROBE_SECONDS = 30.0
PROBE_PIECES = 4
PROBE_SCHEMA: Kwargs = {
    "title": "Wellness",
    "description": "Whether the model is well.",
    "type": "object",
    "properties": {"well": {"type": "boolean"}},
    "required": ["well"],
    "additionalProperties": False,
}
LOOK_SECONDS = 0.1
END_SECONDS = 2.0
MOST_CITED = 4
SCHEMA_REFUSED = frozenset({400, 422})
CUT_OFF = frozenset({"length", "max_tokens", "content_filter", "refusal"})
STATUS = {
    400: "did not accept the request",
    401: "refused the key",
    403: "refused the key",
    404: "is not known there",
    408: "did not answer in time",
    413: "did not accept a prompt of this length",
    429: "is busy, or its quota is used up",
}


@dataclass(frozen=True, slots=True)
class Patience:
    """How many seconds a call may take from now on, and whether somebody has stopped it."""

    seconds: float
    stop: threading.Event = field(default_factory=threading.Event)
    began: float = field(default_factory=monotonic)

    def left(self) -> float:
        """The seconds left, at least 0."""
        return max(0.0, self.began + self.seconds - monotonic())


@dataclass(frozen=True, slots=True)
class Ability:
    """What a model was seen to do: whether it streams, keeps to a schema, and how many tokens it takes in."""

    streams: bool
    structured: bool
    context: int | None
    first_seconds: float


@dataclass
class ModelWriter:
    """Writes from a brief with the model that the settings name, which is opened in the background."""

    name: str
    settings: Settings
    _model: "Future[BaseChatModel]"
    _refuses_schema: bool = field(default=False)

    @classmethod
    def of(cls, settings: Settings) -> "ModelWriter":
        """The writer that the settings name; raises ModelError for a missing package, SettingsError for a key file."""
        _require_package(settings.provider)
        key = settings.read_key()
        return cls(settings.model or "", settings, _submit(_open(settings, key.get_secret_value() if key else None)))

    @classmethod
    def with_model(cls, model: "BaseChatModel", settings: Settings) -> "ModelWriter":
        """A writer with a model that is open already."""
        opened: Future[BaseChatModel] = Future()
        opened.set_result(model)
        return cls(settings.model or model.__class__.__name__, settings, opened)

    def draft(self, brief: Brief, patience: Patience) -> Generator[DraftSentence, None, None]:
        """The sentences for a brief as they arrive, before any check; raises ModelError where they stop too early."""
        form = self._form()
        try:
            yield from self._write(print_prompt(brief, _FORMS[form]), form, brief.numbers, patience)
        except _SchemaRefused:
            if self.settings.model_form is Form.JSON:
                raise self._trouble("takes no JSON schema; set VISAVIS_MODEL_FORM=lines") from None
            self._refuses_schema = True
            yield from self._write(print_prompt(brief, _FORMS[Form.LINES]), Form.LINES, brief.numbers, patience)

    def mend(
        self, sentence: DraftSentence, faults: Sequence[Fault], passages: Sequence[Passage], patience: Patience
    ) -> DraftSentence | None:
        """The sentence written again for what is wrong with it, or None where the model gives it up."""
        form = self._form()
        prompt = print_mending(sentence, faults, passages, _FORMS[form])
        with closing(self._write(prompt, form, [one.n for one in passages], patience)) as written:
            return next(written, None)

    def answer(self, prompt: Prompt, schema: Kwargs, deadline: float) -> str:
        """The whole text that a prompt brings, kept to a schema where the model takes one; raises ModelError."""
        patience = Patience(deadline - monotonic())
        if self._form() is Form.JSON:
            try:
                return "".join(self._text(prompt, schema, patience))
            except _SchemaRefused:
                self._refuses_schema = True
        return "".join(self._text(prompt, None, patience))

    def probe(self) -> Ability:
        """Try the model with two short requests; raises ModelError where it does not answer."""
        patience = Patience(min(PROBE_SECONDS, self.settings.model_timeout))
        self._open_model(patience)
        began = monotonic()
        with closing(self._text(Prompt("Answer in one line.", "Count from one to nine."), None, patience)) as pieces:
            arrived = [monotonic() - began for _ in islice(filter(None, pieces), PROBE_PIECES)]
        if not arrived:
            raise self._trouble("gave an empty answer")
        return Ability(len(arrived) > 1, self._keeps_schema(patience), self._context(patience), arrived[0])

    def _keeps_schema(self, patience: Patience) -> bool:
        prompt = Prompt('Answer with JSON: {"well": true}.', "Are you well?")
        try:
            answer = json.loads("".join(self._text(prompt, PROBE_SCHEMA, patience)))
        except (ModelError, ValueError, _SchemaRefused):
            return False
        return isinstance(answer, dict) and isinstance(answer.get("well"), bool)

    def _context(self, patience: Patience) -> int | None:
        known = (self._open_model(patience).profile or {}).get("max_input_tokens")
        return known or self._wait(_submit(_ask_context(self._open_model(patience))), patience)

    def _form(self) -> Form:
        if self.settings.model_form is Form.AUTO:
            return Form.LINES if self._refuses_schema else Form.JSON
        return self.settings.model_form

    def _write(
        self, prompt: Prompt, form: Form, numbers: Sequence[int], patience: Patience
    ) -> Generator[DraftSentence, None, None]:
        """The sentences that a prompt brings, at most MOST_SENTENCES."""
        reader = Reader()
        count = 0
        with closing(self._text(prompt, _schema(numbers) if form is Form.JSON else None, patience)) as pieces:
            try:
                for sentence in reader.read_all(pieces):
                    yield sentence
                    count += 1
                    if count == MOST_SENTENCES:
                        return
            except BrokenText as error:
                raise self._trouble(str(error)) from None

    def _text(self, prompt: Prompt, schema: Kwargs | None, patience: Patience) -> Generator[str, None, None]:
        """The text that a prompt brings, piece by piece; the call ends when nobody reads on."""
        model = self._open_model(patience)
        arrived: Arrived = queue.SimpleQueue()
        call = self._wait(_submit(_begin(_pump(_asked(model, schema), _messages(prompt), arrived), arrived)), patience)
        ended = ""
        try:
            while (chunk := self._next(arrived, patience)) is not None:
                ended = _reason(chunk) or ended
                yield chunk.text
        finally:
            _submit(_end(call))
        error = None if call.cancelled() else call.exception()
        if schema is not None and _status(error) in SCHEMA_REFUSED:
            raise _SchemaRefused
        if error is not None:
            raise self._trouble(_say(error))
        if ended in CUT_OFF:
            raise self._trouble(f"was cut off before its end ({ended})")

    def _next(self, arrived: "Arrived", patience: Patience) -> "AIMessageChunk | None":
        """The next piece, or None at the end; raises ModelError where it takes too long or somebody has stopped it."""
        while not patience.stop.is_set():
            with suppress(queue.Empty):
                return arrived.get(timeout=min(LOOK_SECONDS, patience.left()))
            if not patience.left():
                raise self._trouble(f"was not done after {patience.seconds:g} seconds")
        raise self._trouble("was stopped")

    def _open_model(self, patience: Patience) -> "BaseChatModel":
        return self._wait(self._model, patience)

    def _wait(self, call: "Future[T]", patience: Patience) -> T:
        """What a call came to; raises ModelError, in one line without the provider's words, which may hold a key."""
        try:
            error = call.exception(patience.left())
        except TimeoutError:
            raise self._trouble(f"was not ready after {patience.seconds:g} seconds") from None
        except CancelledError:
            raise self._trouble("was stopped") from None
        if error is None:
            return call.result()
        if isinstance(error, _SchemaRefused | ModelError):
            raise error
        raise self._trouble(_say(error)) from None

    def _trouble(self, reason: str) -> ModelError:
        host = self.settings.model_host
        return ModelError(f"the model {self.name}{f' at {host}' if host else ''} {reason}")


class _SchemaRefused(Exception):
    """The model takes no JSON schema."""


_FORMS: Mapping[Form, str] = {Form.JSON: "form_json.md", Form.LINES: "form_lines.md"}


def _schema(numbers: Sequence[int]) -> Kwargs:
    """The JSON schema of an answer that cites none but these passages, and quotes before it states."""
    few = {"minItems": 1, "maxItems": MOST_CITED}
    claim = {
        "type": "object",
        "properties": {
            "passages": {"type": "array", "items": {"type": "integer", "enum": list(numbers)}} | few,
            "quotes": {"type": "array", "items": {"type": "string"}} | few,
            "text": {"type": "string"},
        },
        "required": ["passages", "quotes", "text"],
        "additionalProperties": False,
    }
    return {
        "title": "Claims",
        "description": "Sentences, each with the passages that carry it.",
        "type": "object",
        "properties": {"claims": {"type": "array", "items": claim, "maxItems": MOST_SENTENCES}},
        "required": ["claims"],
        "additionalProperties": False,
    }


def _asked(model: "BaseChatModel", schema: Kwargs | None) -> "Runnable[list[BaseMessage], AIMessageChunk]":
    """The model, bound to a schema where there is one; raises _SchemaRefused where it takes none."""
    from langchain_core.runnables import RunnableSequence

    if schema is None:
        return cast("Runnable[list[BaseMessage], AIMessageChunk]", model)
    if (model.profile or {}).get("structured_output") is False:
        raise _SchemaRefused
    try:
        bound = model.with_structured_output(schema, method="json_schema")
    except (NotImplementedError, ValueError, TypeError):
        raise _SchemaRefused from None
    if not isinstance(bound, RunnableSequence):
        raise _SchemaRefused
    return cast("Runnable[list[BaseMessage], AIMessageChunk]", bound.first)


def _messages(prompt: Prompt) -> "list[BaseMessage]":
    from langchain_core.messages import HumanMessage, SystemMessage

    return [SystemMessage(prompt.system), HumanMessage(prompt.user)]


async def _pump(
    model: "Runnable[list[BaseMessage], AIMessageChunk]", messages: "list[BaseMessage]", arrived: "Arrived"
) -> None:
    """Read a model's answer into the queue; nothing of it goes to LangSmith, whatever the environment says."""
    from langsmith import tracing_context

    with tracing_context(enabled=False):
        async for chunk in model.astream(messages):
            arrived.put(chunk)


async def _begin(work: "Coroutine[Any, Any, None]", arrived: "Arrived") -> "asyncio.Task[None]":
    """A call under way, at whose end None arrives."""

    def end(call: "asyncio.Task[None]") -> None:
        if not call.cancelled():
            call.exception()  # is read here, so that asyncio does not log it where nobody waits for it any more
        arrived.put(None)

    call = asyncio.create_task(work)
    call.add_done_callback(end)
    return call


async def _end(call: "asyncio.Task[None]") -> None:
    """Cancel a call until it ends: before Python 3.12 asyncio.wait_for can lose a cancellation."""
    while not call.done():
        call.cancel()
        await asyncio.wait([call], timeout=LOOK_SECONDS)


async def _open(settings: Settings, key: str | None) -> "BaseChatModel":
    """The chat model, with the temperature set where the model takes one."""
    from langchain.chat_models import init_chat_model

    name, given = settings.model or "", _arguments(settings, key)
    model = init_chat_model(name, **given)
    if settings.model_temperature is None or (model.profile or {}).get("temperature") is False:
        return model
    return init_chat_model(name, temperature=settings.model_temperature, **given)


def _arguments(settings: Settings, key: str | None) -> Kwargs:
    """What init_chat_model is told; a provider's own key never goes to an address of the user's."""
    given: Kwargs = {}
    azure = settings.provider == "azure_openai"
    if settings.model_base_url is not None:
        given["azure_endpoint" if azure else "base_url"] = settings.model_base_url
    if azure:
        given["azure_deployment"] = (settings.model or "").partition(":")[2]
    if key is not None:
        given["api_key"] = key
    elif settings.model_base_url is not None and settings.provider in EXTRAS:
        given["api_key"] = NO_KEY
    return given


async def _ask_context(model: "BaseChatModel") -> int | None:
    """The context that an OpenAI-compatible server names for its first model (llama.cpp, vLLM), or None."""
    client = getattr(model, "root_async_client", None)
    if client is None:
        return None
    async for entry in client.models.list():
        named = entry.model_extra or {}
        meta = named.get("meta") or {}
        found = meta.get("n_ctx") or named.get("max_model_len") or meta.get("n_ctx_train")
        return found if isinstance(found, int) else None
    return None


def _require_package(provider: str) -> None:
    package, extra = EXTRAS.get(provider, ("", ""))
    if package and importlib.util.find_spec(package) is None:
        raise ModelError(f"VISAVIS_MODEL names {provider}, whose package is missing: pip install 'visavis[{extra}]'.")


def _reason(chunk: "AIMessageChunk") -> str:
    """Why the model ended, where this piece says so."""
    said = chunk.response_metadata
    return str(said.get("finish_reason") or said.get("stop_reason") or "")


def _say(error: BaseException) -> str:
    """What a provider's error comes to, in words of ours."""
    status, name = _status(error), type(error).__name__
    ours = next((one for one in _chain(error) if isinstance(one, VisavisError)), None)
    if ours is not None:
        return f"was not reached: {str(ours).rstrip('.')}"
    if status is not None:
        said = STATUS.get(status, "failed" if status >= 500 else "did not accept the request")
        return f"{said} (HTTP {status})"
    if isinstance(error, ImportError):
        return f"needs a package that is missing ({error.name or name})"
    if "Length" in name or "ContentFilter" in name:
        return "was cut off before its end"
    if "Timeout" in name:
        return "did not answer in time"
    if "Connect" in name:
        return "cannot be reached"
    return f"failed ({name})"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error and those that it came from."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _status(error: BaseException | None) -> int | None:
    """The HTTP status of a provider's error, where it has one."""
    status = getattr(error, "status_code", None) or getattr(getattr(error, "response", None), "status_code", None)
    return status if isinstance(status, int) else None


def _submit(work: "Coroutine[Any, Any, T]") -> "Future[T]":
    return asyncio.run_coroutine_threadsafe(work, _loop())


@lru_cache(maxsize=1)
def _loop() -> asyncio.AbstractEventLoop:
    """The event loop of all calls, running in its own thread until the program ends."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="visavis-model", daemon=True)
    thread.start()

    def end() -> None:
        asyncio.run_coroutine_threadsafe(_end_calls(), loop).result(END_SECONDS)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(END_SECONDS)
        loop.close()

    atexit.register(end)
    return loop


async def _end_calls() -> None:
    """End every call that is still under way."""
    calls = asyncio.all_tasks() - {asyncio.current_task()}
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)

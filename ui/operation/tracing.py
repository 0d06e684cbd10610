"""Traces for an operator's own collector, and the only door to opentelemetry: off unless an address is set.

A span for each request has its method, route and status, one for each answer its intent, writer and timings; no word of
a question, no query, no address. Spans are made here and not by an instrumentation, which would send whole URLs.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from assistant.answer import Answer
from assistant.errors import SettingsError
from ui.record.entry import Channel

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

SETTING = "VISAVIS_TRACE_ENDPOINT"
MISSING = f"{SETTING} is set, and the packages for traces are missing; pip install 'visavis[tracing]'."
EXPORTS_WITHIN = 5  # seconds


class Spans:
    """The spans of one application, on their way to a collector."""

    def __init__(self, provider: "TracerProvider", version: str) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("visavis", version)

    @contextmanager
    def request(self, method: str, route: str, headers: Mapping[str, str]) -> Iterator[Callable[[int], None]]:
        """A span around a request, in the trace that its header `traceparent` names; gives what takes the status."""
        from opentelemetry.trace import SpanKind, Status, StatusCode
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        parent = TraceContextTextMapPropagator().extract({"traceparent": headers.get("traceparent", "")})
        known = {"http.request.method": method, "http.route": route}
        named = f"{method} {route}"
        with self._tracer.start_as_current_span(
            named, parent, SpanKind.SERVER, known, record_exception=False, set_status_on_exception=False
        ) as span:  # an exception may quote what was asked

            def ended(status: int) -> None:
                span.set_attribute("http.response.status_code", status)
                if status >= 500:
                    span.set_status(Status(StatusCode.ERROR))

            yield ended

    def answered(self, channel: Channel, answer: Answer, milliseconds: float) -> None:
        """A span for an answer that was given, in the trace of its request."""
        from time import time_ns

        now = time_ns()
        span = self._tracer.start_span("answer", start_time=now - int(milliseconds * 1_000_000))
        span.set_attributes(
            {
                "visavis.channel": str(channel),
                "visavis.intent": str(answer.intent),
                "visavis.writer": answer.writer.name,
                "visavis.refusal": str(answer.refusal.reason) if answer.refusal else "",
                "visavis.corpus": answer.corpus_id,
                "visavis.retrieve_ms": answer.timings.retrieve,
                "visavis.write_ms": answer.timings.write,
            }
        )
        span.end(now)

    def close(self) -> None:
        """Send what is left."""
        self._provider.shutdown()


def open_spans(endpoint: str, version: str) -> Spans:
    """Spans that go to a collector over OTLP/HTTP; raises SettingsError where the packages for it are missing."""
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        raise SettingsError(MISSING) from None
    provider = TracerProvider(resource=Resource({"service.name": "visavis", "service.version": version}))
    exporter = OTLPSpanExporter(f"{endpoint}/v1/traces", timeout=EXPORTS_WITHIN)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return Spans(provider, version)

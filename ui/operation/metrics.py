"""What a server counts, in Prometheus' format, and the only door to prometheus_client: no question, nobody's name."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from assistant.answer import Answer
from ui.places import Places
from ui.record.entry import Channel
from ui.record.recorder import Recorder

if TYPE_CHECKING:
    from prometheus_client import Metric

    from assistant.desk import Desk

BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 1.5, 2.5, 5.0, 10.0, 30.0, 60.0)
FALLBACK = "model_unavailable"
"""The notice of an answer whose model wrote nothing."""


class Metrics:
    """The counters of one application, in a registry of its own."""

    def __init__(self, desk: "Desk", places: Places, recorder: Recorder, version: str) -> None:
        from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector

        self._desk, self._places, self._recorder, self._version = desk, places, recorder, version
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._questions = Counter(
            "visavis_questions",
            "Questions answered, refusals among them.",
            ("channel", "writer", "intent"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "visavis_answer_seconds",
            "Seconds until the whole answer stood.",
            ("channel", "writer"),
            buckets=BUCKETS,
            registry=self._registry,
        )
        self._refusals = Counter(
            "visavis_refusals", "Questions that were refused, by reason.", ("reason",), registry=self._registry
        )
        self._fallbacks = Counter(
            "visavis_model_fallbacks", "Answers left as quotations, for the model failed.", registry=self._registry
        )
        self._dropped = Counter(
            "visavis_dropped_claims", "Sentences of a model that its check dropped.", registry=self._registry
        )
        self._responses = Counter(
            "visavis_http_responses", "Responses by status, 429 among them.", ("status",), registry=self._registry
        )
        self._registry.register(_Now(self))

    def answered(self, channel: Channel, answer: Answer, milliseconds: float) -> None:
        """Count an answer."""
        writer = answer.writer.name
        self._questions.labels(channel, writer, answer.intent).inc()
        self._seconds.labels(channel, writer).observe(milliseconds / 1000)
        if answer.refusal is not None:
            self._refusals.labels(answer.refusal.reason).inc()
        if any(notice.kind == FALLBACK for notice in answer.notices):
            self._fallbacks.inc()
        self._dropped.inc(len(answer.dropped))

    def responded(self, status: int) -> None:
        """Count a response."""
        self._responses.labels(str(status)).inc()

    def text(self) -> tuple[bytes, str]:
        """All of it as text, and that text's media type."""
        from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

        return generate_latest(self._registry), CONTENT_TYPE_LATEST

    def now(self) -> Iterator["Metric"]:
        """What is measured when somebody asks."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily

        corpus = self._desk.assistant().corpus
        built = datetime.fromisoformat(corpus.built).astimezone(UTC).timestamp()
        yield InfoMetricFamily("visavis_build", "The program.", {"version": self._version})
        yield InfoMetricFamily("visavis_corpus", "The index that serves.", {"id": corpus.id, "built": corpus.built})
        yield GaugeMetricFamily("visavis_index_age_seconds", "Since the index was built.", max(0, time.time() - built))
        places, record = self._places, self._recorder
        yield GaugeMetricFamily("visavis_questions_under_way", "Questions being answered.", places.taken)
        yield GaugeMetricFamily("visavis_questions_waiting", "Questions waiting for a place.", places.waiting)
        yield CounterMetricFamily(
            "visavis_questions_turned_away", "Questions told to come again, for the line was full.", places.refused
        )
        yield GaugeMetricFamily("visavis_record_waiting", "Entries that the record has not taken yet.", record.waiting)
        yield GaugeMetricFamily("visavis_record_away", "1 while the record's database takes nothing.", record.is_away)


class _Now:
    """What the registry asks at each look, and nothing when it is made."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def describe(self) -> list["Metric"]:
        """No name before the first look."""
        return []

    def collect(self) -> Iterator["Metric"]:
        """The figures of now."""
        return self._metrics.now()

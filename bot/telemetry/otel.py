"""Spans of requests, turns, jobs and sends, by OTLP. The trace ids are those of our rows and logs.

Nothing becomes OpenTelemetry's global: a library that brings instruments of its own sends nothing through us.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from uuid import UUID

from opentelemetry import trace as api
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
)
from opentelemetry.util.types import Attributes

from bot import trace
from bot.redaction import redacted
from bot.telemetry.settings import OtelSettings

__all__ = ["open_otel"]

EXPORT_TIMEOUT_S = 2
LOW_64 = (1 << 64) - 1


class _Ids(IdGenerator):
    """A trace has the id that rows and logs know. The span that begins it is named by its lower half, so that others find it as their parent."""

    def __init__(self) -> None:
        self.first: int | None = None  # of the span that is made next, when it begins a trace

    def generate_trace_id(self) -> int:
        current = trace.current()
        return current.int if current is not None else random.getrandbits(128) or 1

    def generate_span_id(self) -> int:
        first, self.first = self.first, None
        return first if first is not None else random.getrandbits(64) or 1


class _Whole(Sampler):
    """The same answer for a trace in every process; a digest, because ids of rows are not random all over."""

    def __init__(self, ratio: float) -> None:
        self._bound = round(ratio * (1 << 64))

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        digest = hashlib.blake2b(trace_id.to_bytes(16, "big"), digest_size=8).digest()
        is_in = int.from_bytes(digest, "big") < self._bound
        return SamplingResult(Decision.RECORD_AND_SAMPLE if is_in else Decision.DROP, attributes, trace_state)

    def get_description(self) -> str:
        return "whole traces"


def open_otel(settings: OtelSettings, *, service: str) -> Callable[[], None]:
    """From now on named blocks of `bot.trace.traced` are spans. Returns what sends the rest and stops."""
    assert settings.endpoint is not None
    exporter = OTLPSpanExporter(endpoint=settings.endpoint, headers=_headers(settings), timeout=EXPORT_TIMEOUT_S)
    ids = _Ids()
    provider = TracerProvider(
        sampler=_Whole(settings.ratio),
        resource=Resource({"service.name": f"chatnation.{service}"}),
        id_generator=ids,
        shutdown_on_exit=False,
    )
    provider.add_span_processor(BatchSpanProcessor(exporter, export_timeout_millis=EXPORT_TIMEOUT_S * 1000))
    tracer = provider.get_tracer("chatnation")

    @contextmanager
    def span(name: str, trace_id: UUID, begins: bool, attributes: dict[str, str]) -> Iterator[None]:
        parent = Context() if begins else _parent(trace_id)
        ids.first = _first_span(trace_id) if begins else None
        said = {key: redacted(value, key) for key, value in attributes.items()}
        opened = tracer.start_span(name, parent, SpanKind.SERVER if begins else SpanKind.INTERNAL, said)
        with api.use_span(opened, end_on_exit=True, record_exception=False, set_status_on_exception=False):
            try:
                yield
            except BaseException as e:
                # Only its kind: what it says may quote what people wrote.
                opened.set_status(Status(StatusCode.ERROR, type(e).__name__))
                raise

    trace.open_spans_with(span)

    def close() -> None:
        trace.open_spans_with(None)
        provider.shutdown()

    return close


def _parent(trace_id: UUID) -> Context | None:
    """None: the span around us is of this trace. Else the one that began it, somewhere else."""
    if api.get_current_span().get_span_context().trace_id == trace_id.int:
        return None
    flags = TraceFlags(TraceFlags.SAMPLED)
    begun = SpanContext(trace_id.int, _first_span(trace_id), is_remote=True, trace_flags=flags)
    return api.set_span_in_context(NonRecordingSpan(begun), Context())


def _first_span(trace_id: UUID) -> int:
    return (trace_id.int & LOW_64) or 1


def _headers(settings: OtelSettings) -> dict[str, str] | None:
    if settings.headers is None:
        return None
    pairs = (each.partition("=") for each in settings.headers.get_secret_value().split(","))
    return {name.strip(): value.strip() for name, _, value in pairs if name.strip()}

"""Spans that arrive at a collector: ids of our rows, one root, no words of people."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import pytest
from opentelemetry import trace as api

from bot import telemetry
from bot.config import Configuration
from bot.trace import traced
from tests.support.recorder import Recorder, recording

TRACE = UUID("4bf92f3577b34da6a3ce929d0e0e4736")


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    with recording() as recorder:
        yield recorder
        telemetry.stop()


def test_the_span_that_begins_a_trace_is_the_parent_in_other_processes(recorder: Recorder) -> None:
    _start(recorder)
    with traced(None, "POST /webhooks/whatsapp") as trace_id:
        pass
    with traced(trace_id, "turn", kind="message"), traced(trace_id, "send", lane="reply"):
        pass
    telemetry.stop()
    spans = {span.name: span for _, span in recorder.spans()}
    assert {span.trace_id for span in spans.values()} == {trace_id.bytes}
    begun, turn, send = (spans[name] for name in ("POST /webhooks/whatsapp", "turn", "send"))
    assert begun.parent_span_id == b""
    assert turn.parent_span_id == begun.span_id
    assert send.parent_span_id == turn.span_id
    assert {each.key: each.value.string_value for each in turn.attributes} == {"kind": "message"}
    assert {service for service, _ in recorder.spans()} == {"chatnation.web"}


def test_the_callers_trace_goes_on(recorder: Recorder) -> None:
    _start(recorder)
    with traced(TRACE, "POST /webhooks/whatsapp"):
        pass
    telemetry.stop()
    [(_, span)] = recorder.spans()
    assert span.trace_id == TRACE.bytes


def test_an_error_says_its_kind_and_not_its_words(recorder: Recorder) -> None:
    _start(recorder)
    with pytest.raises(ValueError, match="ill"), traced(None, "turn", phone="+254733918274"):
        raise ValueError("my mother is ill")
    telemetry.stop()
    [(_, span)] = recorder.spans()
    assert span.status.message == "ValueError"
    sent = recorder.bodies[0][1]
    assert b"mother" not in sent
    assert b"733918274" not in sent


@pytest.mark.parametrize(("ratio", "expected"), [(0, 0), (0.5, 1), (1, 2)])
def test_a_trace_is_sent_as_a_whole_or_not_at_all(recorder: Recorder, ratio: float, expected: int) -> None:
    _start(recorder, OTEL__RATIO=ratio)
    # By their digests one of these is in the lower half and one is not; both have what ids of rows have in common.
    for text in ("0199b3f2-1111-7222-8333-444455556666", "0199b3f2-1111-7222-8333-444455556668"):
        with traced(UUID(text), "turn"), traced(UUID(text), "send"):
            pass
    telemetry.stop()
    assert len(recorder.spans()) == expected * 2


def test_headers_go_with_it_and_nothing_becomes_global(recorder: Recorder) -> None:
    _start(recorder, OTEL__HEADERS="x-team=chat, authorization=Basic abc")
    with traced(None, "turn"), api.get_tracer("somebody else's").start_as_current_span("theirs"):
        pass
    telemetry.stop()
    assert [span.name for _, span in recorder.spans()] == ["turn"]
    assert recorder.headers[0]["x-team"] == "chat"
    assert recorder.headers[0]["authorization"] == "Basic abc"


def _start(recorder: Recorder, **settings: object) -> None:
    given = {f"CHATNATION__{name}": str(value) for name, value in settings.items()}
    given |= {"CHATNATION__METRICS__ENABLED": "false", "CHATNATION__OTEL__ENDPOINT": recorder.otlp_endpoint}
    telemetry.start(Configuration.read(given), service="web")

"""What an error sends to Sentry: enough to mend it, and nothing of what people wrote."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from uuid import UUID

import pytest
from pydantic import TypeAdapter

from bot import telemetry
from bot.config import Configuration
from bot.telemetry import sentry
from bot.trace import traced
from store.scope import organization_scope
from tests.support.leaks import leaks
from tests.support.recorder import Recorder, recording

TRACE = UUID("4bf92f3577b34da6a3ce929d0e0e4736")
ORGANIZATION = UUID("0192f0c1-2345-7abc-8def-0123456789ab")
log = logging.getLogger("tests.of.sentry")


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    with recording() as recorder:
        telemetry.start(_configuration(SENTRY__DSN=recorder.sentry_dsn), service="worker.interactive")
        try:
            yield recorder
        finally:
            telemetry.stop()


def test_an_error_arrives_with_its_place_trace_and_organization(recorder: Recorder) -> None:
    with traced(TRACE), organization_scope(ORGANIZATION):
        try:
            raise RuntimeError("drawing a ticket")
        except RuntimeError:
            log.exception("job raised", extra={"action": "job.failed", "attempt": 2})
    telemetry.stop()
    [event] = recorder.events()
    assert event["logentry"]["formatted"] == "job raised"
    assert event["tags"] == {
        "service": "worker.interactive",
        "organization_id": str(ORGANIZATION),
        "trace_id": TRACE.hex,
        "action": "job.failed",
    }
    assert event["contexts"]["trace"]["trace_id"] == TRACE.hex
    [error] = event["exception"]["values"]
    assert (error["type"], error["value"]) == ("RuntimeError", "drawing a ticket")
    assert (
        error["stacktrace"]["frames"][-1]["function"] == "test_an_error_arrives_with_its_place_trace_and_organization"
    )
    assert event["extra"]["attempt"] == 2


def test_nothing_of_people_leaves_the_house(recorder: Recorder) -> None:
    text, name, token = "my mother is ill", "Zawadi Kipkemboi", "EAAG" + "x1Y2" * 10
    log.info("breadcrumb of %s", name)
    try:
        said = {"text": text, "phone": "+254733918274"}  # a local variable of the frame
        TypeAdapter(int).validate_python(said["text"])
    except ValueError:
        log.exception("call of %s failed", "+254733918274", extra={"token": token, "to": "254733918274"})
    try:
        try:
            int(text)
        except ValueError as e:
            raise RuntimeError("reading an answer") from e
    except RuntimeError:
        log.exception("it failed")
    telemetry.stop()
    sent = [body.decode() for _, body in recorder.bodies]
    assert len(recorder.events()) == 2
    assert leaks(sent, [text, name, token, "733918274"]) == []
    assert [each["value"] for each in recorder.events()[1]["exception"]["values"]] == [
        "[message left out]",
        "reading an answer",
    ]
    assert leaks([json.dumps({"value": text})], [text]), "the scan sees nothing"


def test_what_the_library_collects_besides_is_not_sent(recorder: Recorder) -> None:
    log.error("it failed")
    telemetry.stop()
    [event] = recorder.events()
    assert set(event) <= {*sentry.OF_EVENT, "tags", "logentry", "extra", "exception", "contexts"}
    assert "vars" not in json.dumps(event)
    assert "server_name" not in event


def test_a_warning_is_no_error(recorder: Recorder) -> None:
    log.warning("look at it this week")
    telemetry.stop()
    assert recorder.bodies == []


def _configuration(**settings: object) -> Configuration:
    given = {f"CHATNATION__{name}": str(value) for name, value in settings.items()}
    return Configuration.read({"CHATNATION__METRICS__ENABLED": "false"} | given)

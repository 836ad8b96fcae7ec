"""What a whole run says about itself: one trace from webhook to answer, in the logs of every process, and nothing of what people are or wrote."""

from __future__ import annotations

import asyncio
import re
import time
import urllib.request
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import aiohttp
import orjson
import pytest
from prometheus_client.parser import text_string_to_metric_families

from bot.demo.people import DemoOrganization, read
from channels.emulator.client import EmulatorClient
from channels.whatsapp.signature import HEADER, sign
from tests.channels.posts import delivery, item
from tests.e2e.conftest import RETRIES_S
from tests.e2e.stack import Stack, chatnation, running
from tests.support.leaks import leaks, spellings
from tests.support.recorder import Recorder, recording

FIELDS = {"timestamp", "level", "service", "trace_id", "organization_id", "user_id", "action", "metadata"}
ACTION = re.compile(r"[a-z_]+(\.[a-z_]+)+")
WA_ID, NAME, EMAIL = "254733918274", "Zawadi Kipkemboi", "zawadi.kip@planted.example"
CALLER = "254733918275"
TEXTS = ("marmalade xylophone", "quixotic porcupines", "I was diagnosed with bilharzia")
JPEG = bytes.fromhex("ffd8ffe000104a46494600010100000100010000ffd9")


@pytest.fixture(scope="module")
def recorder() -> Iterator[Recorder]:
    with recording() as recorder:
        yield recorder


@pytest.fixture(scope="module")
def observed(recorder: Recorder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """It tells all that it can: every record of the log, errors to Sentry, spans to OpenTelemetry."""
    settings = {"LOG__FORMAT": "json", "LOG__LEVEL": "DEBUG", "TURN__UNKNOWN_GRACE_S": 3}
    settings |= {"SENTRY__DSN": recorder.sentry_dsn, "OTEL__ENDPOINT": recorder.otlp_endpoint}
    with running(tmp_path_factory.mktemp("observed"), **settings) as stack:
        yield stack


async def test_one_trace_leads_from_the_webhook_to_the_answer(observed: Stack) -> None:
    """The caller's own, which only the webhook was told."""
    trace_id = uuid4().hex
    body = delivery((read(observed.data)[0], {"messages": [item("hi", phone=CALLER)]}))
    async with observed.emulator() as client:
        await _fresh(client, CALLER)
        assert await _post(observed, body, traceparent=f"00-{trace_id}-00f067aa0ba902b7-01") == 200
        await client.wait_for_reply(CALLER, timeout_s=20)
    await _said(observed, trace_id, "message.accepted")
    services = {record["action"]: record["service"] for record in _of(observed, trace_id)}
    assert services["request.answered"] == "web"
    assert services["turn.committed"] == services["message.accepted"] == "worker.interactive"
    [turn] = [each for each in _of(observed, trace_id) if each["action"] == "turn.committed"]
    assert turn["organization_id"] == read(observed.data)[0].organization_id
    assert turn["user_id"]


async def test_a_trace_that_nobody_gave_is_born_at_the_webhook_and_goes_through_jobs(observed: Stack) -> None:
    async with observed.emulator() as client:
        await client.add_user(WA_ID, NAME)
        media_id = await client.upload(JPEG, "image/jpeg", "photo.jpg")
        await client.send(WA_ID, media={"id": media_id, "caption": TEXTS[1]})
        await client.wait_for_reply(WA_ID, timeout_s=20)
    job = await _record(observed, "job.done", job="core.fetch_media")
    assert job["service"] == "worker.bulk"
    trace_id = job["trace_id"]
    await _said(observed, trace_id, "message.accepted")
    actions = {record["action"] for record in _of(observed, trace_id)}
    assert {"request.answered", "turn.committed", "job.done", "message.accepted"} <= actions


async def test_a_send_that_is_tried_again_by_another_task_keeps_its_trace(observed: Stack) -> None:
    trace_id = uuid4().hex
    phone = "254733918276"
    body = delivery((read(observed.data)[0], {"messages": [item("hi", phone=phone)]}))
    async with observed.emulator() as client:
        await _fresh(client, phone)
        await client.set_fault("error", next_n=1, wa_id=phone, on="messages", params={"code": 131000})
        assert await _post(observed, body, traceparent=f"00-{trace_id}-00f067aa0ba902b7-01") == 200
        await client.wait_for_reply(phone, timeout_s=30)
        await client.clear_faults()
    await _said(observed, trace_id, "message.accepted")
    tries = [each["action"] for each in _of(observed, trace_id) if (each["action"] or "").startswith("message.")]
    assert tries[0] == "message.retry"
    assert tries[-1] == "message.accepted"


def test_every_process_shows_its_metrics_where_demo_info_says(observed: Stack) -> None:
    with urllib.request.urlopen(f"{observed.info()['urls']['admin']}/invitation?token=nobodys", timeout=20) as answer:
        assert answer.status == 200  # which the database was asked for
    addresses = observed.info()["metrics"]
    assert set(addresses) == set(observed.pids()) - {"postgres", "nats", "emulator"}
    found = {name: _scrape(url) for name, url in addresses.items()}
    services = {name: next(iter(each["chatnation_process_info"]))["service"] for name, each in found.items()}
    assert services["web"] == "web"
    assert services["worker-interactive"] == "worker.interactive"
    assert services["clock"] == "clock"
    for name, each in found.items():
        assert each["container_memory_usage"], name
        assert each["db_query_duration_seconds_count"], name
    assert found["worker-interactive"]["messages_processed_total"]
    assert found["web"]["http_request_duration_seconds_count"]
    assert {labels["queue"] for labels in found["clock"]["nats_queue_depth"]} == {"interactive", "bulk", "render"}
    assert found["clock"]["postgres_connections_active"]


async def test_the_spans_of_one_message_hang_together_over_the_processes(observed: Stack, recorder: Recorder) -> None:
    async with observed.emulator() as client:
        await client.add_user(WA_ID, NAME)
        await client.ask(WA_ID, "hi", timeout_s=20)
    of_trace = await _spans(recorder, "POST /webhooks/whatsapp", "turn", "send")
    service, begun = of_trace["POST /webhooks/whatsapp"]
    assert (service, begun.parent_span_id) == ("chatnation.web", b"")
    service, turn = of_trace["turn"]
    assert (service, turn.parent_span_id) == ("chatnation.worker.interactive", begun.span_id)
    assert of_trace["send"][1].parent_span_id == turn.span_id


async def test_nothing_of_people_and_no_secret_is_in_any_log_of_a_run(observed: Stack, recorder: Recorder) -> None:
    people = read(observed.data)
    async with observed.emulator() as client:
        await _live(client, observed)
    await _record(observed, "action.failed")
    await _record(observed, "message.failed")
    await _record(observed, "delivery.refused")
    lines = observed.words().splitlines()
    services = {record["service"] for record in _records(observed)}
    assert services >= {"web", "worker.interactive", "worker.bulk", "worker.render", "clock"}
    secrets = [
        *_secrets(observed, people),
        NAME,
        *NAME.split(),
        EMAIL,
        *TEXTS,
        *(word for text in TEXTS[:2] for word in text.split()),
    ]
    for wa_id in (WA_ID, CALLER):
        secrets += spellings(wa_id)
    assert leaks(lines, secrets) == []
    until = time.monotonic() + 10
    while not recorder.events():
        assert time.monotonic() < until, "the failed action is not at Sentry's"
        await asyncio.sleep(0.2)
    assert leaks([body.decode(errors="replace") for _, body in recorder.bodies], secrets) == []
    for planted in (
        NAME,
        EMAIL,
        TEXTS[0],
        spellings(WA_ID)[0],
        "+254 733 918 274",
        people[0].access_token,
        "0722 000 000",
    ):
        assert leaks([*lines, f"control {planted}"], secrets), f"the scan does not see {planted}"


def test_every_record_of_the_run_has_the_fields_of_the_seed(observed: Stack) -> None:
    records = _records(observed)
    assert len(records) > 50
    for record in records:
        assert set(record) == FIELDS
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", record["timestamp"])
        assert record["level"] in ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
        assert record["action"] is None or ACTION.fullmatch(record["action"]), record
        assert record["trace_id"] is None or re.fullmatch(r"[0-9a-f]{32}", record["trace_id"]), record
        assert record["metadata"]["message"]


# -- a day in the life


async def _live(client: EmulatorClient, stack: Stack) -> None:
    """Every kind of message, a form with personal data, an action that fails, sends that are refused, an announcement."""
    await client.set_pace(retry_schedule_s=RETRIES_S)
    await client.add_user(WA_ID, NAME)
    for text in ("hi", *TEXTS, f"write to {EMAIL} or call +{WA_ID}", "register"):
        await client.ask(WA_ID, text, timeout_s=20)
    await client.tap(WA_ID, 0)
    await client.wait_for_reply(WA_ID, timeout_s=20)
    for sent in (
        {"location": {"latitude": -1.28, "longitude": 36.81, "name": TEXTS[0]}},
        {"contacts": [{"name": {"formatted_name": NAME}, "phones": [{"phone": f"+{WA_ID}"}]}]},
        {"unsupported": {"type": "poll_creation"}},
        {"raw": {"type": "hologram", "hologram": {"of": NAME, "said": TEXTS[2]}}},
        {"request_welcome": True},
    ):
        await client.send(WA_ID, **sent)
    await client.ask(WA_ID, "cancel", timeout_s=20)
    # An action that raises on what it was told.
    await client.ask(WA_ID, "calls", timeout_s=20)
    await client.ask(WA_ID, TEXTS[0], timeout_s=20)
    # Sends that Meta refuses for good.
    await client.set_fault("error", probability=1.0, params={"code": 131026})
    await client.text(WA_ID, "stop")
    await asyncio.sleep(2)
    await client.clear_faults()
    await client.text(WA_ID, "start")
    await client.wait_until_idle(timeout_s=20)
    done = await asyncio.to_thread(
        chatnation, "demo", "announce", "ai-data-summit", TEXTS[1], "--wait", environment=stack.environment
    )
    assert done.returncode in (0, 1), done.stderr
    # Not signed by the app, and no JSON at all.
    body = delivery((read(stack.data)[0], {"messages": [item(TEXTS[0], phone=WA_ID)]}))
    assert await _post(stack, body, secret="wrong") == 403
    assert await _post(stack, b'{"text": "' + TEXTS[0].encode()) == 200


async def _fresh(client: EmulatorClient, wa_id: str) -> None:
    """Somebody whose messages the test posts itself: their phone knows of none, so no window would be open."""
    await client.add_user(wa_id, "Somebody")
    await client.set_limits(enforce_window=False)


# -- reading


def _records(stack: Stack) -> list[dict[str, Any]]:
    """Of our own processes; PostgreSQL, NATS and `up` itself speak otherwise."""
    found = []
    for line in stack.words().splitlines():
        _, brace, rest = line.partition(" {")
        if brace and '"service"' in rest:
            found.append(orjson.loads("{" + rest))
    return found


def _of(stack: Stack, trace_id: str) -> list[dict[str, Any]]:
    return [record for record in _records(stack) if record["trace_id"] == trace_id]


async def _said(stack: Stack, trace_id: str, action: str) -> None:
    """Waits: a log line comes a moment after what it tells."""
    until = time.monotonic() + 15
    while not any(record["action"] == action for record in _of(stack, trace_id)):
        assert time.monotonic() < until, _of(stack, trace_id)
        await asyncio.sleep(0.2)


async def _record(stack: Stack, action: str, **metadata: str) -> dict[str, Any]:
    until = time.monotonic() + 20
    while True:
        for record in _records(stack):
            if record["action"] == action and metadata.items() <= record["metadata"].items():
                return record
        assert time.monotonic() < until, f"nobody said {action}"
        await asyncio.sleep(0.2)


async def _spans(recorder: Recorder, *names: str) -> dict[str, tuple[str, Any]]:
    """Those of one trace that has them all, with their service. Exporters wait five seconds for more."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        traces: dict[bytes, dict[str, tuple[str, Any]]] = {}
        for service, span in recorder.spans():
            traces.setdefault(span.trace_id, {})[span.name] = (service, span)
        for found in traces.values():
            # One of those before begins with the caller's span, which nobody sent.
            if set(names) <= set(found) and not found[names[0]][1].parent_span_id:
                return found
        await asyncio.sleep(0.5)
    raise AssertionError(f"no trace has {names}: {[span.name for _, span in recorder.spans()]}")


def _scrape(url: str) -> dict[str, list[dict[str, str]]]:
    """Sample -> the labels that it is there with."""
    with urllib.request.urlopen(url, timeout=5) as answer:
        text = answer.read().decode()
    found: dict[str, list[dict[str, str]]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, []).append(sample.labels)
    return found


def _secrets(stack: Stack, people: list[DemoOrganization]) -> list[str]:
    state = stack.state
    passwords = [
        found[1]
        for dsn in (state.dsn, state.system_dsn, state.owner_dsn, state.nats)
        if dsn and (found := re.search(r"://(?:[^/@:]*:)?([^/@]+)@", dsn))
    ]
    master = (stack.data / "secrets" / "master.key").read_text().split()
    return (
        [secret for each in people for secret in (each.app_secret, each.verify_token, each.access_token)]
        + passwords
        + master
    )


async def _post(stack: Stack, body: bytes, *, traceparent: str = "", secret: str = "") -> int:
    signature = sign(body, (secret or read(stack.data)[0].app_secret).encode())
    headers = {"Content-Type": "application/json", HEADER: signature} | (
        {"traceparent": traceparent} if traceparent else {}
    )
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{stack.web_url}/webhooks/whatsapp", data=body, headers=headers) as answer,
    ):
        return answer.status

"""Logs: the fields of every record, and what must never be in one."""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest

from bot.logs import bound, set_up
from bot.redaction import redacted
from bot.settings import LogFormat, LogSettings
from bot.trace import traced
from store.scope import organization_scope

TRACE = UUID("4bf92f3577b34da6a3ce929d0e0e4736")
ISO_UTC = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
ORGANIZATION = UUID("0192f0c1-2345-7abc-8def-0123456789ab")
log = logging.getLogger("tests.of.logs")


@pytest.fixture
def records() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    set_up(LogSettings(format=LogFormat.JSON), service="web", stream=stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.handlers[:], root.level = handlers, level


def test_a_record_has_the_fields_of_the_seed_and_no_others(records: Callable[[], list[dict[str, Any]]]) -> None:
    with organization_scope(ORGANIZATION), traced(TRACE), bound(user_id="u-1", inbox_id="row-1"):
        log.info("turn committed", extra={"action": "turn.committed", "segments": 2})
    (record,) = records()
    assert ISO_UTC.fullmatch(record.pop("timestamp"))
    assert record == {
        "level": "INFO",
        "service": "web",
        "trace_id": TRACE.hex,
        "organization_id": str(ORGANIZATION),
        "user_id": "u-1",
        "action": "turn.committed",
        "metadata": {
            "message": "turn committed",
            "logger": "tests.of.logs",
            "inbox_id": "row-1",
            "segments": 2,
        },
    }


def test_a_record_of_nothing_in_particular_has_the_fields_too(records: Callable[[], list[dict[str, Any]]]) -> None:
    log.warning("it rains")
    (record,) = records()
    assert set(record) == {
        *("timestamp", "level", "service", "trace_id", "organization_id", "user_id", "action", "metadata")
    }
    assert (record["trace_id"], record["organization_id"], record["user_id"], record["action"]) == (None,) * 4


def test_what_is_bound_ends_with_its_block(records: Callable[[], list[dict[str, Any]]]) -> None:
    with traced(TRACE), bound(user_id="u-1"):
        pass
    log.info("later")
    assert (records()[0]["trace_id"], records()[0]["user_id"]) == (None, None)


def test_an_exception_stays_in_its_record(records: Callable[[], list[dict[str, Any]]]) -> None:
    try:
        raise ValueError("of +254 722 000 000")
    except ValueError:
        log.exception("it failed")
    (record,) = records()
    exception = record["metadata"]["exception"]
    assert exception.startswith("Traceback")
    assert "722" not in exception


def test_what_an_exception_quotes_stays_out_and_its_place_stays_in(records: Callable[[], list[dict[str, Any]]]) -> None:
    try:
        try:
            int("my mother is ill".upper())
        except ValueError as e:
            raise RuntimeError("reading an answer") from e
    except RuntimeError:
        log.exception("it failed")
    (record,) = records()
    exception = record["metadata"]["exception"]
    assert "MOTHER IS ILL" not in exception
    assert "ValueError: [message left out]" in exception
    assert "RuntimeError: reading an answer" in exception


def test_arguments_of_a_message_are_redacted_too(records: Callable[[], list[dict[str, Any]]]) -> None:
    log.warning("from %s", "254722000000")
    assert records()[0]["metadata"]["message"] == "from [redacted]"


def test_text_for_people_holds_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    set_up(LogSettings(), service="web", stream=stream)
    log.info("turn committed", extra={"segments": 2, "to": "+254722000000"})
    root.handlers[:], root.level = handlers, level
    assert stream.getvalue().endswith("info    turn committed segments=2 to=[redacted]\n")


@pytest.mark.parametrize(
    "secret",
    [
        "+254722000000",
        "+254 722 000 000",
        "254722000000",
        "0722 000 000",
        "0722000000",
        "Bearer abc.def",
        "sha256=" + "ab" * 32,
        "EAAG" + "x1Y2" * 10,
        "0123456789abcdef0123456789abcdef",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
        "sk-proj-" + "a1" * 12,
    ],
)
def test_secrets_and_numbers_of_people_are_blotted_out(secret: str) -> None:
    assert redacted(f"before {secret} after") == "before [redacted] after"


def test_of_an_address_only_who_and_how_is_blotted_out() -> None:
    assert redacted("at postgresql://app:hush@db.example:5432/x") == "at postgresql://[redacted]@db.example:5432/x"


@pytest.mark.parametrize(
    "harmless",
    [
        "0192f0c1-2345-7abc-8def-0123456789ab",
        "2026-11-22T18:20:01.123456Z",
        "http://127.0.0.1:8000/healthz",
        "took 1234.567 ms",
        "events:register",
        "worker-interactive",
        "configs/base.yml:12:3",
    ],
)
def test_what_helps_is_left(harmless: str) -> None:
    assert redacted(f"before {harmless} after") == f"before {harmless} after"


def test_keys_say_what_a_value_is() -> None:
    given = {
        "phone_number_id": "106540352242922",
        "wa_id": "254722000000",
        "access_token": "short",
        "count": 254722000000,
    }
    assert redacted(given) == {
        "phone_number_id": "106540352242922",
        "wa_id": "[redacted]",
        "access_token": "[redacted]",
        "count": 254722000000,
    }

"""Every code of the table has its class, as an answer and in a status, and each class says what to do."""

from __future__ import annotations

import json

import pytest

from channels.whatsapp.errors import ACTIONS, CODES, ErrorClass, ErrorCode, Stops, classify, meaning
from channels.whatsapp.inbound import StatusEvent
from channels.whatsapp.outcomes import Answer, Refused, Throttled, failure_of
from tests.channels.whatsapp.deliveries import FIXTURES, events, only

THROTTLES = {
    ErrorClass.THROTTLE_NUMBER: "number",
    ErrorClass.THROTTLE_PAIR: "pair",
    ErrorClass.THROTTLE_API: "api",
    ErrorClass.THROTTLE_SPAM: "spam",
}


@pytest.mark.parametrize("row", CODES, ids=lambda row: str(row.first))
def test_a_code_has_its_class_as_an_answer_and_in_a_status(row: ErrorCode) -> None:
    answer = failure_of(Answer(row.http, {}, {"error": {"code": row.last, "message": "x"}}))
    status = json.loads(FIXTURES["status_failed"])
    status["entry"][0]["changes"][0]["value"]["statuses"][0]["errors"][0]["code"] = row.first
    told = only(events(status))

    if row.error_class in THROTTLES:
        assert isinstance(answer, Throttled)
        assert (answer.scope, answer.code) == (THROTTLES[row.error_class], row.last)
    else:
        assert isinstance(answer, Refused)
        assert answer.error_class is row.error_class
    assert isinstance(told, StatusEvent)
    assert classify(told.errors[0].code) is row.error_class
    assert meaning(row.first) == row.meaning


def test_no_code_stands_twice_in_the_table() -> None:
    codes = [code for row in CODES for code in range(row.first, row.last + 1)]

    assert len(codes) == len(set(codes))


@pytest.mark.parametrize(
    ("code", "http_status", "expected"),
    [
        (190, None, ErrorClass.AUTH),
        (131047, 400, ErrorClass.WINDOW),
        (131047, 500, ErrorClass.WINDOW),
        (131056, None, ErrorClass.THROTTLE_PAIR),
        (250, 403, ErrorClass.PERMISSION),
        (999_999, 500, ErrorClass.TRANSIENT),
        (999_999, 400, ErrorClass.PAYLOAD),
        (999_999, None, ErrorClass.UNKNOWN),
        (None, None, ErrorClass.UNKNOWN),
    ],
)
def test_the_code_decides_and_only_without_one_the_http_status(
    code: int | None, http_status: int | None, expected: ErrorClass
) -> None:
    assert classify(code, http_status) is expected


def test_every_class_demands_something() -> None:
    assert set(ACTIONS) == set(ErrorClass)


def test_what_is_final_is_never_retried() -> None:
    final = [ErrorClass.WINDOW, ErrorClass.USER_NEVER, ErrorClass.RECIPIENT, ErrorClass.PAYLOAD, ErrorClass.AUTH]

    assert [ACTIONS[each].wait_s(0) for each in final] == [None] * 5


def test_a_pair_waits_four_times_longer_each_time_and_stops_nobody_else() -> None:
    action = ACTIONS[ErrorClass.THROTTLE_PAIR]

    assert [action.wait_s(attempt) for attempt in range(4)] == [1, 4, 16, 64]
    assert action.wait_s(10_000) == 24 * 3600
    assert action.stops is Stops.RECIPIENT


def test_a_transient_fault_is_tried_five_times() -> None:
    waits = [ACTIONS[ErrorClass.TRANSIENT].wait_s(attempt) for attempt in range(6)]

    assert None not in waits[:5]
    assert waits[5] is None


def test_a_fresh_template_gets_about_ten_minutes() -> None:
    waits = [ACTIONS[ErrorClass.TEMPLATE_SYNC].wait_s(attempt) for attempt in range(5)]

    assert sum(wait or 0 for wait in waits) == pytest.approx(600, rel=0.1)


def test_a_person_whom_meta_spares_is_not_asked_again_for_a_day() -> None:
    action = ACTIONS[ErrorClass.USER_WAIT]

    assert (action.wait_s(0), action.wait_s(1)) == (24 * 3600, None)

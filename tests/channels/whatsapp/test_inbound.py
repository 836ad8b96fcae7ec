"""Batches, hostile bodies, identities and keys: what a delivery says, whoever wrote it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.messages import INBOUND, Choice, FormReply, Text, Unsupported
from channels.whatsapp.inbound import (
    HistoryEvent,
    MalformedBody,
    MessageEvent,
    StatusEvent,
    UnknownEvent,
    iter_events,
    storable,
)
from tests.channels.whatsapp.deliveries import FIXTURES, delivery, events, fixture, message, only


def said(body: str) -> dict[str, Any]:
    return {"text": {"body": body}}


def test_a_batch_keeps_every_item_in_its_order() -> None:
    body = delivery(*(message(id=f"wamid.{n}", **said(str(n))) for n in range(1000)))
    body["entry"] = [*body["entry"], *delivery(message(id="wamid.last", **said("x")))["entry"]]

    found = events(body)

    assert [event.external_id for event in found] == [*(f"wamid.{n}" for n in range(1000)), "wamid.last"]


def test_one_alien_among_good_ones_costs_the_others_nothing() -> None:
    found = events(delivery(message(id="a", **said("1")), ["alien"], message(id="b", **said("2"))))

    assert [event.kind.value for event in found] == ["message", "unknown", "message"]
    assert found[1].raw == {"messages": [["alien"]]}
    assert found[1].error == "an item of messages that is no object"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"17",
        b'"text"',
        b"{",
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": "\xff"}',
        b"\xff\xfe{\x00}\x00",
        b'{"a":' * 300 + b"1" + b"}" * 300,
        b"[" * 100_000,
    ],
    ids=lambda body: repr(body[:12]),
)
def test_what_is_no_json_object_is_malformed_before_the_first_event(body: bytes) -> None:
    with pytest.raises(MalformedBody):
        iter_events(body)


def test_an_object_that_is_no_delivery_is_kept() -> None:
    assert only(events(b"{}")).kind == "unknown"
    assert only(events(b'{"object": "page", "entry": {}}')).raw == {"object": "page", "entry": {}}


def test_of_duplicate_keys_the_last_one_counts() -> None:
    body = FIXTURES["account_review_update"].replace(b'"APPROVED"', b'"REJECTED", "decision": "APPROVED"')

    assert "event='APPROVED'" in repr(only(events(body)))


def test_a_body_of_three_megabytes_is_read() -> None:
    found = only(events(delivery(message(**said("x" * 3_000_000)))))

    assert isinstance(found, MessageEvent)
    assert found.message == Text(text="x" * 3_000_000)


def test_text_is_safe_for_the_database_and_raw_can_be_stored() -> None:
    body = json.dumps(delivery(message(**said("a\x00b")))).replace("a\\u0000b", "a\\u0000b\\ud83d").encode()

    found = only(events(body))

    assert isinstance(found, MessageEvent)
    assert found.message == Text(text="ab\ufffd")
    assert INBOUND.validate_json(INBOUND.dump_json(found.message)) == found.message
    stored = storable(found.raw)
    assert b"u0000" not in stored
    assert json.loads(stored)["text"] == {"body": "ab\ufffd"}


def test_a_backslash_before_u0000_is_not_a_nul() -> None:
    assert json.loads(storable({"a": "\\u0000", "b": "\x00"})) == {"a": "\\u0000", "b": ""}


@pytest.mark.parametrize("number", [2**53 + 1, 2**64 + 1, 10**60])
def test_long_numbers_keep_their_digits(number: int) -> None:
    body = FIXTURES["message_template_status_update"].replace(b"12345678901234567890", str(number).encode())

    found = only(events(body))

    assert f"template_id='{number}'" in repr(found)
    assert json.loads(storable(found.raw))["message_template_id"] == number


def test_a_number_of_ten_thousand_digits_is_kept_as_text() -> None:
    body = FIXTURES["message_template_status_update"].replace(b"12345678901234567890", b"7" * 10_000)

    assert only(events(body)).raw["message_template_id"] == "7" * 10_000


def test_people_are_found_by_id_not_by_place() -> None:
    contacts = [
        {"wa_id": "222", "profile": {"name": "Two"}},
        {"user_id": "KE.1", "wa_id": "999", "profile": {"name": "One", "username": "one"}},
    ]
    first = message(id="a", **said("x")) | {"from": "111", "from_user_id": "KE.1"}
    second = message(id="b", **said("x")) | {"from": "222"}
    third = message(id="c", **said("x")) | {"from": "333"}

    found = events(delivery(first, second, third, contacts=contacts))

    assert [e.sender.profile_name for e in found if isinstance(e, MessageEvent)] == ["One", "Two", ""]


def test_a_contact_with_another_bsuid_is_somebody_else() -> None:
    contacts = [{"wa_id": "254712000001", "user_id": "KE.OTHER", "profile": {"name": "Other"}}]

    found = only(events(delivery(message(from_user_id="KE.1", **said("x")), contacts=contacts)))

    assert isinstance(found, MessageEvent)
    assert (found.sender.user_id, found.sender.profile_name) == ("KE.1", "")


def test_the_contact_completes_the_ids_of_the_message() -> None:
    contacts = [{"wa_id": "254712000001", "user_id": "KE.1", "parent_user_id": "KE.ENT.1"}]

    found = only(events(delivery(message(**said("x")), contacts=contacts)))

    assert isinstance(found, MessageEvent)
    assert (found.sender.user_id, found.sender.parent_user_id) == ("KE.1", "KE.ENT.1")


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("1763800000", datetime(2025, 11, 22, 8, 26, 40, tzinfo=UTC)),
        (1763800000, datetime(2025, 11, 22, 8, 26, 40, tzinfo=UTC)),
        ("1763800000000", datetime(2025, 11, 22, 8, 26, 40, tzinfo=UTC)),
        ("TIMESTAMP", None),
        ("0", None),
        ("nan", None),
        ("1e308", None),
        (None, None),
    ],
)
def test_timestamps_are_aware_or_none(value: Any, moment: datetime | None) -> None:
    assert only(events(delivery(message(timestamp=value, **said("x"))))).timestamp == moment


def test_the_same_message_in_other_bytes_has_the_same_key() -> None:
    alone = delivery(message(**said("x")))
    regrouped = delivery(message(id="wamid.other", **said("y")), message(extra=1, **said("x")))

    assert only(events(alone)).dedupe_key == events(regrouped)[1].dedupe_key


def test_keys_differ_between_numbers_statuses_and_participants() -> None:
    keys = [event.dedupe_key for name in ("status_group", "status_sent", "status_read") for event in fixture(name)]
    other = delivery(message(**said("x")), metadata={"phone_number_id": "7"})

    assert len(set(keys)) == 4
    assert only(events(other)).dedupe_key != only(events(delivery(message(**said("x"))))).dedupe_key


def test_keys_of_what_has_no_id_are_stable_and_know_the_time() -> None:
    first = json.loads(FIXTURES["message_template_status_update_paused"])
    again = json.loads(FIXTURES["message_template_status_update_paused"])
    again["entry"][0]["changes"][0]["value"] = dict(reversed(again["entry"][0]["changes"][0]["value"].items()))
    later = json.loads(FIXTURES["message_template_status_update_paused"])
    later["entry"][0]["time"] += 86_400

    assert only(events(first)).dedupe_key == only(events(again)).dedupe_key
    assert only(events(first)).dedupe_key != only(events(later)).dedupe_key


def test_an_endless_id_still_fits_an_index() -> None:
    found = only(events(delivery(message(id="w" * 100_000, **said("x")))))

    assert len(found.external_id) <= 255
    assert found.raw["id"] == "w" * 100_000


@pytest.mark.parametrize(
    "broken", [{"text": None}, {"text": {"body": 7}}, {"type": "image"}, {"type": "location", "location": {}}]
)
def test_a_message_without_its_body_can_still_be_answered(broken: dict[str, Any]) -> None:
    found = only(events(delivery(message(**broken))))

    assert isinstance(found, MessageEvent)
    assert isinstance(found.message, Unsupported)
    assert "lacks its body" in found.error


@pytest.mark.parametrize("field", ["standby", "history", "smb_message_echoes", "message_echoes", "holograms"])
def test_only_the_field_messages_triggers_the_bot(field: str) -> None:
    found = events(delivery(message(**said("x")), field=field))

    assert found
    assert not any(isinstance(event, MessageEvent) for event in found)


def test_a_late_file_of_the_history_is_not_taken_for_its_placeholder() -> None:
    placeholder, late = fixture("history")[-1], only(fixture("history_media"))

    assert isinstance(placeholder, HistoryEvent)
    assert placeholder.raw["id"] == late.raw["id"]
    assert placeholder.dedupe_key != late.dedupe_key


def test_the_ladder_of_statuses() -> None:
    names = ("status_failed", "status_sent", "status_delivered", "status_read", "status_played", "status_of_tomorrow")

    found = [only(fixture(name)) for name in names]

    assert [event.rank for event in found if isinstance(event, StatusEvent)] == [0, 1, 2, 3, 4, 0]


@pytest.mark.parametrize(
    ("response", "expected"),
    [("null", None), ("[1]", [1]), ('"a\\u0000"', "a"), ("NaN", "NaN"), ("[" * 5000, "[" * 5000), ("7", 7)],
)
def test_a_form_may_answer_anything(response: str, expected: object) -> None:
    reply = {"type": "nfm_reply", "nfm_reply": {"name": "flow", "response_json": response}}

    found = only(events(delivery(message(type="interactive", interactive=reply))))

    assert isinstance(found, MessageEvent)
    assert found.message == FormReply(response=expected, name="flow")


def test_a_tap_without_its_type_is_still_a_tap() -> None:
    reply = {"list_reply": {"id": "x", "title": "X"}}

    found = only(events(delivery(message(type="interactive", interactive=reply))))

    assert isinstance(found, MessageEvent)
    assert found.message == Choice(option_id="x", title="X", source="list")


def test_unknown_items_beside_messages_are_kept_each() -> None:
    found = events(delivery(message(**said("x")), polls=[{"id": 1}, {"id": 2}]))

    assert [event.kind.value for event in found] == ["message", "unknown", "unknown"]
    assert all(isinstance(event, UnknownEvent) for event in found[1:])
    assert len({event.dedupe_key for event in found}) == 3


any_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters()),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(), max_size=5), inner, max_size=4)
    ),
    max_leaves=20,
)


@settings(max_examples=200, deadline=None)
@given(value=st.dictionaries(st.sampled_from(["entry", "object", "x"]), any_json), inner=any_json)
def test_no_json_object_raises(value: dict[str, Any], inner: Any) -> None:
    for body in (value, {"entry": [{"id": inner, "changes": [{"field": "messages", "value": value}, inner]}]}):
        for event in events(body):
            storable(event.raw)


@settings(max_examples=200, deadline=None)
@given(response=any_json)
def test_whatever_a_form_answers_can_be_stored_and_read_back(response: Any) -> None:
    reply = {"type": "nfm_reply", "nfm_reply": {"response_json": json.dumps(response)}}

    found = only(events(delivery(message(type="interactive", interactive=reply))))

    assert isinstance(found, MessageEvent)
    assert INBOUND.validate_json(INBOUND.dump_json(found.message)) == found.message


def test_a_form_answer_that_is_nested_too_deep_is_kept_as_text() -> None:
    response = "[" * 150 + "]" * 150

    for given_as in (response, json.loads(response)):
        reply = {"type": "nfm_reply", "nfm_reply": {"response_json": given_as}}
        found = only(events(delivery(message(type="interactive", interactive=reply))))
        assert isinstance(found, MessageEvent)
        assert found.message == FormReply(response=response)

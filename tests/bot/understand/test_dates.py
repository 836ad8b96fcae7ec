"""Days, hours and amounts as people in East Africa write them, in three languages."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from bot.flows import CannotHandle, FlowState, SetSlot, StartFlow, UserText, View, advance
from bot.messages import Text
from bot.understand import understand
from tests.bot.flows.talk import Talk, compiled

KINDS = {
    "day": "{type: text, accept: date}",
    "hour": "{type: text, accept: time}",
    "moment": "{type: text, accept: datetime}",
    "price": "{type: any, accept: amount}",
    "fee": "{type: float, accept: amount}",
    "cost": "{type: text, accept: amount}",
    "seats": "{type: float}",
    "tier": "{type: categorical, values: [gold, silver]}",
    "name": "{type: text}",
}
BOOKING = compiled(
    "flows:\n"
    + "".join(
        f"  ask_{name}: {{description: x, if: false, steps: [{{collect: {name}}}]}}\n" for name in KINDS
    )
    + """
  book:
    description: Books seats
    words: [reserve]
    run_pattern_completed: false
    steps: [{collect: seats}, {collect: day}, {collect: tier}, {collect: name}, {action: utter_done}]
""",
    "slots: {"
    + ", ".join(f"{name}: {kind}" for name, kind in KINDS.items())
    + "}\nresponses:\n  utter_done: [{text: \"{seats} {tier} on {day} for {name}\"}]\n"
    + "".join(f"  utter_ask_{name}: [{{text: {name}?}}]\n" for name in KINDS),
    **{"nlu.yml": "nlu:\n  - flow: book\n    examples: [I want to book seats, book two seats for Friday, nataka kubook viti viwili]\n"},
)  # fmt: skip
WEDNESDAY = datetime(2026, 11, 25, 7, 0, tzinfo=UTC)  # 10:00 in Nairobi


def answer(text: str, asked: str, *, now: datetime = WEDNESDAY, **options: Any) -> Any:
    state = advance(BOOKING, FlowState(), [StartFlow(f"ask_{asked}", forced=True)], View(now=now)).state
    commands = understand(Text(text=text), state, BOOKING, **{"locale": "en", "now": now, **options})
    return commands[0].value if isinstance(commands[0], SetSlot) else None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tomorrow", "2026-11-26"), ("kesho", "2026-11-26"), ("leo", "2026-11-25"), ("keshokutwa", "2026-11-27"),
        ("on Friday please", "2026-11-27"), ("ijumaa", "2026-11-27"), ("Wednesday", "2026-12-02"), ("next Friday", "2026-12-04"),
        ("ijumaa ijayo", "2026-12-04"), ("wikendi hii", "2026-11-28"), ("5 December", "2026-12-05"), ("Dec 5th, 2027", "2027-12-05"),
        ("tarehe 12 Desemba", "2026-12-12"), ("the 5th", "2026-12-05"), ("12/5", "2027-05-12"), ("12/5/27", "2027-05-12"),
        ("5/25/27", "2027-05-25"), ("2026-12-01", "2026-12-01"), ("in three days", "2026-11-28"), ("baada ya siku tatu", "2026-11-28"),
        ("30 February", None), ("Friday or Saturday", None), ("soon", None), ("5", None),
    ],
)  # fmt: skip
def test_days(text: str, expected: str | None) -> None:
    assert answer(text, "day") == expected


def test_today_is_where_the_organization_is() -> None:
    late = datetime(2026, 11, 25, 22, 0, tzinfo=UTC)
    assert answer("today", "day", now=late, timezone="Africa/Nairobi") == "2026-11-26"
    assert answer("today", "day", now=late, timezone="Africa/Accra") == "2026-11-25"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("saa mbili asubuhi", "08:00"), ("saa moja usiku", "19:00"), ("saa sita mchana", "12:00"), ("saa sita usiku", "00:00"),
        ("saa kumi na mbili jioni", "18:00"), ("saa kumi na moja alfajiri", "05:00"), ("saa nne na nusu asubuhi", "10:30"),
        ("saa tatu kasorobo usiku", "20:45"), ("saa tano mchana", "11:00"), ("saa tisa usiku", "03:00"), ("saa nane", "14:00"),
        ("saa 2", "08:00"), ("saa 2:30 asubuhi", "08:30"), ("saa 14:30", "14:30"), ("3pm", "15:00"), ("3:30 pm", "15:30"),
        ("15:45", "15:45"), ("at 3", "15:00"), ("3", "15:00"), ("9", "09:00"), ("half past 4", "16:30"),
        ("quarter to 9 in the morning", "08:45"), ("noon", "12:00"), ("10 o'clock", "10:00"), ("12 am", "00:00"), ("12pm", "12:00"),
        ("25:00", None), ("3pm or 4pm", None), ("later", None),
    ],
)  # fmt: skip
def test_hours_on_both_clocks(text: str, expected: str | None) -> None:
    assert answer(text, "hour") == expected


def test_a_moment_needs_day_and_hour_and_has_the_organizations_offset() -> None:
    assert answer("Ijumaa saa mbili asubuhi", "moment", timezone="Africa/Nairobi") == "2026-11-27T08:00:00+03:00"
    assert answer("Friday", "moment") is None


@pytest.mark.parametrize(
    ("text", "currency", "value"),
    [
        ("KES 1,500", "KES", 1500), ("1500 bob", "KES", 1500), ("$20.50", "USD", 20.5), ("ksh 2k", "KES", 2000), ("500/=", "KES", 500),
        ("shilingi elfu mbili", "KES", 2000), ("20 euros", "EUR", 20), ("1500", "KES", 1500),
    ],
)  # fmt: skip
def test_amounts(text: str, currency: str, value: float) -> None:
    assert answer(text, "price") == {"currency": currency, "amount": value}
    assert answer(text, "fee") == value
    assert answer(text, "cost") == f"{currency} {value}"


def test_shillings_are_those_of_the_country() -> None:
    assert answer("500 shillings", "cost", country="UG") == "UGX 500"
    assert answer("KES 5 or KES 6", "cost") is None


def hear(text: str) -> list[Any]:
    return understand(Text(text=text), FlowState(), BOOKING, locale="en", now=WEDNESDAY)


def test_a_wish_brings_its_values_along() -> None:
    assert hear("book two gold seats for Friday") == [
        StartFlow("shop:book"),
        SetSlot("shop:day", "2026-11-27"),
        SetSlot("shop:seats", 2.0),
        SetSlot("shop:tier", "gold"),
    ]
    assert hear("reserve") == [StartFlow("shop:book")]


def test_the_number_of_a_day_is_no_number_of_seats() -> None:
    assert hear("I want to book seats on 5 December") == [StartFlow("shop:book"), SetSlot("shop:day", "2026-12-05")]


def test_an_answer_brings_other_values_along_and_the_flow_does_not_ask_for_them() -> None:
    talk = Talk(BOOKING)
    talk.now = WEDNESDAY
    assert talk.write("reserve") == ["seats?"]
    assert talk.write("2 silver for tomorrow") == ["name?"]
    assert talk.write("Friday Otieno") == ["2 silver on 2026-11-26 for Friday Otieno"]


def test_a_free_answer_is_not_searched_for_values() -> None:
    state = advance(BOOKING, FlowState(), [StartFlow("ask_name", forced=True)], View(now=WEDNESDAY)).state
    assert understand(Text(text="Friday"), state, BOOKING, locale="en", now=WEDNESDAY) == [UserText("Friday")]
    assert hear("friday") == [CannotHandle("")]

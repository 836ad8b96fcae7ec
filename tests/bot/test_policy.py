"""The gate, rule by rule. Each refusal has its control: the same facts with one of them changed are allowed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.messages import Reaction, Template, Text
from bot.policy import ALLOWED, Facts, decide
from bot.ports import Lane

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
TEMPLATE = Template(name="reminder", language="en")
GOOD = Facts(
    lane=Lane.BULK,
    part=Text(text="hello"),
    now=NOW,
    last_user_at=NOW - timedelta(hours=1),
    opted_in_at=NOW - timedelta(days=9),
    opted_out_at=None,
    account_state="connected",
    reachable=True,
)


def test_with_everything_in_order_it_goes() -> None:
    assert decide(GOOD) is ALLOWED


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"reachable": False}, "unreachable"),
        ({"account_state": "paused"}, "account_paused"),
        ({"account_state": "disconnected"}, "account_disconnected"),
        ({"account_state": "banned"}, "account_disconnected"),
        ({"opted_out_at": NOW}, "opted_out"),
        ({"opted_in_at": None}, "no_opt_in"),
        ({"last_user_at": None}, "window_closed"),
        ({"last_user_at": NOW - timedelta(hours=24)}, "window_closed"),
    ],
)
def test_one_fact_against_it_is_enough(change: dict[str, Any], reason: str) -> None:
    denied = decide(replace(GOOD, **change))
    assert denied is not None
    assert denied.reason.value == reason


def test_a_reply_needs_no_opt_in_and_passes_an_opt_out() -> None:
    assert decide(replace(GOOD, lane=Lane.REPLY, opted_in_at=None, opted_out_at=NOW)) is ALLOWED


def test_only_templates_and_reactions_go_outside_of_the_window() -> None:
    closed = replace(GOOD, last_user_at=None)
    assert decide(replace(closed, part=TEMPLATE)) is ALLOWED
    assert decide(replace(closed, lane=Lane.REPLY, part=Reaction(message_id="wamid.1"))) is ALLOWED
    assert decide(closed) is not ALLOWED
    assert decide(replace(closed, part=TEMPLATE, opted_out_at=NOW)) is not ALLOWED, "a template respects STOP too"


def test_the_window_closes_a_little_early() -> None:
    def at(age: timedelta) -> object:
        return decide(replace(GOOD, last_user_at=NOW - age))

    assert at(timedelta(hours=23, minutes=58)) is ALLOWED
    assert at(timedelta(hours=23, minutes=59)) is not ALLOWED

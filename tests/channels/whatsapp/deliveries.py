"""The recorded-style deliveries of this folder, and small ones made on the spot."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from channels.whatsapp.inbound import Event, iter_events

__all__ = ["FIXTURES", "NUMBER", "WABA", "delivery", "events", "fixture", "message", "only"]

FIXTURES = {path.stem: path.read_bytes() for path in sorted(Path(__file__).with_name("fixtures").glob("*.json"))}
NUMBER, WABA = "106540352242922", "102290129340398"


def events(body: bytes | dict[str, Any]) -> list[Event]:
    return list(iter_events(body if isinstance(body, bytes) else json.dumps(body).encode()))


def fixture(name: str) -> list[Event]:
    return events(FIXTURES[name])


def only(found: list[Event]) -> Event:
    assert len(found) == 1, found
    return found[0]


def message(**values: Any) -> dict[str, Any]:
    return {"from": "254712000001", "id": "wamid.A", "timestamp": "1763800000", "type": "text"} | values


def delivery(*messages: Any, field: str = "messages", **value: Any) -> dict[str, Any]:
    content: dict[str, Any] = {"messaging_product": "whatsapp", "metadata": {"phone_number_id": NUMBER}}
    if messages:
        content["messages"] = list(messages)
    return {
        "object": "whatsapp_business_account",
        "entry": [{"id": WABA, "changes": [{"field": field, "value": content | value}]}],
    }

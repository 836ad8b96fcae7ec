"""What a person finds who is called into a conversation: where it stood, what was known, what was understood last."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from bot.flows import Compiled, FlowState, StartFlow
from bot.flows import SetSlot as _SetSlot
from bot.understand import Understanding
from store.crypto import OrganizationKeys

__all__ = ["Summary", "open_summary", "seal_summary", "summarize"]

MAX_SLOTS = 20
MAX_VALUE = 200


class Summary(BaseModel):
    """`flows`: titles, uppermost first. `slots`: plain names with their values. `understood`: what the last message was taken for."""

    model_config = ConfigDict(frozen=True)

    reason: str = ""
    flows: tuple[str, ...] = ()
    slots: dict[str, str] = {}
    understood: tuple[str, ...] = ()
    said: str = ""


def summarize(
    state: Mapping[str, Any] | None, heard: Understanding | None, compiled: Compiled, *, reason: str, said: str
) -> Summary:
    """Of the state before the message: what it interrupted is what the person was at."""
    before = FlowState.from_json(dict(state) if state else None)
    flows = [
        compiled.flows[frame.flow].title("en")
        for frame in reversed(before.stack)
        if frame.kind not in ("call", "pattern") and frame.flow in compiled.flows
    ]
    return Summary(
        reason=reason,
        flows=tuple(flows),
        slots=filled(before.slots),
        understood=tuple(_words(each) for each in heard.commands) if heard is not None else (),
        said=said[:MAX_VALUE],
    )


def filled(slots: Mapping[str, Any]) -> dict[str, str]:
    """Those with a value, by their plain names."""
    found = {
        name.rpartition(":")[2]: str(value)[:MAX_VALUE]
        for name, value in slots.items()
        if value not in (None, "", [], {}, False)
    }
    return dict(list(found.items())[:MAX_SLOTS])


def seal_summary(summary: Summary, keys: OrganizationKeys) -> bytes:
    return keys.seal_text(summary.model_dump_json(), table="conversations", column="sealed_summary")


def open_summary(sealed: bytes | None, keys: OrganizationKeys) -> Summary | None:
    if sealed is None:
        return None
    return Summary.model_validate_json(keys.open_text(sealed, table="conversations", column="sealed_summary"))


def _words(command: Any) -> str:
    if isinstance(command, StartFlow):
        return f"start {command.flow.rpartition(':')[2]}"
    if isinstance(command, _SetSlot):
        return f"set {command.name.rpartition(':')[2]}"
    return type(command).__name__

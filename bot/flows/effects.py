"""What the engine asks its host to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

__all__ = ["Button", "Effect", "HandOffRequested", "Log", "RunAction", "Say", "WaitFor"]


@dataclass(frozen=True, slots=True)
class Button:
    title: str
    payload: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class Say:
    """One message to the person.

    Coming from an action, a Say with `utter` and no content of its own is filled from that response, with `values` for
    its `{names}`; buttons given by the action are put after those of the response.
    """

    text: str = ""
    buttons: tuple[Button, ...] = ()
    image: str | None = None
    attachment: str | Mapping[str, Any] | None = None
    custom: Mapping[str, Any] | None = None
    utter: str | None = None
    flow: str = ""
    step: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RunAction:
    """Run this action and call `advance` again with its ActionResult. The key is the same when the step is run again
    after a crash, and another one when the flow comes by once more."""

    name: str
    key: str
    flow: str
    step: str


@dataclass(frozen=True, slots=True)
class WaitFor:
    """The flow waits for an outside event. At `until` (or after `timeout_s`) the host sends TimedOut, and `slot` becomes
    `on_timeout`, so that a branch can see it."""

    event: str
    key: str
    until: datetime | None = None
    timeout_s: float | None = None
    slot: str | None = None
    on_timeout: Any = None


@dataclass(frozen=True, slots=True)
class HandOffRequested:
    """A person should take over."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class Log:
    """A fact for the trace: flow_started, slot_set (slot_set_again: to what it was), slot_reset, command_dropped, ..."""

    kind: str
    detail: Mapping[str, Any] = field(default_factory=dict)


Effect = Say | RunAction | WaitFor | HandOffRequested | Log

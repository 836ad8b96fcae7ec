"""Where a conversation stands: small, versioned, JSON.

The engine works on a copy; a state that was handed out is never changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

__all__ = ["FlowState", "Frame", "OfferedOption", "Pending", "Phase", "Wait"]

STATE_VERSION = 1

FrameKind = Literal["flow", "link", "call", "interrupt", "pattern"]
PendingKind = Literal["slot", "event", "action"]


class Phase(StrEnum):
    IDLE = "IDLE"  # nothing open
    LOCKED = "LOCKED"  # a flow waits for an answer
    WAITING = "WAITING"  # an outside event is due


@dataclass(frozen=True, slots=True)
class OfferedOption:
    title: str
    payload: str


@dataclass(frozen=True, slots=True)
class Pending:
    """What the conversation waits for.

    `slot`: an answer; `slot` is None when only the offered options (or a new wish) go on. `event`: something outside.
    `action`: the host runs an action right now; `purpose` says what its result is for.
    `asked`: the host's revision at which this question was first put; options of older messages do not answer it.
    """

    kind: PendingKind
    flow: str
    step: str
    slot: str | None = None
    options: tuple[OfferedOption, ...] = ()
    event: str = ""
    key: str = ""
    until: datetime | None = None
    name: str = ""
    purpose: str = ""
    asked: int = 0

    def to_json(self) -> dict[str, Any]:
        found: dict[str, Any] = {"kind": self.kind, "flow": self.flow, "step": self.step}
        if self.slot is not None:
            found["slot"] = self.slot
        if self.options:
            found["options"] = [[option.title, option.payload] for option in self.options]
        for key in ("event", "key", "name", "purpose", "asked"):
            if value := getattr(self, key):
                found[key] = value
        if self.until is not None:
            found["until"] = self.until.isoformat()
        return found

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Pending:
        until = data.get("until")
        return cls(
            kind=data["kind"],
            flow=data["flow"],
            step=data["step"],
            slot=data.get("slot"),
            options=tuple(OfferedOption(title, payload) for title, payload in data.get("options", ())),
            event=data.get("event", ""),
            key=data.get("key", ""),
            until=datetime.fromisoformat(until) if until else None,
            name=data.get("name", ""),
            purpose=data.get("purpose", ""),
            asked=data.get("asked", 0),
        )


@dataclass(frozen=True, slots=True)
class Wait:
    """An outside event that a frame waits for."""

    event: str
    key: str
    until: str | None = None  # ISO 8601
    slot: str | None = None
    on_timeout: Any = None

    def to_json(self) -> dict[str, Any]:
        return {
            "event": self.event,
            "key": self.key,
            "until": self.until,
            "slot": self.slot,
            "on_timeout": self.on_timeout,
        }


@dataclass(slots=True)
class Frame:
    """One running flow. `step` is the step it stands at; None: not begun yet.

    `entered`: the step was begun and must not be entered anew. `path`: the questions passed so far, each as the chain of
    step ids from the outermost flow (kept in that flow's frame only). `reask`: questions that lay on a branch abandoned
    by a correction. `saved`: values of an interrupted flow that come back when this one ends. `asked`: the host's revision
    at which the question of this visit was first put; 0: not yet.
    """

    flow: str
    kind: FrameKind = "flow"
    step: str | None = None
    entered: bool = False
    attempts: int = 0
    asked: int = 0
    checked: bool = False  # validate_<slot> has run on the value
    quiet: bool = False  # when it ends, the flow below asks again without ceremony
    path: list[tuple[str, ...]] = field(default_factory=list)
    reask: list[tuple[str, ...]] = field(default_factory=list)
    saved: dict[str, Any] = field(default_factory=dict)
    ctx: dict[str, Any] = field(default_factory=dict)
    wait: Wait | None = None

    def copy(self) -> Frame:
        return Frame(
            self.flow,
            self.kind,
            self.step,
            self.entered,
            self.attempts,
            self.asked,
            self.checked,
            self.quiet,
            self.path[:],
            self.reask[:],
            dict(self.saved),
            dict(self.ctx),
            self.wait,
        )

    def to_json(self) -> dict[str, Any]:
        found: dict[str, Any] = {"flow": self.flow, "kind": self.kind, "step": self.step}
        for key in ("entered", "attempts", "asked", "checked", "quiet", "saved", "ctx"):
            if value := getattr(self, key):
                found[key] = value
        if self.path:
            found["path"] = [list(entry) for entry in self.path]
        if self.reask:
            found["reask"] = [list(entry) for entry in self.reask]
        if self.wait is not None:
            found["wait"] = self.wait.to_json()
        return found

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Frame:
        wait = data.get("wait")
        return cls(
            flow=data["flow"],
            kind=data.get("kind", "flow"),
            step=data.get("step"),
            entered=data.get("entered", False),
            attempts=data.get("attempts", 0),
            asked=data.get("asked", 0),
            checked=data.get("checked", False),
            quiet=data.get("quiet", False),
            path=[tuple(entry) for entry in data.get("path", ())],
            reask=[tuple(entry) for entry in data.get("reask", ())],
            saved=dict(data.get("saved", ())),
            ctx=dict(data.get("ctx", ())),
            wait=Wait(**wait) if wait else None,
        )


@dataclass(slots=True)
class FlowState:
    """`slots` holds what differs from null, by loaded id (`events:events_seat`). `counters` are those of the running turn.
    `revision` grows with every step forward: it marks the buttons of a question. `misses`: messages in a row that were not
    understood while nothing was asked."""

    slots: dict[str, Any] = field(default_factory=dict)
    stack: list[Frame] = field(default_factory=list)
    pending: Pending | None = None
    revision: int = 0
    counters: dict[str, int] = field(default_factory=dict)
    last_bot: list[dict[str, Any]] = field(default_factory=list)
    compiled_hash: str = ""
    misses: int = 0

    @property
    def phase(self) -> Phase:
        if self.pending is None:
            return Phase.IDLE
        return Phase.LOCKED if self.pending.kind == "slot" else Phase.WAITING

    def copy(self) -> FlowState:
        return FlowState(
            self.slots.copy(),
            [frame.copy() for frame in self.stack],
            self.pending,
            self.revision,
            self.counters.copy(),
            self.last_bot,
            self.compiled_hash,
            self.misses,
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "v": STATE_VERSION,
            "slots": dict(self.slots),
            "stack": [frame.to_json() for frame in self.stack],
            "pending": self.pending.to_json() if self.pending else None,
            "revision": self.revision,
            "counters": dict(self.counters),
            "last_bot": list(self.last_bot),
            "compiled_hash": self.compiled_hash,
            "misses": self.misses,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any] | None) -> FlowState:
        """A fresh state for None, `{}` or a version that this code does not know."""
        if not data or data.get("v") != STATE_VERSION:
            return cls()
        pending = data.get("pending")
        return cls(
            slots=dict(data.get("slots", ())),
            stack=[Frame.from_json(frame) for frame in data.get("stack", ())],
            pending=Pending.from_json(pending) if pending else None,
            revision=data.get("revision", 0),
            counters=dict(data.get("counters", ())),
            last_bot=list(data.get("last_bot", ())),
            compiled_hash=data.get("compiled_hash", ""),
            misses=data.get("misses", 0),
        )

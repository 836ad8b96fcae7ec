"""Faults: seeded, scriptable, per number. A fault is drawn once for each event that it can strike."""

import random
from collections import deque
from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

# name -> what it does and its parameters with their defaults.
WEBHOOK_FAULTS: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "duplicate": ("the update comes again", {"mode": "same", "times": 1, "after_s": 0.05}),
    "concurrent": ("the same body is posted twice at once", {}),
    "reorder": ("the update waits until `behind` later ones of its number were posted", {"behind": 1, "hold_s": 1.0}),
    "delay": ("the update is posted later", {"delay_s": 1.0}),
    "batch": (
        "updates are collected into one POST over entries, changes and lists",
        {"size": 5, "wait_s": 0.5, "spread": "mixed"},
    ),
    "drop_ack": ("the server's 200 is treated as lost, so the POST is tried again", {}),
    "wrong_signature": ("the first try is signed wrongly", {"mode": "wrong"}),
    "unknown_type": ("a message of a type that nobody knows stands in the same body", {"type": "hologram"}),
    "unknown_field": ("unknown keys, an unknown enum value and a change with an unknown field are added", {}),
    "big_body": ("the body is padded to this size", {"size_bytes": 2_900_000}),
    "slow_body": ("the bytes of the POST trickle", {"chunks": 5, "pause_s": 0.05}),
    "early": ("a reaction, edit or revoke of the message is posted before it", {"kind": "reaction", "after_s": 0.1}),
    "standby": ("the message comes on field standby", {}),
    "no_contacts": ("`contacts` is left out", {}),
    "read_without_delivered": ("the ladder skips delivered", {}),
    "failed_after_sent": ("sent is followed by failed", {"code": 131026}),
    "no_status": ("no status ever comes for this send", {}),
    "late_status": ("the statuses of this send come late", {"delay_s": 2.0}),
    "statuses_reversed": ("read, delivered and sent arrive in this order", {}),
}
API_FAULTS: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "accept_then_hang": ("the send is accepted, the answer never comes", {"hang_s": 60.0}),
    "accept_then_reset": ("the send is accepted, the connection is reset", {}),
    "reset": ("the connection is reset and nothing was accepted", {}),
    "hang": ("nothing is accepted and no answer comes", {"hang_s": 60.0}),
    "html_5xx": ("a gateway's HTML page instead of JSON; nothing was accepted", {"status": 502}),
    "error": ("the send is refused with this code", {"code": 131000}),
    "latency": ("the answer is late", {"delay_s": 1.0}),
    "slow_response": ("the bytes of the answer trickle", {"pause_s": 0.02}),
    "status_before_response": ("the status webhook is answered before the API call is", {}),
    "held": (
        "the template is held for quality assessment, then released or dropped (132015)",
        {"hold_s": 1.0, "release": True},
    ),
    "media_500": ("a media call fails with 500", {}),
}
# Here `phone_number_id` is the shortcode, and `on` one of token, push, query, register, simulate.
MPESA_FAULTS: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "mpesa_no_callback": ("the callback never comes", {}),
    "mpesa_callback_first": ("the push is answered only after its callback was posted", {"hold_s": 10.0}),
    "mpesa_callback_twice": ("the callback comes again", {"times": 1, "after_s": 0.05}),
    "mpesa_late_callback": ("the callback is late", {"delay_s": 1.0}),
    "mpesa_other_amount": ("the callback names another amount than was paid", {"amount": 1}),
    "mpesa_masked": ("the payer's number is hidden", {"mode": "masked"}),
    "mpesa_html_callback": ("an HTML page is posted instead of the callback", {}),
    "mpesa_late_success": ("a prompt that ended with 1037 is paid later all the same", {"after_s": 1.0}),
    "mpesa_result": ("the push ends with this code, without a prompt", {"code": 1025, "text": None}),
    "mpesa_hang": ("nothing is accepted and no answer comes", {"hang_s": 60.0}),
    "mpesa_accept_then_hang": ("the call is accepted, the answer never comes", {"hang_s": 60.0}),
    "mpesa_html": ("a gateway's HTML page instead of JSON; nothing was accepted", {"status": 503}),
    "mpesa_error": (
        "the call is refused with this code",
        {"status": 500, "code": "500.003.02", "message": "Error Occurred: Spike Arrest Violation"},
    ),
    "mpesa_latency": ("the answer is late", {"delay_s": 1.0}),
}
FAULTS: Final = WEBHOOK_FAULTS | API_FAULTS | MPESA_FAULTS


class Fault(BaseModel):
    """When one fault strikes. `script` is asked first, then `next_n`, then `every`, then `probability`."""

    model_config = ConfigDict(extra="forbid")

    name: str
    phone_number_id: str | None = None  # None: every number
    wa_id: str | None = None  # None: every person
    probability: float = Field(default=0.0, ge=0.0, le=1.0)
    next_n: int = 0
    every: int = 0
    script: list[bool] = Field(default_factory=list)  # one entry per event, in order
    on: str | None = None  # webhook faults: "messages" or "statuses" only
    params: dict[str, Any] = Field(default_factory=dict)
    struck: int = 0
    seen: int = 0


class FaultPlan:
    """The faults that are set, and the dice."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._random = random.Random(seed)
        self._faults: dict[str, list[Fault]] = {}

    def set(self, fault: Fault) -> None:
        """Sets or replaces the fault of this name, number and person.

        Raises:
            KeyError: there is no fault of this name.
        """
        FAULTS[fault.name]
        kept = [
            f
            for f in self._faults.get(fault.name, [])
            if (f.phone_number_id, f.wa_id) != (fault.phone_number_id, fault.wa_id)
        ]
        self._faults[fault.name] = [*kept, fault]

    def clear(self, name: str | None = None) -> None:
        if name is None:
            self._faults.clear()
        else:
            self._faults.pop(name, None)

    def reseed(self, seed: int) -> None:
        self.seed = seed
        self._random.seed(seed)

    def all(self) -> list[Fault]:
        return [fault for faults in self._faults.values() for fault in faults]

    def draw(self, name: str, phone_number_id: str, wa_id: str = "", *, part: str = "") -> Mapping[str, Any] | None:
        """The fault's parameters when it strikes this event, else None."""
        if not self._faults:  # the hot path
            return None
        for fault in self._faults.get(name, ()):
            if fault.phone_number_id not in (None, phone_number_id) or fault.wa_id not in (None, wa_id):
                continue
            if fault.on is not None and part and fault.on != part:
                continue
            if self._strikes(fault):
                fault.struck += 1
                return {**FAULTS[name][1], **fault.params}
        return None

    def shuffle(self, items: deque[Any] | list[Any]) -> None:
        self._random.shuffle(items)

    def choice(self, options: tuple[str, ...]) -> str:
        return self._random.choice(options)

    def _strikes(self, fault: Fault) -> bool:
        fault.seen += 1
        if fault.script:
            return fault.script.pop(0)
        if fault.next_n > 0:
            fault.next_n -= 1
            return True
        if fault.every > 0:
            return fault.seen % fault.every == 0
        return fault.probability > 0.0 and self._random.random() < fault.probability

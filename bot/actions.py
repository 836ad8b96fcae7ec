"""Actions of skills: thin classes on rasa-sdk's contract.

A `SkillAction` is a `rasa_sdk.Action`: the bridge (`bot.turn.bridge`) gives it a `Turn` and calls `perform`; called the plain way,
`run(dispatcher, tracker, domain)` does the same with the turn it finds in the tracker. Plain `rasa_sdk.Action` classes work too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar, TypeVar, cast
from uuid import UUID

from rasa_sdk import Action

from bot.messages import Inbound, MediaOut, Option, Outbound, Text
from bot.skill import ContactInfo, Job, OrganizationInfo, SkillContext, UnitOfWork, Wait

__all__ = ["OnlineAction", "SkillAction", "Turn", "Utterance"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Utterance:
    """What an action says: a response of the skill by id with values, or a part of its own.

    `options` come after those of the response. A response beside a MediaOut is its caption.
    """

    response: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    part: Outbound | None = None
    options: tuple[Option, ...] = ()


@dataclass(slots=True)
class Turn:
    """One action's view of the running turn, and what it leaves behind. Slots are named as in the skill's own files."""

    organization: OrganizationInfo
    contact: ContactInfo
    session_id: UUID
    account_id: UUID
    inbox_id: UUID
    step: str  # key of this action in this turn: unique per (inbox, step), for charges and outside calls
    now: datetime
    locale: str
    text: str
    message: Inbound | None
    slots: Mapping[str, Any]
    work: UnitOfWork | None  # None in an OnlineAction: no transaction is open there
    metadata: Mapping[str, Any] = field(default_factory=dict)  # that came with the message
    changes: dict[str, Any] = field(default_factory=dict)
    utterances: list[Utterance] = field(default_factory=list)
    wait: Wait | None = None
    followup: str | None = None
    new_locale: str | None = None
    calls: str | None = None

    def slot(self, name: str, kind: type[T] | None = None) -> T:
        """The slot's value, as `kind` (UUID and the like are built from text). Raises KeyError when it is not set."""
        value = self.changes.get(name, self.slots.get(name))
        if value is None:
            raise KeyError(f"slot {name} is not set")
        if kind is None or isinstance(value, kind):
            return cast("T", value)
        return kind(value)  # type: ignore[call-arg]

    def get(self, name: str, default: Any = None) -> Any:
        value = self.changes.get(name, self.slots.get(name))
        return default if value is None else value

    def set(self, name: str, value: Any) -> None:
        """Sets a slot; it outlives the flow, unless the flow also collects or sets it."""
        self.changes[name] = value

    def say(self, what: str | Outbound, **values: Any) -> None:
        """Says a response of this skill by its id (`utter_...`), with values for its text; or a part as it is."""
        self.utterances.append(Utterance(what, values) if isinstance(what, str) else Utterance(part=what))

    def offer(self, response: str, options: Sequence[Option], **values: Any) -> None:
        """Says a response with options that are only known now. In an `action_ask_<slot>` they count as the question's."""
        self.utterances.append(Utterance(response, values, options=tuple(options)))

    def show(self, media: MediaOut, caption: str, **values: Any) -> None:
        """Shows a file with a response as its caption."""
        self.utterances.append(Utterance(caption, values, part=media))

    def say_text(self, text: str) -> None:
        """Says literal text. Prefer responses: they have languages."""
        self.say(Text(text=text))

    def enqueue(self, job: Job, *, at: datetime | None = None) -> None:
        self._local().enqueue(job, at=at)

    def charge(self, meter: str, quantity: int = 1) -> None:
        """Once per inbox item, step and meter, however often the segment is tried."""
        self._local().charge(meter, quantity, key=f"turn:{self.inbox_id}:{self.step}:{meter}")

    def audit(self, action: str, *, subject: str = "", before: Any = None, after: Any = None) -> None:
        self._local().audit(action, subject=subject, before=before, after=after)

    def wait_for(self, event: str, *, key: str, seconds: float, slot: str, on_timeout: Any) -> None:
        """Stops the flow after this step until the event comes. A wait always has a deadline."""
        self.wait = Wait(event, key, self.now + timedelta(seconds=seconds), slot, on_timeout)

    def speak(self, locale: str) -> None:
        """The contact prefers this language from now on. Local actions only: it is written with the segment."""
        self._local()
        self.new_locale = locale
        self.locale = locale

    def call_a_person(self, reason: str) -> None:
        """Puts the conversation into the inbox's queue, once the segment commits. What the person is told of it is yours to say."""
        self._local()
        self.calls = reason

    def _local(self) -> UnitOfWork:
        if self.work is None:
            raise RuntimeError(
                f"an OnlineAction has no transaction (step {self.step}); do this in the action before or after it"
            )
        return self.work


class SkillAction(Action):
    """A *local* action: runs inside the segment's transaction, may write rows, must not call out. Keeps nothing on `self`."""

    name: ClassVar[str]  # rasa-sdk has a method here; the bridge reads both
    stateless: ClassVar[bool] = True
    obeyed_always: ClassVar[bool] = (
        False  # a flow that runs it is started also while a person answers in place of the bot
    )

    def __init__(self, context: SkillContext) -> None:
        self.context = context

    async def perform(self, turn: Turn) -> None:
        raise TypeError(f"action {self.name} defines no perform()")

    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> list[dict[str, Any]]:
        turn = getattr(tracker, "turn", None)
        if not isinstance(turn, Turn):
            raise TypeError(f"action {self.name} runs inside a ChatNation turn only")
        await self.perform(turn)
        return [
            {"event": "slot", "timestamp": None, "name": name, "value": value} for name, value in turn.changes.items()
        ]


class OnlineAction(SkillAction):
    """An action that calls out (HTTP, LLM): no transaction is open, it runs at least once, `inbox_id:step` is its idempotency key."""

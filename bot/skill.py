"""What a skill author imports, except actions (`bot.actions`, which needs rasa-sdk). Light: no heavy library behind it.

class RenderTicket(Job):
    name = "events.render_ticket"
    queue = "render"
    ticket_id: UUID

@task(RenderTicket)
async def render_ticket(job: RenderTicket, ctx: TaskContext) -> None:
    png = draw(...)                                   # no transaction here
    async with ctx.unit_of_work() as work:            # T4
        work.resume(session_id, "events.ticket_rendered", key=str(job.ticket_id))
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, Protocol, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from bot.errors import Permanent
from bot.messages import Outbound
from bot.ports import Blobs, Clock, Lane

if TYPE_CHECKING:
    from store.db import Tx

__all__ = [
    "ContactInfo",
    "Event",
    "Job",
    "Lane",
    "MenuEntry",
    "Named",
    "OrganizationInfo",
    "SkillContext",
    "TaskContext",
    "Told",
    "UnitOfWork",
    "Wait",
    "WebhookDelivery",
    "names",
    "on",
    "task",
]

Queue = Literal["interactive", "bulk", "render"]


class Job(BaseModel):
    """Work for later, made in a segment and run by a worker at least once. Its fields are its JSON payload: ids, not things."""

    model_config = ConfigDict(frozen=True)

    name: ClassVar[str]  # "skill.what_to_do"
    queue: ClassVar[Queue] = "bulk"
    max_attempts: ClassVar[int] = 5
    lease_s: ClassVar[float] = 60  # how long one try may take before another worker may start it again

    def key(self) -> str | None:
        """A job with a key is made once, ever; None: as often as it is enqueued."""
        return None


@dataclass(frozen=True, slots=True)
class Told:
    """That an event may leave the house: organizations subscribe an address to it. Its fields are what is sent; its docstring says when."""

    title: Mapping[str, str]  # by language
    permission: str  # who may subscribe to it


class Event(BaseModel):
    """Something that happened, told to skills in the same transaction. Published by name: `skill.what_happened`.

    With `webhook = Told(...)` in the skill's `events.py` organizations may have it sent to them, too.
    """

    model_config = ConfigDict(frozen=True)

    name: ClassVar[str]
    webhook: ClassVar[Told | None] = None


@dataclass(frozen=True, slots=True)
class OrganizationInfo:
    id: UUID
    name: str
    country: str
    locale: str
    timezone: str


@dataclass(frozen=True, slots=True)
class ContactInfo:
    id: UUID
    name: str
    locale: str | None
    opted_in_at: datetime | None = None
    opted_out_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class MenuEntry:
    """One thing an organization offers, in the person's language."""

    flow: str  # loaded id, skill:flow
    title: str
    description: str


@dataclass(frozen=True, slots=True)
class Wait:
    """The conversation stands still until `event` with `key` comes, or until the deadline: then `slot` is set to `on_timeout`."""

    event: str
    key: str
    until: datetime
    slot: str
    on_timeout: Any


class Named(NamedTuple):
    """One of an organization's own things as people call it. `value`: what the slot gets; `within`: the value of the thing
    that it belongs to, beside which alone its name counts."""

    value: str
    name: str
    within: str | None = None


class UnitOfWork(Protocol):
    """One transaction of a task or of a local action: rows, and what follows from them, together or not at all."""

    tx: Tx
    now: datetime

    def enqueue(self, job: Job, *, at: datetime | None = None) -> None: ...

    def charge(self, meter: str, quantity: int = 1, *, key: str) -> None:
        """Through the till (`bot.metering`); a repeated key charges nothing."""

    def audit(self, action: str, *, subject: str = "", before: Any = None, after: Any = None) -> None: ...

    def resume(self, session_id: UUID, event: str, *, key: str, slots: dict[str, Any] | None = None) -> None:
        """Wakes a conversation that waits for `event` with `key`; harmless when none does. Once per event and key."""

    def send(
        self, contact_id: UUID, account_id: UUID, part: Outbound, *, key: str, lane: Lane = Lane.BULK, origin: str = ""
    ) -> None:
        """A business-initiated message, once per `key`. Whether it may go is decided by the policy gate when it is sent."""

    async def publish(self, event: Event) -> None:
        """Runs the `@on` handlers of skills the organization has on, inside this transaction."""


@dataclass(frozen=True, slots=True)
class SkillContext:
    """The services of a process, given to an action once. Ports only."""

    skill: str
    clock: Clock
    blobs: Blobs
    menu: Callable[[UUID, str], Awaitable[list[MenuEntry]]]  # what an organization offers, in a language
    settings: Any = None


@dataclass(frozen=True, slots=True)
class WebhookDelivery:
    """What another system sent to a webhook of the skill, as it came. `external_id` is the sender's: it came once."""

    id: UUID
    external_id: str
    content_type: str
    body: bytes
    received_at: datetime


async def _no_delivery(delivery_id: UUID) -> WebhookDelivery:
    raise Permanent(f"there is no delivery {delivery_id}")


@dataclass(frozen=True, slots=True)
class TaskContext(SkillContext):
    """What a running job has at hand."""

    organization: OrganizationInfo = field(kw_only=True)
    job_id: UUID = field(kw_only=True)
    attempt: int = field(kw_only=True)
    unit_of_work: Callable[[], AbstractAsyncContextManager[UnitOfWork]] = field(kw_only=True)
    delivery: Callable[[UUID], Awaitable[WebhookDelivery]] = field(kw_only=True, default=_no_delivery)
    """By the `delivery_id` that a job of a webhook gets; of this skill only. Raises Permanent when it is none, or not kept any more."""


J = TypeVar("J", bound=Job)
E = TypeVar("E", bound=Event)
TaskFunction = Callable[[J, TaskContext], Awaitable[None]]
EventHandler = Callable[[E, UnitOfWork], Awaitable[None]]


def task(job: type[J]) -> Callable[[TaskFunction[J]], TaskFunction[J]]:
    """Marks the function that runs `job`. It must be repeatable: a worker may die after its last commit."""

    def mark(function: TaskFunction[J]) -> TaskFunction[J]:
        function.__chatnation_job__ = job  # type: ignore[attr-defined]
        return function

    return mark


NamesFunction = Callable[[datetime], Awaitable[Sequence[Named]]]


def names(entity: str) -> Callable[[NamesFunction], NamesFunction]:
    """Marks the function of a skill's `entities.py` that tells what there is of an entity, now, in the organization in scope.

    Slots with a `from_entity` mapping of that name are filled wherever one is named. It is asked every half a minute at most.
    """

    def mark(function: NamesFunction) -> NamesFunction:
        function.__chatnation_entity__ = entity  # type: ignore[attr-defined]
        return function

    return mark


def on(event: type[E]) -> Callable[[EventHandler[E]], EventHandler[E]]:
    """Marks a handler of `event`, delivered inside the publishing transaction, in manifest order."""

    def mark(function: EventHandler[E]) -> EventHandler[E]:
        function.__chatnation_event__ = event  # type: ignore[attr-defined]
        return function

    return mark

"""A stage without a database, for a project of another engine: the flows, understanding and the project's own actions, nothing else.

It has no organization, no jobs and no charges; what a person sees is rendered as WhatsApp would show it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID, uuid5

from bot.actions import Turn
from bot.errors import UserFacing
from bot.flows import (
    ActionResult,
    Command,
    Compiled,
    Effect,
    FlowState,
    RunAction,
    Say,
    SessionStart,
    TimedOut,
    View,
    advance,
)
from bot.messages import Choice, Choices, Inbound, Media, Outbound, Text
from bot.skill import ContactInfo, OrganizationInfo, UnitOfWork
from bot.testing.fakes import Received, SettableClock, received
from bot.testing.stage import TurnLog
from bot.turn import bridge
from bot.turn.speech import parts_of
from bot.understand import understand

__all__ = ["Actions", "MemoryPerson", "MemoryStage", "Scene"]

SESSION_EXPIRY_MIN = 60.0  # Rasa's default
SPACE = UUID("5f0c1b7e-0000-4000-8000-000000000000")
SESSION_START = "/session_start"


class Actions(Protocol):
    def find(self, name: str) -> tuple[Any | None, str]:
        """The action of that id (`skill:action`), or why there is none."""


@dataclass(frozen=True, slots=True)
class Scene:
    """Where actions of ours find themselves: a real organization, and a transaction to read and write in."""

    organization: OrganizationInfo
    account_id: UUID
    session_id: UUID
    contact_id: UUID
    work: UnitOfWork


class MemoryStage:
    """`scene`: for actions that need an organization; a foreign project's do not."""

    def __init__(
        self,
        compiled: Compiled,
        skill: str,
        actions: Actions,
        *,
        now: datetime,
        locale: str = "en",
        scene: Scene | None = None,
        expiry_min: float = SESSION_EXPIRY_MIN,
    ) -> None:
        self.scene = scene
        self.expiry_min = expiry_min  # where the files say nothing
        self.compiled = compiled
        self.skill = skill
        self.actions = actions
        self.locale = locale
        self.clock = SettableClock(now)
        self.log = TurnLog()
        self.problems: list[str] = []  # of actions that are not there or failed
        self.hold_jobs = False
        self._people: dict[str, MemoryPerson] = {}

    def person(self, name: str = "", *, key: str | None = None) -> MemoryPerson:
        found = self._people.get(key or name)
        if found is None:
            found = self._people[key or name] = MemoryPerson(self, name, uuid5(SPACE, key or name))
            found.state.slots = dict(self.compiled.initial)
            found.state.compiled_hash = self.compiled.content_hash
        return found

    async def seat(self, person: MemoryPerson, slots: Mapping[str, Any]) -> None:
        unknown = [name for name in slots if name not in self.compiled.slots]
        if unknown:
            raise AssertionError(f"the fixture sets {unknown[0].partition(':')[2]!r}, which is no slot of the domain")
        person.state.slots |= {name: value for name, value in slots.items() if value is not None}

    async def move(self, by: timedelta) -> None:
        self.clock.move(by)
        self.log = TurnLog()
        for person in self._people.values():
            await person.time_out()

    def session_expiry(self) -> tuple[timedelta | None, bool]:
        """(silence after which a session is over, None: never; whether slots are kept)."""
        config = self.compiled.session.get(self.skill, {})
        minutes = float(config.get("session_expiration_time", self.expiry_min))
        return timedelta(minutes=minutes) if minutes else None, bool(
            config.get("carry_over_slots_to_new_session", True)
        )


@dataclass(slots=True)
class MemoryPerson:
    """Somebody with a phone. `heard` is what is on it, oldest first."""

    stage: MemoryStage
    name: str
    session_id: UUID | None
    heard: list[Received] = field(default_factory=list)
    state: FlowState = field(default_factory=FlowState)
    metadata: dict[str, Any] = field(default_factory=dict)
    last_at: datetime | None = None
    turns: int = 0
    opening: list[Effect] = field(default_factory=list)  # what the beginning of the session did

    async def say(self, text: str, *, commands: list[Command] | None = None) -> list[Received]:
        return await self.send(Text(text=text), commands=commands)

    async def tap(self, title: str, *, older: int = 0) -> list[Received]:
        """Taps a button or row of the newest message that has it; `older`: so many such messages before that one."""
        having = [message for message in self.heard if title in message.titles]
        if older >= len(having):
            seen = sorted({each for message in self.heard for each in message.titles})
            raise AssertionError(f"nothing to tap is called {title!r}; there is {seen}")
        message = having[len(having) - 1 - older]
        option = next(option for shown, option in message.options if shown == title)
        if option.startswith("p") and isinstance(message.part, Choices):
            self.stage.log = TurnLog()
            return self._hear(message.part.model_copy(update={"page": int(option[1:])}))
        assert isinstance(message.part, Choices)
        payload = message.part.options[int(option)].payload
        return await self.send(Choice(option_id=option, title=title), payload=payload)

    async def send_media(self, media: Media, data: bytes = b"") -> list[Received]:
        return await self.send(media)

    async def send(
        self, part: Inbound, *, commands: list[Command] | None = None, payload: str | None = None
    ) -> list[Received]:
        stage = self.stage
        stage.log = TurnLog()
        before = len(self.heard)
        text = part.text if isinstance(part, Text) else part.title if isinstance(part, Choice) else ""
        self.turns += 1
        started = self._is_new_session()
        if started:
            await self._start_session()
        stage.log = TurnLog()
        self.last_at = stage.clock.now()
        if commands is None and text.strip() == SESSION_START:
            commands = [] if started else [SessionStart()]
            if started:  # what the beginning said is the answer
                stage.log.effects += self.opening
        if commands is None:
            commands = understand(
                part,
                self.state,
                stage.compiled,
                locale=stage.locale,
                now=stage.clock.now(),
                option_payload=payload,
            )
        await self._advance(commands, part, text)
        return self.heard[before:]

    async def time_out(self) -> None:
        pending, now = self.state.pending, self.stage.clock.now()
        if pending is not None and pending.kind == "event" and pending.until is not None and pending.until <= now:
            await self._advance([TimedOut(pending.event, pending.key)], None, "")

    async def slots(self) -> dict[str, Any]:
        return self.state.slots

    # -- the turn

    def _is_new_session(self) -> bool:
        silence, _ = self.stage.session_expiry()
        return self.last_at is None or (silence is not None and self.stage.clock.now() - self.last_at > silence)

    async def _start_session(self) -> None:
        _, carry_over = self.stage.session_expiry()
        if self.last_at is not None and not carry_over:
            self.state = FlowState(
                slots=dict(self.stage.compiled.initial), compiled_hash=self.stage.compiled.content_hash
            )
        await self._advance([SessionStart()], None, "")
        self.opening = list(self.stage.log.effects)

    async def _advance(self, commands: Sequence[Command], part: Inbound | None, text: str) -> None:
        action = self._step(commands)
        while action is not None:
            action = self._step([await self._perform(action, part, text)])

    def _step(self, commands: Sequence[Command]) -> RunAction | None:
        stage = self.stage
        step = advance(stage.compiled, self.state, commands, self._view())
        self.state = FlowState.from_json(step.state.to_json())
        action = None
        for effect in step.effects:
            stage.log.effects.append(effect)
            if isinstance(effect, Say):
                for said in parts_of(effect):
                    self._hear(said)
            elif isinstance(effect, RunAction):
                action = effect
        return action

    def _hear(self, part: Outbound) -> list[Received]:
        new = received(part)
        self.heard += new
        return new

    def _view(self) -> View:
        return View(
            now=self.stage.clock.now(),
            locale=self.stage.locale,
            seed=self.turns,
            contact={"name": self.name, "id": str(self.session_id)},
            organization={"name": self.stage.skill, "id": "", "reach": ""},
            revision=self.turns,
            trace=True,
        )

    async def _perform(self, asked: RunAction, part: Inbound | None, text: str) -> ActionResult:
        stage = self.stage
        skill, _, name = asked.name.partition(":")
        action, why = stage.actions.find(asked.name)
        if action is None:
            if name.startswith("validate_"):  # not there, not asked: the answer stands
                return ActionResult()
            stage.problems.append(why)
            return ActionResult(failed=why)
        try:
            return await bridge.run_action(
                action, self._turn(asked, part, text), self.state, stage.compiled, skill=skill
            )
        except UserFacing as e:
            return bridge.failed_kindly(e)
        except Exception as e:  # noqa: BLE001  # any mistake of the project's author is an outcome of the case
            stage.problems.append(f"{name}: {type(e).__name__}: {e}")
            return ActionResult(failed=f"{type(e).__name__} in {name}")

    def _turn(self, asked: RunAction, part: Inbound | None, text: str) -> Turn:
        stage, scene = self.stage, self.stage.scene
        assert self.session_id is not None
        nobodys = OrganizationInfo(
            id=SPACE, name=stage.skill, country="KE", locale=stage.locale, timezone="Africa/Nairobi"
        )
        return Turn(
            organization=scene.organization if scene else nobodys,
            contact=ContactInfo(id=scene.contact_id if scene else self.session_id, name=self.name, locale=stage.locale),
            session_id=scene.session_id if scene else self.session_id,
            account_id=scene.account_id if scene else SPACE,
            inbox_id=uuid5(self.session_id, str(self.turns)),
            step=asked.key,
            now=stage.clock.now(),
            locale=stage.locale,
            text=text,
            message=part,
            slots=bridge.plain_slots(self.state, asked.name.partition(":")[0]),
            work=scene.work if scene else None,
            metadata=self.metadata,
        )

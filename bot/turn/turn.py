"""One inbox row, answered: understand, advance, commit, deliver; segment by segment."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import asyncpg

from bot.accounts import OrganizationProfile
from bot.actions import OnlineAction, Turn
from bot.bodies import decode_inbound
from bot.conversations.queue import call_a_person
from bot.conversations.summary import summarize
from bot.delivery import Delivery, address, deliver
from bot.errors import ChatNationError, Retryable, UserFacing
from bot.flows import (
    ActionResult,
    CameBack,
    CannotHandle,
    Command,
    Compiled,
    Effect,
    Error,
    FlowState,
    HandOffRequested,
    Log,
    Resume,
    RunAction,
    Say,
    SessionRules,
    SessionStart,
    SetSlot,
    StartFlow,
    TimedOut,
    UserText,
    View,
    advance,
    session_rules,
)
from bot.flows.templates import Filling
from bot.llm.budget import Budget
from bot.messages import Choice, Choices, Inbound, Media, Outbound, Reaction, Text, Unsupported
from bot.ports import Lane
from bot.reach import HAND_OFF
from bot.remote.action import RemoteAction
from bot.skill import ContactInfo
from bot.turn import bridge, online, voice
from bot.turn.commit import Committed, LeaseLost, Segment, commit
from bot.turn.lease import FENCE_HOLDS, Claim, Head, fence
from bot.turn.places import Place
from bot.turn.reactions import is_on_the_question
from bot.turn.silence import GIVEN_BACK, set_aside, starts_what_is_obeyed, where_we_were
from bot.turn.speech import parts_of, rows_of
from bot.turn.taps import Tapped, Turned, read_tap, reopening
from bot.turn.tongue import CHANGED, WAY_BACK, Tongue
from bot.understand import Understanding
from bot.understand.language import spoken
from bot.understand.names import Names
from bot.unit import Unit
from store.crypto import OrganizationKeys
from store.db import transaction
from store.tenancy import organization_scope

if TYPE_CHECKING:
    from bot.runtime import Runtime

__all__ = ["TurnInHand"]

log = logging.getLogger(__name__)

# The longest text that WhatsApp carries. A longer one was not written by a person; reading it could hold up everybody else.
MAX_TEXT_CHARS = 4096

BEGUN = "begun"  # key beside the engine's state in `sessions.state`


class TurnBroke(ChatNationError):
    """What a turn raised is no error of ours: its class is told, its words may be a person's."""


class _Replay(Exception):
    """An action refused or failed: its segment is rolled back and runs again with that answer."""

    def __init__(self, key: str, result: ActionResult) -> None:
        super().__init__(key)
        self.key = key
        self.result = result


@dataclass(slots=True)
class TurnInHand:
    """The turn of one inbox row. The claim's `state` and `revision` move on with each commit."""

    runtime: Runtime
    held: Claim
    head: Head
    keys: OrganizationKeys
    profile: OrganizationProfile
    compiled: Compiled
    now: datetime
    place: Place
    message: Inbound | None = None
    heard: Understanding | None = None  # of this row's message
    answers: dict[str, ActionResult] = field(default_factory=dict)  # of actions whose segment was rolled back
    is_owed: bool = False  # the row is still to be understood: other things come first
    budget: Budget | None = None  # of what this turn asks online
    asides: list[Callable[[Unit], Awaitable[None]]] = field(default_factory=list)  # rows that go with the next commit
    tongue: Tongue = field(default_factory=Tongue)
    spoken_now: str | None = None  # the language of this message, when it is not the person's
    says_change: bool = False

    async def answer(self) -> Head | None:
        """Runs to the end; returns the next inbox row of the conversation, claimed.

        Raises:
            LeaseLost: another worker has the conversation.
            Retryable: the row is to be tried again.
            TurnBroke: something else went wrong.
        """
        try:
            return await self._answer()
        except ChatNationError:
            raise
        except Exception as e:
            raise TurnBroke(type(e).__name__) from e

    async def _answer(self) -> Head | None:
        state = FlowState.from_json(self.held.state)
        if self.head.body is not None:
            self.message = decode_inbound(self.head.body, self.keys)
            self._hear_language(state)
        if self.held.taken_over and not await self._is_obeyed_always(state):
            return await self._keep_for_people(state)
        said: list[tuple[Outbound, str, str]] = []
        if state.pending is not None and state.pending.kind == "action":
            begun = (self.held.state or {}).get(BEGUN) or {}
            if begun.get("inbox_id") == str(self.head.inbox_id):
                # An earlier try of this row committed up to an action that calls out; it goes on there.
                self.is_owed = begun.get("is_owed", False)
                return await self._from_action(
                    state, RunAction(state.pending.name, state.pending.key, state.pending.flow, state.pending.step)
                )
            # The row that began it was given up. The person is told, and this row is one of its own.
            state = self._report(state, ActionResult(failed="given up"), said)
        if self._is_new_session():
            state = self._report(state, self._session_start(), said)
            self.held.started_at = self.now
        if state.pending is not None and state.pending.kind == "action":
            self.is_owed = True
            return await self._segments(state, said, [])
        return await self._segments(state, said, await self._wishes(state, said))

    def _report(self, state: FlowState, what: Command, said: list[tuple[Outbound, str, str]]) -> FlowState:
        step = advance(self.compiled, state, [what], self._view())
        self._take(step.effects, said)
        return step.state

    async def _wishes(self, state: FlowState, said: list[tuple[Outbound, str, str]]) -> Sequence[Command] | None:
        commands = await self._commands(state, said)
        if commands and state.pending is not None:
            self._hear_answer(commands)
        said += self._told_of_change()
        if commands:
            commands = await online.explain(
                self, state, commands, text=self._said(), locale=self._locale(), budget=self._budget()
            )
        if commands and state.stack and self._silence() > timedelta(minutes=self.runtime.turn.away_after_min):
            return [CameBack(), *commands]
        if self._is_new_session() and commands and all(isinstance(each, CannotHandle) for each in commands):
            # A conversation never begins with "I did not understand".
            return [StartFlow(flow) for flow, _ in self.compiled.intents.get("first_contact", ())[:1]] or commands
        return commands

    async def _commands(self, state: FlowState, said: list[tuple[Outbound, str, str]]) -> Sequence[Command] | None:
        """None: nothing for the engine, what is to be said stands in `said`."""
        payload = self.head.payload or {}
        if self.head.kind == "event" and payload["event"] == GIVEN_BACK:
            return where_we_were(state, payload)
        if self.head.kind == "event":
            return [Resume(payload["event"], payload["key"], payload.get("slots") or {})]
        if self.head.kind == "timeout":
            return [TimedOut(payload["event"], payload["key"])]
        assert self.message is not None, "an inbox row of kind message has a message"
        if isinstance(self.message, Unsupported) and self.message.what == "request_welcome":
            self.message = Text(text="hi")
        if isinstance(self.message, Media) and voice.is_to_be_heard(self.message, self.compiled, state):
            heard = await voice.hear(self, self.message, self._budget())
            self.message = Text(text=heard) if heard else self.message
        if isinstance(self.message, Reaction) and not await is_on_the_question(self.held, self.head, self.message):
            return []
        option_payload: str | None = None
        if isinstance(self.message, Choice) and self.message.source != "quick_reply":
            tapped = await read_tap(self.message, self.held, state, self.keys)
            if isinstance(tapped, Turned):
                said.append((self._page(tapped), "page", tapped.shown.stem))
                return None
            if isinstance(tapped, Tapped):
                if tapped.stale:
                    return [reopening(tapped, self.message.title, self.compiled, state)]
                option_payload = tapped.payload
            else:
                self.message = tapped
        if isinstance(self.message, Text) and len(self.message.text) > MAX_TEXT_CHARS:
            return [Error("rasa_internal_error_user_input_too_long", str(len(self.message.text)))]
        self.heard = await self._understand(self.message, state, option_payload)
        return self.heard.commands

    async def _understand(self, message: Inbound, state: FlowState, option_payload: str | None) -> Understanding:
        """By what it says; when that explains little, again with what it means."""
        names = Names()
        is_text = isinstance(message, Text) if option_payload is None else not option_payload.startswith("/")
        if is_text or (option_payload is None and isinstance(message, Choice)):
            tellers = self.runtime.registry.names(self.profile.skills)
            names = await self.runtime.names.of(self.held.organization_id, tellers, now=self.now)
        understand = partial(
            self.runtime.understand,
            message,
            state,
            self.compiled,
            locale=self._locale(),
            now=self.now,
            country=self.profile.info.country,
            timezone=self.profile.info.timezone,
            option_payload=option_payload,
            names=names,
            margin=self.runtime.turn.clarify_margin,
        )
        heard = understand()
        if not heard.unsure or self.runtime.senses is None or not isinstance(message, Text):
            return heard
        meaning = await self.runtime.senses.meaning(self.compiled, message.text)
        return heard if meaning is None else understand(meaning=meaning)

    def _budget(self) -> Budget:
        if self.budget is None:
            self.budget = online.budget_of(self.runtime, self.held.organization_id, self.head.inbox_id)
        return self.budget

    def _said(self) -> str:
        message = self.message
        return message.text if isinstance(message, Text) else message.title if isinstance(message, Choice) else ""

    def _page(self, turned: Turned) -> Choices:
        assert isinstance(turned.shown.part, Choices)
        return turned.shown.part.model_copy(update={"page": turned.page})

    # -- while a person answers

    async def _is_obeyed_always(self, state: FlowState) -> bool:
        """STOP and its like hold whoever answers."""
        if not isinstance(self.message, Text) or len(self.message.text) > MAX_TEXT_CHARS:
            return False
        self.heard = await self._understand(self.message, state, None)
        return starts_what_is_obeyed(self.heard.commands, self.compiled, self.runtime.registry.action)

    async def _keep_for_people(self, state: FlowState) -> Head | None:
        """Nothing is said and nothing moves: the message stands in the inbox, an outside event waits until the bot answers again."""
        if self.head.kind != "message":
            self.asides.append(partial(set_aside, self.head.inbox_id))
        if not self.asides:
            return (await self._commit(state, [], done=True)).following
        _, committed, _ = await self._local_once(state, [], None)
        return committed.following

    # -- segments

    async def _segments(
        self, state: FlowState, said: list[tuple[Outbound, str, str]], commands: Sequence[Command] | None
    ) -> Head | None:
        action: RunAction | None = None
        if state.pending is not None and state.pending.kind == "action" and not commands:
            pending = state.pending
            action = RunAction(pending.name, pending.key, pending.flow, pending.step)
        elif commands is not None:
            step = advance(self.compiled, state, commands, self._view())
            state = step.state
            action = self._take(step.effects, said)
        if action is None and not self.asides:
            return await self._go_on(state, await self._commit(state, said, done=not self.is_owed))
        if action is None:
            state, committed, _ = await self._local_once(state, said, None)
            return await self._go_on(state, committed)
        if isinstance(self.runtime.registry.action(action.name), OnlineAction):
            if self.asides:
                state, _, _ = await self._local_once(state, said, action)
            else:
                await self._commit(state, said, done=False)
            return await self._from_action(state, action)
        state, committed, online = await self._local(state, said, action)
        return await (self._from_action(state, online) if online else self._go_on(state, committed))

    async def _go_on(self, state: FlowState, committed: Committed) -> Head | None:
        """After everything that came first the row itself, else the next one."""
        if not self.is_owed:
            return committed.following
        self.is_owed = False
        said: list[tuple[Outbound, str, str]] = []
        return await self._segments(state, said, await self._wishes(state, said))

    async def _from_action(self, state: FlowState, action: RunAction) -> Head | None:
        """Goes on with an action that runs outside of any transaction, or that a crash left behind."""
        instance = self.runtime.registry.action(action.name)
        said: list[tuple[Outbound, str, str]] = []
        if not isinstance(instance, OnlineAction):
            return await self._segments(state, said, [])
        try:
            async with self.place.left():
                result = await self._perform(instance, action, state, unit=None)
        except _Replay as refusal:  # nothing is open that had to be rolled back
            result = refusal.result
        return await self._segments(self._report(state, result, said), said, [])

    async def _local(
        self, state: FlowState, said: list[tuple[Outbound, str, str]], action: RunAction
    ) -> tuple[FlowState, Committed, RunAction | None]:
        """Local actions and the commit in one transaction; again from the start when one refuses, then with its answer.

        Returns where the conversation stands, and the action that calls out when that is next.
        """
        asides = list(self.asides)
        while True:
            try:
                return await self._local_once(state, list(said), action)
            except _Replay as refusal:
                self.answers[refusal.key] = refusal.result
                self.asides = list(asides)

    async def _local_once(
        self, state: FlowState, said: list[tuple[Outbound, str, str]], action: RunAction | None
    ) -> tuple[FlowState, Committed, RunAction | None]:
        held = self.held
        online: RunAction | None = None
        with organization_scope(held.organization_id):
            async with transaction(first=fence(held)) as tx:
                if tx.first_tag != FENCE_HOLDS:
                    raise LeaseLost(f"starting a segment of session {held.session_id}")
                unit = Unit(self.runtime, held.organization_id, self.keys, tx, self.now, f"contact:{held.contact_id}")
                while action is not None:
                    instance = self.runtime.registry.action(action.name)
                    if isinstance(instance, OnlineAction):
                        online = action
                        break
                    result = self.answers.get(action.key) or await self._perform(instance, action, state, unit)
                    step = advance(self.compiled, state, [result], self._view())
                    state = step.state
                    action = self._take(step.effects, said)
                for aside in self.asides:
                    await aside(unit)
                rows = self._rows(said)
                committed = await commit(
                    held,
                    self._segment(state, rows, done=online is None and not self.is_owed),
                    unit,
                    lease_s=self.runtime.turn.lease_s,
                    settle_s=self.runtime.turn.unknown_grace_s,
                )
        self.asides.clear()
        await unit.hint()
        await self._deliver(rows, committed)
        held.state = {**state.to_json(), **self._beside(state)}
        return state, committed, online

    async def _perform(self, instance: Any, action: RunAction, state: FlowState, unit: Unit | None) -> ActionResult:
        skill = action.name.partition(":")[0]
        if instance is None:
            log.error("no such action", extra={"of_skill": action.name, "action": "action.missing"})
            return ActionResult(failed=f"no action {action.name}")
        turn = self._turn(action, state, skill, unit)
        try:
            result = await bridge.run_action(
                instance, turn, state, self.compiled, skill=skill, timeout_s=self._timeout_s(instance, skill)
            )
        except UserFacing as e:
            raise _Replay(action.key, bridge.failed_kindly(e)) from e
        except Retryable:
            raise
        except asyncpg.PostgresError as e:
            if (e.sqlstate or "").startswith("40"):  # deadlock or serialization failure: a second try succeeds
                raise Retryable(f"action {action.name}: {type(e).__name__}", after_s=0.1) from e
            raise self._failed(action, e) from e
        except Exception as e:
            raise self._failed(action, e) from e
        if turn.calls is not None:
            self.asides.append(partial(self._note_hand_off, turn.calls))
        if turn.new_locale is not None and unit is not None:
            self.held.contact_locale = turn.new_locale
            self.spoken_now, self.tongue = None, Tongue()
            await self._keep_locale(unit)
        return result

    def _timeout_s(self, instance: Any, skill: str) -> float:
        if isinstance(instance, RemoteAction) and instance.timeout_s is not None:
            return instance.timeout_s
        return self.runtime.registry.action_timeout_s(skill) or bridge.ACTION_TIMEOUT_S

    def _failed(self, action: RunAction, error: Exception) -> _Replay:
        log.exception("action failed", extra={"of_skill": action.name, "action": "action.failed"}, exc_info=error)
        return _Replay(action.key, ActionResult(failed=f"{type(error).__name__} in {action.name}"))

    async def _commit(self, state: FlowState, said: Sequence[tuple[Outbound, str, str]], *, done: bool) -> Committed:
        rows = self._rows(said)
        committed = await commit(
            self.held,
            self._segment(state, rows, done=done),
            None,
            lease_s=self.runtime.turn.lease_s,
            settle_s=self.runtime.turn.unknown_grace_s,
        )
        await self._deliver(rows, committed)
        self.held.state = {**state.to_json(), **self._beside(state)}
        return committed

    def _segment(self, state: FlowState, rows: Sequence[Any], *, done: bool) -> Segment:
        last = self.head.provider_at if self.head.kind == "message" else self.held.last_user_at
        # A tap means what its option says; only of words is there something to tell.
        heard = None
        if done and self.heard is not None and isinstance(self.message, Text):
            heard = self.heard.to_json() | {"revision": self.held.revision + 1}  # tells which answers are this row's
        inbox_id = self.head.inbox_id if done else None
        return Segment(state, self._beside(state), rows, inbox_id, last, self.held.started_at, heard)

    def _beside(self, state: FlowState) -> dict[str, Any]:
        """Which row an action that is now to be run belongs to, and whether that row is understood yet; and what was spoken."""
        if state.pending is None or state.pending.kind != "action":
            return self.tongue.to_json()
        return {**self.tongue.to_json(), BEGUN: {"inbox_id": str(self.head.inbox_id), "is_owed": self.is_owed}}

    def _rows(self, said: Sequence[tuple[Outbound, str, str]]) -> list[Any]:
        return rows_of(
            said,
            channel=self.runtime.channel,
            session_id=self.held.session_id,
            revision=self.held.revision + 1,
            keys=self.keys,
            sealed=self.runtime.encrypt_messages,
        )

    async def _deliver(self, rows: Sequence[Any], committed: Committed) -> None:
        if not rows:
            return
        held = self.held
        if not committed.direct:
            await self.runtime.dispatcher.deliver(held.organization_id, lane=Lane.REPLY, attempt=rows[0].outbox_id.hex)
            return
        to = address(self.keys, held.phone_sealed, held.bsuid_sealed)
        last_user_at = max(
            filter(None, (held.last_user_at, self.head.provider_at if self.head.kind == "message" else None)),
            default=None,
        )
        deliveries = [
            Delivery(
                row.outbox_id,
                row.message_id,
                held.session_id,
                held.account_id,
                Lane.REPLY,
                1,
                row.body,
                row.reply_to,
                self._locale(),
                last_user_at,
                held.opted_in_at,
                held.opted_out_at,
                to,
            )
            for row in rows
        ]
        try:
            async with self.place.left():
                await deliver(self.runtime, held.organization_id, held.token, deliveries, leased_at=committed.leased_at)
        except Exception:
            # The turn is committed, whatever became of its messages: their rows are leased, and settle as unknown sends do.
            log.exception("delivering what was committed failed")

    # -- what the engine and the actions see

    def _take(self, effects: Sequence[Effect], said: list[tuple[Outbound, str, str]]) -> RunAction | None:
        """Sorts effects: what is said goes to `said`; returns the action to run."""
        action: RunAction | None = None
        for effect in effects:
            if self.runtime.watch is not None:
                self.runtime.watch(self.held.session_id, effect)
            match effect:
                case Say():
                    said += [(part, effect.flow, effect.step) for part in parts_of(effect)]
                case RunAction():
                    action = effect
                case HandOffRequested():
                    log.info("hand-off requested", extra={"reason": effect.reason, "action": "conversation.handed_off"})
                    self.asides.append(partial(self._note_hand_off, effect.reason))
                case Log():
                    log.debug("flow %s", effect.kind)
        return action

    def _hear_language(self, state: FlowState) -> None:
        """Before it is understood; an answer may be a name and tells nothing."""
        self.tongue = Tongue.read(self.held.state)
        if isinstance(self.message, Text) and state.pending is None:
            self._listen(self.message.text)

    def _listen(self, text: str) -> None:
        language = spoken(text[:MAX_TEXT_CHARS])
        heard = self.tongue.hear(
            language, own=self.held.contact_locale, usual=self._locale(), is_word=len(text.split()) < 2
        )
        self.spoken_now = heard.now
        if heard.keep is None:
            return
        self.says_change = heard.is_change and self._has_way_back(heard.keep)
        if heard.is_change and not self.says_change:
            return  # nothing changes for good without a way back
        self.held.contact_locale = heard.keep
        self.asides.append(self._keep_locale)

    def _hear_answer(self, commands: Sequence[Command]) -> None:
        """In the middle of something, once it is clear that it is no name and no comment."""
        free = any(
            isinstance(each, UserText) or (isinstance(each, SetSlot) and self._is_words(each)) for each in commands
        )
        if isinstance(self.message, Text) and not free and self.heard is not None:
            self._listen(self.message.text)

    def _is_words(self, command: SetSlot) -> bool:
        slot = self.compiled.slots.get(command.name)
        return slot is None or (slot.type in ("text", "any") and not slot.controlled)

    def _has_way_back(self, language: str) -> bool:
        """Some flow listens to the word that our text names."""
        return WAY_BACK.get(language, "") in self.compiled.words

    def _told_of_change(self) -> list[tuple[Outbound, str, str]]:
        said = self.compiled.response(CHANGED, self._locale()) if self.says_change else None
        if said is None:
            return []
        text = said.variations[0].text(Filling({}, {}, {}, {}, {}, self.now))
        return [(Text(text=text), CHANGED, "")]

    async def _keep_locale(self, unit: Unit) -> None:
        await unit.tx.execute(
            "UPDATE contacts SET locale = $3 WHERE organization_id = $1 AND id = $2",
            self.held.organization_id,
            self.held.contact_id,
            self.held.contact_locale,
        )

    async def _note_hand_off(self, reason: str, unit: Unit) -> None:
        """Puts the conversation into the queue of the inbox."""
        subject = f"contacts:{self.held.contact_id}"
        unit.audit(HAND_OFF, subject=subject, after={"reason": reason, "session": str(self.held.session_id)})
        summary = summarize(self.held.state, self.heard, self.compiled, reason=reason, said=self._said())
        await call_a_person(unit, self.held.session_id, summary)

    def _is_new_session(self) -> bool:
        if self.head.kind != "message":
            return False
        expires_after = self._session_rules().expires_after
        return self.held.last_user_at is None or (expires_after is not None and self._silence() > expires_after)

    def _session_start(self) -> SessionStart:
        rules = self._session_rules()
        keep = not rules.is_own and self._silence() <= timedelta(hours=self.runtime.turn.unfinished_kept_h)
        return SessionStart(carry_over=rules.carry_over, keep=keep)

    def _session_rules(self) -> SessionRules:
        return session_rules(self.compiled, default=timedelta(hours=self.runtime.turn.session_expiry_h))

    def _silence(self) -> timedelta:
        """Between this message and the person's last one."""
        last = self.held.last_user_at
        return self.head.provider_at - last if last is not None and self.head.kind == "message" else timedelta(0)

    def _locale(self) -> str:
        """The message's own language, else the person's, else the organization's."""
        return self.spoken_now or self.held.contact_locale or self.profile.info.locale

    def _view(self) -> View:
        return View(
            now=self.now,
            locale=self._locale(),
            seed=self.head.inbox_id.int & 0xFFFF_FFFF,
            contact={"name": self.held.contact_name, "id": str(self.held.contact_id)},
            organization={
                "name": self.profile.info.name,
                "id": str(self.profile.info.id),
                "reach": self.profile.reach.text(self._locale()),
                "people": self.profile.has_people,
            },
            revision=self.held.revision + 1,
            trace=self.runtime.watch is not None,
            clarify_starts=self.runtime.turn.clarify_several,
        )

    def _turn(self, action: RunAction, state: FlowState, skill: str, unit: Unit | None) -> Turn:
        held = self.held
        return Turn(
            organization=self.profile.info,
            contact=ContactInfo(
                held.contact_id, held.contact_name, held.contact_locale, held.opted_in_at, held.opted_out_at
            ),
            session_id=held.session_id,
            account_id=held.account_id,
            inbox_id=self.head.inbox_id,
            step=action.key,
            now=self.now,
            locale=self._locale(),
            text=self._said(),
            message=self.message,
            slots=bridge.plain_slots(state, skill),
            work=unit,
        )

"""One inbox row, answered: understand, advance, commit, deliver; segment by segment."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any

import asyncpg

from bot.actions import OnlineAction, Turn
from bot.bodies import decode_inbound
from bot.conversations.queue import call_a_person
from bot.conversations.summary import summarize
from bot.delivery import Delivery, address, deliver
from bot.errors import ChatNationError, Retryable, UserFacing
from bot.flows import (
    ActionResult,
    Command,
    Effect,
    FlowState,
    HandOffRequested,
    Log,
    RunAction,
    Say,
    advance,
)
from bot.messages import Outbound, Text
from bot.ports import Lane
from bot.reach import HAND_OFF
from bot.remote.action import RemoteAction
from bot.skill import ContactInfo
from bot.turn import bridge
from bot.turn.commit import Committed, LeaseLost, Segment, commit
from bot.turn.lease import FENCE_HOLDS, Head, fence
from bot.turn.listening import hear_language, keep_locale
from bot.turn.row import RowInHand
from bot.turn.silence import (
    SUSPENDED,
    said_while_suspended,
    set_aside,
)
from bot.turn.speech import parts_of, rows_of
from bot.turn.tongue import Tongue
from bot.turn.wishes import is_obeyed_always, wishes
from bot.unit import Unit
from store.db import transaction
from store.tenancy import organization_scope

__all__ = ["TurnInHand"]

log = logging.getLogger(__name__)

# Keys beside the engine's state in `sessions.state`.
BEGUN = "begun"
STARTED_AT = "started_at"


class TurnBroke(ChatNationError):
    """What a turn raised is no error of ours: its class is told, its words may be a person's."""


class _Replay(Exception):
    """An action refused or failed: its segment is rolled back and runs again with that answer."""

    def __init__(self, key: str, result: ActionResult) -> None:
        super().__init__(key)
        self.key = key
        self.result = result


class TurnInHand(RowInHand):
    """The turn of one inbox row."""

    __slots__ = ()

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
            hear_language(self, state)
        if (begun_at := (self.held.state or {}).get(STARTED_AT)) is not None:
            self.spoke_first_at = datetime.fromisoformat(begun_at)
        if (self.held.taken_over or self.held.suspended) and not await is_obeyed_always(self, state):
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
        if self.is_new_session():
            state = self._report(state, self.session_start(), said)
            self.held.started_at = self.now
        if state.pending is not None and state.pending.kind == "action":
            self.is_owed = True
            return await self._segments(state, said, [])
        return await self._segments(state, said, await wishes(self, state, said))

    def _report(self, state: FlowState, what: Command, said: list[tuple[Outbound, str, str]]) -> FlowState:
        step = advance(self.compiled, state, [what], self.view())
        self._take(step.effects, said)
        return step.state

    # -- while a person answers

    async def _keep_for_people(self, state: FlowState) -> Head | None:
        """Nothing is said and nothing moves: the message stands in the inbox, an outside event waits until the bot answers again."""
        said: list[tuple[Outbound, str, str]] = []
        if self.head.kind != "message":
            self.asides.append(partial(set_aside, self.head.inbox_id))
        elif self.held.suspended and not self.held.taken_over:
            text = await said_while_suspended(self.held, self.locale())
            said = [(Text(text=text), SUSPENDED, "")] if text else []
        if not self.asides:
            return (await self._commit(state, said, done=True)).following
        _, committed, _ = await self._local_once(state, said, None)
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
            step = advance(self.compiled, state, commands, self.view())
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
        return await self._segments(state, said, await wishes(self, state, said))

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
                    step = advance(self.compiled, state, [result], self.view())
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
                instance,
                turn,
                state,
                self.compiled,
                skill=skill,
                timeout_s=self._timeout_s(instance, skill),
                asker=self.runtime.registry.asker(skill),
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
            await keep_locale(self, unit)
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
        kept = self.tongue.to_json()
        if self.spoke_first_at is not None and state.stack:
            kept[STARTED_AT] = self.spoke_first_at.isoformat()
        if state.pending is None or state.pending.kind != "action":
            return kept
        return {**kept, BEGUN: {"inbox_id": str(self.head.inbox_id), "is_owed": self.is_owed}}

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
                self.locale(),
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

    async def _note_hand_off(self, reason: str, unit: Unit) -> None:
        """Puts the conversation into the queue of the inbox."""
        subject = f"contacts:{self.held.contact_id}"
        unit.audit(HAND_OFF, subject=subject, after={"reason": reason, "session": str(self.held.session_id)})
        summary = summarize(self.held.state, self.heard, self.compiled, reason=reason, said=self.text())
        await call_a_person(unit, self.held.session_id, summary)

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
            locale=self.locale(),
            text=self.text(),
            message=self.message,
            slots=bridge.plain_slots(state, skill),
            work=unit,
        )

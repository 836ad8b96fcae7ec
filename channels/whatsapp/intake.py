"""A verified delivery -> what it brings to whom. Every item on its own: one that cannot be placed never takes the others along."""

from __future__ import annotations

import hashlib
import logging
import time
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import orjson

from bot.errors import Retryable
from bot.messages import Reaction
from bot.turn.inbox import Arrival, Delivered, GroupCommit, OtherArrival, StatusArrival
from channels.whatsapp.envelope import bounded
from channels.whatsapp.errors import ACTIONS, MEDIA_UNUSABLE, Stops, classify, meaning
from channels.whatsapp.events import (
    AccountEvent,
    Event,
    MessageEvent,
    QualityEvent,
    Sender,
    StatusEvent,
    SystemEvent,
    TemplateEvent,
    UserPreferenceEvent,
)
from channels.whatsapp.inbound import MalformedBody, iter_events, storable
from store.db import execute
from store.directory import App, Route, meta_apps, route, set_delivery_outcome, unparsed_delivery
from store.tenancy import organization_scope

if TYPE_CHECKING:
    from bot.runtime import Runtime

__all__ = ["RAW_AAD", "Intake", "reparse"]

log = logging.getLogger(__name__)

RAW_AAD = b"platform:webhook_deliveries:sealed_body"
_STOPPING = {Stops.NUMBER, Stops.KIND, Stops.TEMPLATE, Stops.RECIPIENT_MARKETING, "file"}
_STATUSES = {"REINSTATED": "APPROVED", "PENDING_DELETION": "DELETED"}
REFUSED_BODY_BYTES = 64 * 1024  # of a body that nobody vouches for no more is read
NOTED_EACH_S = 5.0
FRESH_S = 10.0  # how long a route and the apps' secrets are remembered


class Intake:
    """Reads deliveries of all organizations. Look-ups are remembered; a number nobody knew is asked for again each second at most."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._routes: dict[tuple[str, str], tuple[float, Route | None]] = {}
        self._apps: tuple[float, list[App]] = (0.0, [])
        self._noted_at = -NOTED_EACH_S

    async def apps(self) -> list[App]:
        until, found = self._apps
        if until < time.monotonic():
            found = await meta_apps(self._runtime.master)
            self._apps = (time.monotonic() + FRESH_S, found)
        return found

    async def note_refused(self, body: bytes) -> None:
        """A delivery whose signature is wrong names a number of ours: its connection doctor tells. Seldom, for anybody can send such a body."""
        if len(body) > REFUSED_BODY_BYTES or time.monotonic() - self._noted_at < NOTED_EACH_S:
            return
        self._noted_at = time.monotonic()
        try:
            event = next(iter(iter_events(body)), None)
            found = await self._route(event.phone_number_id, event.waba_id) if event is not None else None
        except MalformedBody:
            return
        if found is not None:
            with organization_scope(found.organization_id):
                await execute(
                    "UPDATE channel_accounts SET refused_at = clock_timestamp() WHERE organization_id = $1 AND id = $2",
                    found.organization_id,
                    found.account_id,
                )

    async def read(self, body: bytes, meta_app_id: UUID) -> Delivered:
        """Never raises for anything in `body`; database errors pass."""
        delivered = Delivered(meta_app_id, self._runtime.master.seal(body, RAW_AAD), len(body))
        try:
            for event in iter_events(body):
                await self._place(event, meta_app_id, delivered)
        except MalformedBody as e:
            delivered.outcome, delivered.detail = "malformed", str(e)[:300]
            log.warning("malformed delivery kept", extra={"bytes": len(body)})
        except Retryable:
            raise
        except Exception as e:  # a fault of our reader: what it read counts, the rest is in the raw bytes (decision 10)
            delivered.outcome, delivered.detail = "unparsed", type(e).__name__
            log.exception("delivery not read to its end")
        return delivered

    async def _place(self, event: Event, meta_app_id: UUID, delivered: Delivered) -> None:
        found = await self._route(event.phone_number_id, event.waba_id)
        if found is None or found.meta_app_id != meta_app_id:
            # Kept raw, and an alarm: somebody's messages arrive and nobody answers them.
            delivered.outcome, delivered.detail = (
                "unrouted",
                f"no account for {event.field} of a number or WABA we do not know",
            )
            log.error("delivery for an unknown number kept", extra={"field": event.field, "kind": event.kind.value})
            return
        at = event.timestamp or datetime.now(UTC)
        if isinstance(event, MessageEvent) and event.phone_number_id and not event.group_id:
            delivered.arrivals.append(
                Arrival(
                    found.organization_id,
                    found.account_id,
                    found.portfolio,
                    f"+{event.sender.wa_id}" if event.sender.wa_id else "",
                    event.sender.user_id,
                    event.sender.profile_name,
                    event.external_id,
                    event.message,
                    _refers_to(event),
                    at,
                )
            )
        elif isinstance(event, StatusEvent) and event.phone_number_id:
            delivered.statuses.append(
                StatusArrival(
                    found.organization_id,
                    found.account_id,
                    bounded(event.wamid),
                    event.status[:20],
                    event.participant_id[:160],
                    _uuid(event.opaque),
                    at,
                    {
                        "pricing": asdict(event.pricing) if event.pricing else None,
                        "errors": [asdict(error) for error in event.errors] or None,
                        "refused": _refused(event),
                    },
                )
            )
        else:
            log.info("channel event kept", extra={"kind": event.kind.value, "field": event.field})
            facts = _facts_of(event, found)
            raw = storable(event.raw)
            delivered.others.append(
                OtherArrival(
                    found.organization_id,
                    found.account_id if event.phone_number_id else None,
                    event.kind.value,
                    event.external_id or hashlib.sha256(raw).hexdigest(),
                    b'{"raw":' + raw + b',"facts":' + orjson.dumps(facts) + b"}",
                    at,
                    applies=facts is not None,
                )
            )

    async def _route(self, phone_number_id: str, waba_id: str) -> Route | None:
        key = (phone_number_id, "" if phone_number_id else waba_id)
        until, found = self._routes.get(key, (0.0, None))
        if until < time.monotonic():
            found = await route("whatsapp", external_id=key[0], waba_id=key[1])
            if len(self._routes) > 10_000:  # forged ids must not fill the memory
                self._routes.clear()
            self._routes[key] = (time.monotonic() + (FRESH_S if found else 1.0), found)
        return found


async def reparse(runtime: Runtime, delivery_id: UUID) -> None:
    """Reads a kept delivery again: one that could not be placed when it came. For the sweep."""
    found = await unparsed_delivery(delivery_id)
    if found is None:
        return
    meta_app_id, sealed = found
    delivered = await Intake(runtime).read(runtime.master.open(sealed, RAW_AAD), meta_app_id)
    delivered.sealed_raw = None

    async def hint(organization_id: UUID, session_id: UUID, inbox_id: UUID) -> None:
        await runtime.dispatcher.hint(organization_id, session_id, attempt=f"{inbox_id}:0")

    group = GroupCommit(hint, sealed=runtime.encrypt_messages)
    await group.commit_or_raise(delivered)
    await set_delivery_outcome(delivery_id, delivered.outcome, delivered.detail)
    await group.close()


def _refused(event: StatusEvent) -> dict[str, Any] | None:
    """What a message that failed after it was accepted stops besides itself, for `core.apply_refusal`; None: nothing."""
    for error in event.errors if event.status == "failed" else ():
        action = ACTIONS[classify(error.code)]
        stops = "file" if error.code == MEDIA_UNUSABLE else action.stops.value
        if stops in _STOPPING and not action.retries:
            return {"code": error.code, "stops": stops, "reason": meaning(error.code)}
    return None


def _facts_of(event: Event, found: Route) -> dict[str, Any] | None:
    """What the event changes about a person, a template or a number, in words that no messenger owns; None: nothing."""
    if isinstance(event, SystemEvent) and event.change in ("user_changed_number", "user_changed_user_id"):
        return {
            "kind": "moved",
            "who": _names_of(event.previous, found.portfolio),
            "to": _names_of(event.current, found.portfolio),
        }
    if isinstance(event, UserPreferenceEvent) and event.value in ("stop", "resume"):
        return {"kind": "marketing", "who": _names_of(event.person, found.portfolio), "value": event.value}
    if isinstance(event, TemplateEvent) and event.template_id:
        return _of_template(event, found)
    if isinstance(event, QualityEvent | AccountEvent):
        return {"kind": "number", "account_id": str(found.account_id)}
    return None


def _of_template(event: TemplateEvent, found: Route) -> dict[str, Any]:
    """What changed of it; nothing of that: it is to be fetched."""
    told = {"status": "", "quality": "", "category": "", "reason": ""}
    match event.field:
        case "message_template_status_update":
            told |= {"status": _STATUSES.get(event.event, event.event)[:24], "reason": event.reason[:300]}
            told["reason"] = "" if told["reason"] == "NONE" else told["reason"]
        case "message_template_quality_update":
            told["quality"] = event.current[:12]
        case "template_category_update" if event.current:
            told["category"] = event.current[:24]
    return {
        "kind": "template",
        "account_id": str(found.account_id),
        "waba_id": event.waba_id,
        "template_id": event.template_id[:64],
        "told": told,
    }


def _names_of(sender: Sender, portfolio: str) -> list[dict[str, str]]:
    names = [{"kind": "bsuid", "portfolio": portfolio, "value": sender.user_id}] if sender.user_id else []
    return names + ([{"kind": "phone", "portfolio": "", "value": f"+{sender.wa_id}"}] if sender.wa_id else [])


def _refers_to(event: MessageEvent) -> str | None:
    """The provider's id of the message that this one answers, or is a reaction on. That one may come later."""
    if isinstance(event.message, Reaction):
        return bounded(event.message.message_id) or None
    return bounded(event.context.message_id) or None if event.context else None


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(hex=text) if len(text) == 32 else None
    except ValueError:
        return None

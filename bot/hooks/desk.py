"""What people and programs do with the organization's endpoints. In its scope; what changes something takes an open unit of work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from bot.hooks import reasons
from bot.hooks.envelope import envelope
from bot.hooks.guard import Unsafe, check_url
from bot.hooks.settings import HookSettings
from bot.hooks.told import TEST, ToldType, told_types
from bot.identity import Principal
from bot.identity.errors import NotPossible
from bot.standard_webhooks import make_secret
from bot.unit import Unit
from store import hooks
from store.fields import reveal
from store.ids import uuid7
from store.models import HookDelivery, HookEndpoint, HookState, TellingState

if TYPE_CHECKING:
    from bot.runtime import Runtime

__all__ = [
    "MAX_ENDPOINTS",
    "change_endpoint",
    "create_endpoint",
    "remove_endpoint",
    "replay_one",
    "replay_since",
    "rotate_secret",
    "send_test",
    "told_here",
    "turn_off",
    "turn_on",
]

MANAGE = "webhooks.manage"
MAX_ENDPOINTS = 100
MAX_DESCRIPTION = 200
TEST_WORDS = "If you can read this and the signature is right, everything is set up."


async def told_here(runtime: Runtime, organization_id: UUID) -> dict[str, ToldType]:
    """What this organization can be told of: the core's, and that of the skills it has on."""
    profile = await runtime.directory.organization(organization_id)
    return told_types(runtime.registry, profile.skills)


async def create_endpoint(
    work: Unit,
    principal: Principal,
    *,
    url: str,
    event_types: Sequence[str],
    description: str = "",
    whole_phones: bool = False,
) -> tuple[HookEndpoint, str]:
    """With its secret, which is not shown again.

    Raises:
        NotAllowed: an event of which the principal may not read, or whole numbers that she may not see.
        NotPossible: `field` says what is wrong.
    """
    principal.require(MANAGE)
    if await HookEndpoint.all().count() >= MAX_ENDPOINTS:
        raise NotPossible("too_many", f"there are {MAX_ENDPOINTS} webhooks already; delete one that nobody needs")
    values = await _checked(work, principal, url, event_types, description, whole_phones)
    secret = make_secret()
    row = await HookEndpoint.create(**values, secret=secret, created_by=principal.actor[:120], created_at=work.now)
    work.audit("webhook.created", subject=f"webhook:{row.id}", after=values)
    return row, secret


async def change_endpoint(
    work: Unit,
    principal: Principal,
    row: HookEndpoint,
    *,
    url: str,
    event_types: Sequence[str],
    description: str = "",
    whole_phones: bool = False,
) -> None:
    """What was written for it already is sent to the new address.

    Raises:
        NotAllowed, NotPossible: as `create_endpoint`.
    """
    principal.require(MANAGE)
    before = {name: getattr(row, name) for name in ("url", "event_types", "description", "whole_phones")}
    values = await _checked(work, principal, url, event_types, description, whole_phones, had=before)
    row.update_from_dict(values)
    if values["url"] != before["url"]:
        row.update_from_dict({"failures": 0, "failing_since": None, "hold_until": None})
    await row.save(update_fields=[*values, "failures", "failing_since", "hold_until"])
    work.audit("webhook.changed", subject=f"webhook:{row.id}", before=before, after=values)


async def rotate_secret(work: Unit, principal: Principal, row: HookEndpoint) -> str:
    """The new secret. The old one signs beside it for a day, so that the receiver can be changed in peace."""
    principal.require(MANAGE)
    settings = work.runtime.configuration.section(HookSettings, "hooks")
    row.old_secret = reveal(row, "secret")  # sealed anew: a text of one column does not open in another
    row.old_until = work.now + timedelta(hours=settings.old_secret_h)
    row.secret = secret = make_secret()
    await row.save(update_fields=["secret", "old_secret", "old_until"])
    work.audit("webhook.secret_rotated", subject=f"webhook:{row.id}", after={"old_until": row.old_until.isoformat()})
    return secret


async def turn_on(work: Unit, principal: Principal, row: HookEndpoint, *, catch_up: bool = False) -> int:
    """`catch_up`: what was kept while it was failing is sent now; else it is given up. How many that are."""
    principal.require(MANAGE)
    before = row.state
    row.update_from_dict(
        {"state": HookState.ON, "state_reason": "", "failures": 0, "failing_since": None, "hold_until": None}
    )
    await row.save(update_fields=["state", "state_reason", "failures", "failing_since", "hold_until"])
    if catch_up:
        found = await hooks.replay(work.tx, row.id, states=[TellingState.HELD])
    else:
        found = await HookDelivery.filter(endpoint_id=row.id, state=TellingState.HELD).update(
            state=TellingState.DEAD, last_error=reasons.WITHOUT_IT
        )
    work.audit(
        "webhook.turned_on",
        subject=f"webhook:{row.id}",
        before={"state": before},
        after={"catch_up": catch_up, "events": found},
    )
    return found


async def turn_off(work: Unit, principal: Principal, row: HookEndpoint) -> None:
    """Nothing is sent or kept for it; what waits is given up."""
    principal.require(MANAGE)
    before = row.state
    row.state, row.state_reason = HookState.OFF, ""
    await row.save(update_fields=["state", "state_reason"])
    await HookDelivery.filter(endpoint_id=row.id, state__in=[TellingState.READY, TellingState.HELD]).update(
        state=TellingState.DEAD, last_error=reasons.TURNED_OFF
    )
    work.audit("webhook.turned_off", subject=f"webhook:{row.id}", before={"state": before})


async def remove_endpoint(work: Unit, principal: Principal, row: HookEndpoint) -> None:
    """With all that it was told."""
    principal.require(MANAGE)
    await row.delete()
    work.audit("webhook.deleted", subject=f"webhook:{row.id}", before={"url": row.url, "event_types": row.event_types})


async def send_test(work: Unit, principal: Principal, row: HookEndpoint) -> HookDelivery:
    """
    Raises:
        NotPossible: it is off.
    """
    principal.require(MANAGE)
    _require_on(row)
    event_id = uuid7()
    data = {"message": TEST_WORDS, "sent_by": principal.name or principal.kind}
    made = await HookDelivery.create(
        endpoint_id=row.id,
        event_id=event_id,
        type=TEST,
        body=envelope(TEST, event_id, work.now, data),
        next_attempt_at=work.now,
        occurred_at=work.now,
    )
    await _hurry(row)
    work.audit("webhook.tested", subject=f"webhook:{row.id}")
    return made


async def replay_one(work: Unit, principal: Principal, row: HookEndpoint, delivery: HookDelivery) -> None:
    """The same event with the same id and body, delivered before or not.

    Raises:
        NotPossible: the endpoint is off, or the event is on its way anyway.
    """
    principal.require(MANAGE)
    _require_on(row)
    if not await hooks.replay(work.tx, row.id, ids=[delivery.id]):
        raise NotPossible("on_its_way", "this event waits for its next try; it goes out by itself")
    await _hurry(row)
    work.audit("webhook.replayed", subject=f"webhook:{row.id}", after={"event": str(delivery.event_id)})


async def replay_since(
    work: Unit, principal: Principal, row: HookEndpoint, since: datetime, *, delivered_too: bool = False
) -> int:
    """How many go out again: those that were given up, or all, for a receiver that lost its data.

    Raises:
        NotPossible: the endpoint is off.
    """
    principal.require(MANAGE)
    _require_on(row)
    states = [TellingState.DEAD, TellingState.HELD, *([TellingState.DELIVERED] if delivered_too else [])]
    found = await hooks.replay(work.tx, row.id, since=since, states=states)
    await _hurry(row)
    work.audit(
        "webhook.replayed",
        subject=f"webhook:{row.id}",
        after={"since": since.isoformat(), "delivered_too": delivered_too, "events": found},
    )
    return found


def _require_on(row: HookEndpoint) -> None:
    if row.state is not HookState.ON:
        raise NotPossible("off", "this webhook is off; turn it on first")


async def _hurry(row: HookEndpoint) -> None:
    """Somebody wants to see it now: the pause after failures is over."""
    await HookEndpoint.filter(id=row.id).update(hold_until=None)


async def _checked(
    work: Unit,
    principal: Principal,
    url: str,
    event_types: Sequence[str],
    description: str,
    whole_phones: bool,
    *,
    had: Mapping[str, object] | None = None,
) -> dict[str, Any]:
    settings = work.runtime.configuration.section(HookSettings, "hooks")
    try:
        check_url(url.strip(), allow_private=settings.allow_private)
    except Unsafe as e:
        raise NotPossible("url", str(e), field="url") from e
    if len(url) > 2000:
        raise NotPossible("url", "the address has more than 2,000 characters", field="url")
    if len(description) > MAX_DESCRIPTION:
        raise NotPossible("description", f"it has more than {MAX_DESCRIPTION} characters", field="description")
    if not event_types:
        raise NotPossible("event_types", "choose at least one event", field="event_types")
    known = await told_here(work.runtime, work.organization_id)
    for name in event_types:
        if name not in known:
            raise NotPossible(
                "event_types", f"there is no event {name} here; see the list of events", field="event_types"
            )
    # Nobody gives out more than she may see; what others subscribed before her stays.
    for name in set(event_types) - set(_names(had)):
        principal.require(known[name].permission)
    if whole_phones and not (had and had["whole_phones"]):
        principal.require("contacts.phone")
    return {
        "url": url.strip(),
        "description": description.strip(),
        "event_types": sorted(set(event_types)),
        "whole_phones": whole_phones,
    }


def _names(had: Mapping[str, object] | None) -> Sequence[str]:
    found = had["event_types"] if had else []
    return found if isinstance(found, list) else []

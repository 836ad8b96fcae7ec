"""A flow that begins without a message of the person: on a schedule with everybody, by a delivery with the one that it names.

Only with people who agreed and wrote within the last 24 hours, so that what the flow says may be said; whoever is in the middle of something, or is
answered by a colleague, is not disturbed by a schedule.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

import orjson

from bot.contacts.directory import contact_with_phone
from bot.contacts.errors import NotPossible
from bot.contacts.phone import e164
from bot.errors import Permanent
from bot.policy import WINDOW, WINDOW_MARGIN
from bot.triggers.begin import STARTED
from bot.triggers.jobs import StartFlowJob
from bot.unit import open_unit
from store import triggers
from store.models import Contact
from store.tenancy import organization_scope

if TYPE_CHECKING:
    from bot.runtime import Runtime
    from bot.skill import TaskContext

__all__ = ["start_flow"]

log = logging.getLogger(__name__)

AT_ONCE = 500
MAX_SLOTS = 20
FINDS = 'JSON with "contact_id" or "phone" (E.164), and "slots" if any'


async def start_flow(runtime: Runtime, job: StartFlowJob, ctx: TaskContext) -> None:
    """
    Raises:
        Permanent: the delivery names nobody who may be written to.
    """
    contact_id, slots = None, dict[str, Any]()
    if job.delivery_id is not None:
        contact_id, slots = await _named(job, ctx)
    payload = {"event": STARTED, "key": job.once, "flow": job.flow, "slots": slots}
    once = f"start:{hashlib.sha256(job.once.encode()).hexdigest()[:40]}"  # keys of the inbox are short
    since = ctx.clock.now() - WINDOW + WINDOW_MARGIN
    found = AT_ONCE
    reached = 0
    while found == AT_ONCE:
        async with open_unit(runtime, ctx.organization.id, actor=f"job:{ctx.job_id}") as work:
            put = await triggers.start_in_sessions(
                work.tx, payload, once, since=since, contact_id=contact_id, limit=AT_ONCE
            )
        for inbox_id, session_id in put:
            await runtime.dispatcher.hint(ctx.organization.id, session_id, attempt=f"{inbox_id}:0")
        found = len(put)
        reached += found
    log.info("flow started from outside", extra={"flow": job.flow, "conversations": reached})
    if contact_id is not None and not reached and ctx.attempt == 1:
        raise Permanent(
            "the person did not agree to messages, or wrote last more than 24 hours ago, or a colleague answers:"
            " nothing is begun with them"
        )


async def _named(job: StartFlowJob, ctx: TaskContext) -> tuple[UUID, dict[str, Any]]:
    assert job.delivery_id is not None
    found = await ctx.delivery(job.delivery_id)
    try:
        told = orjson.loads(found.body)
    except orjson.JSONDecodeError as e:
        raise Permanent(f"the delivery is not {FINDS}") from e
    slots = told.get("slots") or {} if isinstance(told, dict) else None
    if not isinstance(slots, dict) or len(slots) > MAX_SLOTS:
        raise Permanent(f"the delivery is not {FINDS}")
    with organization_scope(ctx.organization.id):
        contact_id = await _contact(told, ctx.organization.country)
    if contact_id is None:
        raise Permanent("the delivery names nobody whom the organization knows")
    return contact_id, slots


async def _contact(told: Mapping[str, Any], country: str) -> UUID | None:
    phone, given = told.get("phone"), told.get("contact_id")
    try:
        if isinstance(phone, str):
            return await contact_with_phone(e164(phone, country))
        row = await Contact.get_or_none(id=UUID(str(given)))
    except (NotPossible, ValueError) as e:
        raise Permanent(f"the delivery is not {FINDS}") from e
    return None if row is None else row.merged_into or row.id

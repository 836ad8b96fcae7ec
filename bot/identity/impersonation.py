"""Seeing an organization with the eyes of one of its people: for the platform's own, for an hour, in the organization's audit log."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from bot.identity.access import sign_out
from bot.identity.errors import NotPossible
from bot.identity.principal import Principal
from bot.skill import Job, TaskContext
from bot.unit import Unit, open_unit
from store import audit, people
from store.ids import uuid7

if TYPE_CHECKING:
    from bot.runtime import Runtime

__all__ = ["EndImpersonation", "end_impersonation", "impersonate", "stop_impersonating"]

LASTS = timedelta(hours=1)
ENDED = "impersonation.ended"


class EndImpersonation(Job):
    name = "core.end_impersonation"

    session_id: UUID
    user_id: UUID
    by: UUID


async def impersonate(
    runtime: Runtime,
    principal: Principal,
    user_id: UUID,
    organization_id: UUID,
    *,
    reason: str,
    ip: str,
    user_agent: str,
    lasts: timedelta = LASTS,
) -> UUID:
    """A session of its own, beside the principal's; every principal of it names both (`impersonated_by`) and may less than the person
    (`roles.NOT_BORROWED`). It ends by itself after `lasts`, an hour at the most.

    Raises:
        NotAllowed: without `platform.impersonate`.
        NotPossible: nobody of this organization, one of the platform's own, or no reason.
    """
    principal.require("platform.impersonate")
    if principal.impersonated_by is not None or principal.kind != "user":
        raise NotPossible("twice", "stop impersonating first")
    if len(reason.strip()) < 5:
        raise NotPossible("reason", "say why; the organization reads it in its audit log", field="reason")
    person = await people.person(user_id)
    places = await people.places_of(user_id)
    if person is None or organization_id not in {place.organization_id for place in places}:
        raise NotPossible("no_member", "this person is no member of the organization")
    if person.platform_admin:
        raise NotPossible("platform", "the platform's own people are not impersonated")
    now, session_id = runtime.clock.now(), uuid7()
    ends_at = now + min(lasts, LASTS)
    after = {"reason": " ".join(reason.split())[:300], "until": ends_at.isoformat()}
    async with open_unit(runtime, organization_id, actor=f"user:{principal.id}") as work:
        work.audit("impersonation.started", subject=f"user:{user_id}", after=after)
        work.enqueue(EndImpersonation(session_id=session_id, user_id=user_id, by=principal.id), at=ends_at)
    await people.start_session(
        session_id,
        principal.id,
        kind="browser",
        method="impersonation",
        second_factor=True,
        ip=ip,
        user_agent=user_agent,
        now=now,
        expires_at=ends_at,
        impersonating=user_id,
        impersonating_in=organization_id,
    )
    return session_id


async def stop_impersonating(runtime: Runtime, principal: Principal) -> None:
    """Ends that session; the principal's own is still there."""
    if principal.impersonated_by is None or principal.session_id is None:
        raise NotPossible("not_impersonating", "nobody is impersonated")
    if principal.organization_id is not None:
        async with open_unit(runtime, principal.organization_id, actor=f"user:{principal.impersonated_by}") as work:
            _end(work, principal.session_id, principal.id)
    await sign_out(principal.session_id)


async def end_impersonation(runtime: Runtime, job: EndImpersonation, ctx: TaskContext) -> None:
    """The audit log has an end of each, also of what ran out or ended with another session."""
    since = runtime.clock.now() - 2 * LASTS
    ended, _ = await audit.entries(action=ENDED, find=str(job.user_id), since=since, limit=1_000)
    if any((each.after or {}).get("session") == str(job.session_id) for each in ended):
        return
    async with open_unit(runtime, ctx.organization.id, actor=f"user:{job.by}") as work:
        _end(work, job.session_id, job.user_id)


def _end(work: Unit, session_id: UUID, user_id: UUID) -> None:
    work.audit(ENDED, subject=f"user:{user_id}", after={"session": str(session_id)})

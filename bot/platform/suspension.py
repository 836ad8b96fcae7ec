"""Suspending an organization, and letting it go on.

Meanwhile nobody signs in to it and no key of it works, each with the reason. The bot keeps silent or says one kind sentence to each person
who writes; STOP is obeyed. Messages stand in the inbox, outside events wait as `held`, what the organization starts waits in the outbox: all
of it goes on when it is resumed.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from bot.errors import Permanent
from bot.identity import Principal
from bot.identity.errors import NotPossible
from bot.identity.memory import forget_organization
from bot.turn.silence import HELD
from bot.unit import Unit, open_unit
from store import platform
from store.jsonb import to_jsonb

if TYPE_CHECKING:
    from bot.runtime import Runtime

__all__ = ["resume", "resume_due", "suspend"]

MAX_SAYS = 600
LOCALES = ("en", "sw")

_SUSPEND = """
UPDATE organizations SET suspended_at = COALESCE(suspended_at, clock_timestamp()), suspended_until = $2, suspended_reason = $3,
    suspended_says = $4::jsonb
WHERE id = $1
"""
_RESUME = """
UPDATE organizations SET suspended_at = NULL, suspended_until = NULL, suspended_reason = NULL, suspended_says = NULL
WHERE id = $1 AND suspended_at IS NOT NULL
"""
_LET_GO = """
UPDATE inbox i SET state = 'ready', next_attempt_at = clock_timestamp() FROM conversations v
WHERE i.organization_id = $1 AND i.state = $2 AND v.organization_id = $1 AND v.id = i.session_id AND v.taken_over_at IS NULL
"""


async def suspend(
    runtime: Runtime,
    principal: Principal,
    organization_id: UUID,
    *,
    reason: str,
    until: datetime | None = None,
    says: Mapping[str, str] | None = None,
) -> None:
    """Also changes why, until when and what is said of one that is suspended already.

    Args:
        until: then the clock resumes it; None: until somebody does.
        says: what the bot answers, by language; none: nothing.

    Raises:
        NotAllowed: without `platform.suspend`.
        NotPossible: no reason, or a time that is over.
    """
    principal.require("platform.suspend")
    reason = " ".join(reason.split())
    if not 5 <= len(reason) <= 300:
        raise NotPossible("reason", "say why, in 5 to 300 characters; the organization reads it", field="reason")
    if until is not None and until <= runtime.clock.now():
        raise NotPossible("until", "choose a time that is still to come, or none", field="until")
    spoken = {locale: text.strip() for locale, text in (says or {}).items() if locale in LOCALES and text.strip()}
    if any(len(text) > MAX_SAYS for text in spoken.values()):
        raise NotPossible("says", f"at most {MAX_SAYS} characters", field="says")
    async with open_unit(runtime, organization_id, actor=principal.actor) as work:
        before = await _standing(work)
        await work.tx.execute(_SUSPEND, organization_id, until, reason, to_jsonb(spoken) if spoken else None)
        after = {"reason": reason, "until": until.isoformat() if until else None, "says": spoken.get("en", "")}
        _audit(work, "organization.suspended", before, after)
    forget_organization(organization_id)


async def resume(runtime: Runtime, principal: Principal, organization_id: UUID, *, note: str = "") -> bool:
    """False: it was not suspended."""
    principal.require("platform.suspend")
    return await _resume(runtime, organization_id, principal.actor, " ".join(note.split())[:300])


async def resume_due(runtime: Runtime) -> int:
    """Those whose time is over, for the clock."""
    due = await platform.suspensions_over(runtime.clock.now())
    for organization_id in due:
        await _resume(runtime, organization_id, "clock", "its time is over")
    return len(due)


async def _resume(runtime: Runtime, organization_id: UUID, actor: str, note: str) -> bool:
    async with open_unit(runtime, organization_id, actor=actor) as work:
        before = await _standing(work)
        if await work.tx.execute(_RESUME, organization_id) == "UPDATE 0":
            return False
        await work.tx.execute(_LET_GO, organization_id, HELD)
        _audit(work, "organization.resumed", before, {"note": note})
    forget_organization(organization_id)
    return True


async def _standing(work: Unit) -> dict[str, Any] | None:
    row = await work.tx.fetchrow(
        "SELECT suspended_at, suspended_reason, suspended_until FROM organizations WHERE id = $1 FOR UPDATE",
        work.organization_id,
    )
    if row is None:
        raise Permanent(f"there is no organization {work.organization_id}")
    if row["suspended_at"] is None:
        return None
    until = row["suspended_until"]
    return {"reason": row["suspended_reason"], "until": until.isoformat() if until else None}


def _audit(work: Unit, action: str, before: Any, after: Any) -> None:
    work.audit(action, subject=f"organization:{work.organization_id}", before=before, after=after)

"""What stopped working, told to those who can mend it. Beside the failure itself: that the bell could not be rung must change nothing of it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING
from uuid import UUID

from bot.errors import ChatNationError
from bot.notifications.kinds import Words
from bot.notifications.mail import MailNotification
from bot.notifications.notify import notify
from bot.unit import open_unit
from store.db import fetchval
from store.tenancy import organization_scope

if TYPE_CHECKING:
    from bot.runtime import Runtime

__all__ = ["tell_of_buried_job", "tell_of_stopped_number"]

log = logging.getLogger(__name__)


async def tell_of_stopped_number(runtime: Runtime, organization_id: UUID, account_id: UUID, reason: str) -> None:
    with organization_scope(organization_id):
        name = await fetchval(
            "SELECT coalesce(nullif(name, ''), display_phone_number) FROM channel_accounts WHERE organization_id = $1 AND id = $2",
            organization_id,
            account_id,
        )
    what = reason.partition(": ")[2] or reason
    subject = {"en": f"The number {name} is {reason}", "sw": f"Namba {name} imesimamishwa na mtoa huduma: {what}"}
    await _tell(runtime, organization_id, subject, "/channels", "channels.view", f"number:{account_id}")


async def tell_of_buried_job(runtime: Runtime, organization_id: UUID, job: str) -> None:
    """One line for all jobs of this name, until it is read."""
    if job == MailNotification.name:
        return  # a letter about a letter would not arrive either
    subject = {
        "en": f"A job was given up after its last try: {job}",
        "sw": f"Kazi imeachwa baada ya jaribio la mwisho: {job}",
    }
    await _tell(runtime, organization_id, subject, "/", "channels.view", f"job:{job}")


async def _tell(runtime: Runtime, organization_id: UUID, subject: Words, link: str, permission: str, key: str) -> None:
    try:
        async with open_unit(runtime, organization_id, actor="platform") as work:
            await notify(work, "failing", subject, link, permission=permission, key=key)
    except ChatNationError as e:
        log.warning("nobody was told of a failure", extra={"reason": type(e).__name__})

"""A notification as a letter, by a job: the mail server may be away."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from bot.identity.letters import write
from bot.identity.settings import IdentitySettings
from bot.notifications.kinds import Words
from bot.skill import Job, TaskContext
from store.db import fetchrow
from store.tenancy import organization_scope

if TYPE_CHECKING:
    from bot.runtime import Runtime

__all__ = ["MailNotification", "letter_values", "mail_notification"]


class MailNotification(Job):
    name = "core.mail_notification"
    queue = "bulk"

    user_id: UUID
    subject: dict[str, str] | str
    link: str


async def mail_notification(runtime: Runtime, job: MailNotification, ctx: TaskContext) -> None:
    """Who is no member any more is told nothing."""
    with organization_scope(ctx.organization.id):
        row = await fetchrow(
            "SELECT u.email, u.locale FROM memberships m JOIN users u ON u.id = m.user_id WHERE m.organization_id = $1 AND m.user_id = $2",
            ctx.organization.id,
            job.user_id,
        )
    if row is None:
        return
    values = letter_values(runtime, job.subject, job.link, row["locale"], ctx.organization.name)
    await runtime.notifier.email(write("notification", row["email"], row["locale"], **values))


def letter_values(runtime: Runtime, subject: Words, link: str, locale: str, organization: str) -> dict[str, str]:
    text = (
        subject
        if isinstance(subject, str)
        else subject.get(locale) or subject.get("en") or next(iter(subject.values()))
    )
    base = runtime.configuration.section(IdentitySettings, "identity").base_url.rstrip("/")
    return {"what": text, "organization": organization, "link": base + link}

"""Telling people of the admin app something: in the bell of its header, and by e-mail if they chose so.

    async with open_unit(...) as work:
        await notify(work, "import.finished", {"en": "140 contacts imported", "sw": "Anwani 140 zimeingizwa"}, "/contacts/imports", user_id=who)
        await notify(work, "failing", "The endpoint crm.example does not answer", "/webhooks", permission="webhooks.manage", key=f"endpoint:{id}")

It is written with the work that it tells of, or not at all. A kind of one's own: `KINDS["surveys.closed"] = Kind(...)` when the module is imported.
"""

from bot.notifications.kinds import KINDS, Kind, Way
from bot.notifications.mail import MailNotification, mail_notification
from bot.notifications.notify import notify, notify_platform, person_behind

__all__ = [
    "KINDS",
    "Kind",
    "MailNotification",
    "Way",
    "mail_notification",
    "notify",
    "notify_platform",
    "person_behind",
]

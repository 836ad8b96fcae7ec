"""What the platform's own people do: suspend organizations, mend queues, look after incidents. Each verb asks for its permission itself.

    await suspend(runtime, principal, organization_id, reason="Spam reports", until=None, says={"en": "We are away."})
    await resume(runtime, principal, organization_id, note="Talked to the owner")

What concerns one organization stands in its audit log, under the name of who did it.
"""

from bot.platform.incidents import acknowledge, resolve, write_note
from bot.platform.queues import drop, try_again, try_all_again
from bot.platform.suspension import resume, resume_due, suspend

__all__ = [
    "acknowledge",
    "drop",
    "resolve",
    "resume",
    "resume_due",
    "suspend",
    "try_again",
    "try_all_again",
    "write_note",
]

"""What staff do in a conversation: say something, once the policy gate lets it through."""

from __future__ import annotations

from uuid import UUID

from bot.errors import Refused
from bot.messages import Outbound
from bot.policy import Denied, Facts, decide
from bot.ports import Lane
from bot.unit import Unit

__all__ = ["NotSent", "say"]

_FACTS = """
SELECT s.account_id, s.contact_id, s.last_user_at, c.opted_in_at, c.opted_out_at, a.state, EXISTS (
    SELECT 1 FROM contact_identities i WHERE i.organization_id = s.organization_id AND i.contact_id = s.contact_id
    AND i.kind IN ('phone', 'bsuid') AND i.valid_to IS NULL) AS reachable
FROM sessions s
JOIN contacts c ON c.organization_id = s.organization_id AND c.id = s.contact_id
JOIN channel_accounts a ON a.organization_id = s.organization_id AND a.id = s.account_id
WHERE s.organization_id = $1 AND s.id = $2
"""
_WHY = {
    "window_closed": "the person wrote more than 24 hours ago; send a template instead",
    "account_paused": "the number is paused",
    "account_disconnected": "the number is not connected",
    "unreachable": "there is neither a number nor an id to send to",
}


class NotSent(Refused):
    """The gate's no. `reason` is the gate's word for it."""

    def __init__(self, denied: Denied) -> None:
        super().__init__(_WHY.get(denied.reason.value, denied.reason.value))
        self.reason = denied.reason.value


async def say(work: Unit, session_id: UUID, part: Outbound, *, key: str) -> str | None:
    """Queues one message of a person of the organization, once per `key`; the key of its row, or None when there is no such conversation.

    The gate is asked now, so that whoever writes is told, and once more when it is sent.

    Raises:
        NotSent: the gate says no.
    """
    row = await work.tx.fetchrow(_FACTS, work.organization_id, session_id)
    if row is None:
        return None
    denied = decide(
        Facts(
            lane=Lane.REPLY,
            part=part,
            now=work.now,
            last_user_at=row["last_user_at"],
            opted_in_at=row["opted_in_at"],
            opted_out_at=row["opted_out_at"],
            account_state=row["state"],
            reachable=row["reachable"],
        )
    )
    if denied is not None:
        raise NotSent(denied)
    work.send(row["contact_id"], row["account_id"], part, key=key, lane=Lane.REPLY, origin=work.actor)
    work.audit("message.sent", subject=f"sessions:{session_id}", after={"type": part.type})
    return f"{key}:0"

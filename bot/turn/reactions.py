"""A reaction and the message that it is on: joined by the provider's id (`messages.reply_to`), whichever of the two comes first."""

from __future__ import annotations

from bot.errors import Retryable
from bot.messages import Reaction
from bot.turn.lease import MAX_ATTEMPTS, Claim, Head
from store.db import fetchrow
from store.tenancy import organization_scope

__all__ = ["is_on_the_question"]

EARLY_S = 0.3  # the webhook of a quick thumb may be here before the provider's answer to our send

_TARGET = (
    "SELECT (SELECT count(*) FROM messages t WHERE t.organization_id = $1 AND t.account_id = $2 AND t.external_id = $4"
    "   AND t.session_id = $3 AND t.direction = 'out') > 0 AS is_ours,"
    " EXISTS (SELECT 1 FROM messages l, messages t WHERE t.organization_id = $1 AND t.account_id = $2 AND t.external_id = $4"
    "   AND l.organization_id = $1 AND l.session_id = $3 AND l.direction = 'in' AND l.type <> 'reaction' AND l.created_at > t.created_at) AS is_past,"
    " EXISTS (SELECT 1 FROM outbox o WHERE o.organization_id = $1 AND o.session_id = $3 AND o.state IN ('sending', 'unknown')) AS is_sending"
)


async def is_on_the_question(held: Claim, head: Head, reaction: Reaction) -> bool:
    """Whether it is on what we said last, and so may answer it.

    Raises:
        Retryable: it is on a message that we do not know, while one of ours is on its way: the row waits a moment for that.
    """
    with organization_scope(held.organization_id):
        row = await fetchrow(_TARGET, held.organization_id, held.account_id, held.session_id, reaction.message_id)
    assert row is not None
    if not row["is_ours"] and row["is_sending"] and head.attempts < MAX_ATTEMPTS:
        raise Retryable("a reaction came before the message that it is on", after_s=EARLY_S)
    return bool(row["is_ours"]) and not row["is_past"]

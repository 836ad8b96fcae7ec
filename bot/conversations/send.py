"""Writing to a person by hand: through the same policy gate and outbox as everything else."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from bot.conversations.errors import CannotSend, NotValid
from bot.conversations.verbs import hold, origin_of, take_over
from bot.identity import Principal
from bot.messages import Choices, Outbound, Template
from bot.policy import Facts, decide
from bot.ports import Lane
from bot.render import Outcome, check
from bot.unit import Unit

__all__ = ["send"]


async def send(work: Unit, principal: Principal, conversation_id: UUID, part: Outbound, *, key: str) -> None:
    """Text, buttons, a list, a file, a template: once per `key`. Whoever writes takes the conversation over.

    The gate is asked now, so that the reason stands where the message was written, and once more when it is sent. What is sent after the
    24 hours is business-initiated: it needs a template and the person's consent.

    Raises:
        CannotSend: the gate says no.
        NotValid: WhatsApp would refuse it.
    """
    principal.require("inbox.reply")
    for problem in check(part):
        if problem.outcome is Outcome.REFUSED:
            raise NotValid(problem.field, f"WhatsApp does not take this: {problem}")
    if isinstance(part, Choices):
        _tell_apart(part)
    held = await hold(work, conversation_id)
    lane = Lane.REPLY if held.is_window_open(work.now) else Lane.BULK
    denied = decide(
        Facts(
            # A closed window is the better reason to give than a missing consent.
            lane=lane if isinstance(part, Template) else Lane.REPLY,
            part=part,
            now=work.now,
            last_user_at=held.last_user_at,
            opted_in_at=held.opted_in_at,
            opted_out_at=held.opted_out_at,
            account_state="connected" if held.account_state == "stopped" else held.account_state,  # its messages wait
            reachable=held.reachable,
        )
    )
    if denied is not None:
        raise CannotSend(denied.reason)
    if held.taken_over_at is None:
        await take_over(work, principal, conversation_id)
    work.send(
        held.contact_id,
        held.account_id,
        part,
        key=f"inbox:{key}",
        lane=lane,
        origin=origin_of(principal),
    )
    await work.tx.execute(
        "UPDATE conversations SET unread = 0, waiting_at = NULL, closed_at = NULL, version = version + 1"
        " WHERE organization_id = $1 AND id = $2",
        work.organization_id,
        conversation_id,
    )
    work.audit("conversation.answered", subject=f"conversation:{conversation_id}", after={"type": part.type})


def _tell_apart(part: Choices) -> None:
    titles: Sequence[str] = [each.title.strip().casefold() for each in part.options]
    if not titles:
        raise NotValid("options", "give at least one option")
    for number, title in enumerate(titles):
        if not title:
            raise NotValid(f"options[{number}].title", f"option {number + 1} has no text")
        if title in titles[:number]:
            raise NotValid(f"options[{number}].title", f"option {number + 1} says the same as another")

"""Conversations as people of an organization see them: the inbox's verbs, for the admin app and the API alike.

    page = await conversations(View.WAITING, me=principal.id, keys=keys)
    async with open_unit(runtime, organization_id, actor=principal.actor) as work:
        await take_over(work, principal, conversation_id)
        await send(work, principal, conversation_id, Text(text="Good morning"), key=uuid7().hex)

A conversation has the id of its session. Verbs that change something take a unit of work, ask for their permission themselves and leave an
audit entry; readers run in the organization's scope.
"""

from bot.conversations.canned import Canned, canned_replies, put_canned_reply, remove_canned_reply
from bot.conversations.detail import Conversation, Person, conversation, people_of
from bot.conversations.errors import CannotSend, NoConversation, NotValid
from bot.conversations.listing import Counts, Listed, Page, View, conversations, counts
from bot.conversations.preview import preview
from bot.conversations.send import send
from bot.conversations.summary import Summary
from bot.conversations.thread import Attached, Noted, Said, Thread, file_of, thread
from bot.conversations.verbs import (
    assign,
    close,
    give_back,
    mark_read,
    mark_unread,
    put_labels,
    reopen,
    take_over,
    write_note,
)
from bot.conversations.watch import Pulse, pulse

__all__ = [
    "Attached",
    "Canned",
    "CannotSend",
    "Conversation",
    "Counts",
    "Listed",
    "NoConversation",
    "NotValid",
    "Noted",
    "Page",
    "Person",
    "Pulse",
    "Said",
    "Summary",
    "Thread",
    "View",
    "assign",
    "canned_replies",
    "close",
    "conversation",
    "conversations",
    "counts",
    "file_of",
    "give_back",
    "mark_read",
    "mark_unread",
    "people_of",
    "preview",
    "pulse",
    "put_canned_reply",
    "put_labels",
    "remove_canned_reply",
    "reopen",
    "send",
    "take_over",
    "thread",
    "write_note",
]

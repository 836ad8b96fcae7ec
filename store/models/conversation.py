"""What people of an organization see of its conversations: the inbox, beside what the bot sees (`session.py`)."""

from __future__ import annotations

from tortoise import fields
from tortoise.indexes import Index

from store.fields import JsonField
from store.tenancy import OrgModel


class Conversation(OrgModel):
    """The inbox's side of a session, whose id it has. `last_*`, `unread` and `version` are kept by a trigger on `messages`.

    `version` grows with every change, for pages that watch. `waiting_at`: the bot called a person, and none came yet. `taken_over_at`: a
    person answers, the bot is silent. `sealed_summary`: why the bot called (`bot.conversations.summary`).
    """

    account_id = fields.UUIDField()
    contact_id = fields.UUIDField()
    assignee_id = fields.UUIDField(null=True)  # of users
    labels = JsonField(default=list)
    unread = fields.IntField(default=0)
    last_message_id = fields.UUIDField(null=True)
    last_at = fields.DatetimeField()
    waiting_at = fields.DatetimeField(null=True)
    sealed_summary = fields.BinaryField(null=True)
    taken_over_at = fields.DatetimeField(null=True)
    taken_over_by = fields.UUIDField(null=True)
    closed_at = fields.DatetimeField(null=True)
    version = fields.BigIntField(default=1)

    class Meta:
        table = "conversations"
        indexes = [Index(fields=["organization_id", "last_at", "id"])]


class ConversationNote(OrgModel):
    """What stands between the messages and never leaves the house. `kind`: note, or what happened (`bot.conversations.note.Kind`)."""

    conversation_id = fields.UUIDField()
    kind = fields.CharField(max_length=16, default="note")
    author_id = fields.UUIDField(null=True)  # null: the bot, or a program
    sealed_body = fields.BinaryField(null=True)
    created_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        table = "conversation_notes"
        indexes = [Index(fields=["organization_id", "conversation_id", "created_at"])]


class CannedReply(OrgModel):
    """A text that is written often; `/shortcut` in the composer brings it."""

    shortcut = fields.CharField(max_length=40)
    text = fields.TextField()
    created_by = fields.UUIDField(null=True)
    updated_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        table = "canned_replies"
        unique_together = (("organization_id", "shortcut"),)

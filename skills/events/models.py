"""Events, what one can get for them, and who has got it."""

from __future__ import annotations

from enum import StrEnum

from tortoise import fields

from store.fields import EncryptedField, StrEnumField
from store.tenancy import OrgModel

__all__ = [
    "Announcement",
    "Event",
    "EventStatus",
    "Order",
    "OrderStatus",
    "PictureDue",
    "Ticket",
    "TicketStatus",
    "TicketType",
]


class EventStatus(StrEnum):
    DRAFT = "draft"
    PUBLISHED = "published"
    CANCELLED = "cancelled"
    ARCHIVED = "archived"


class OrderStatus(StrEnum):
    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"


class TicketStatus(StrEnum):
    VALID = "valid"
    CANCELLED = "cancelled"


class PictureDue(StrEnum):
    """Who still has to show the picture to its holder."""

    NOT = "not"
    CHAT = "chat"  # the conversation waits for it
    MESSAGE = "message"  # the conversation went on without it: a message of its own


class Event(OrgModel):
    slug = fields.CharField(max_length=80)  # how people of the organization call it, and what the demo finds it by
    title = fields.CharField(max_length=160)
    cover = fields.CharField(max_length=300, default="")  # one sentence that makes people want to come
    description = fields.TextField(default="")
    venue = fields.CharField(max_length=160, default="")
    address = fields.CharField(max_length=200, default="")
    starts_at = fields.DatetimeField()
    ends_at = fields.DatetimeField()
    timezone = fields.CharField(max_length=64, default="Africa/Nairobi")  # dates are shown in it, wherever one is
    currency = fields.CharField(max_length=3, default="KES")
    status = StrEnumField(EventStatus, default=EventStatus.DRAFT)
    created_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        table = "events_events"
        unique_together = (("organization_id", "slug"),)
        indexes = (("organization_id", "status", "starts_at"),)


class TicketType(OrgModel):
    """`sold` counts valid tickets. It is changed under the lock of its row only (`service.registration`)."""

    event_id = fields.UUIDField()
    name = fields.CharField(max_length=80)
    description = fields.CharField(max_length=200, default="")
    price_minor = fields.BigIntField(default=0)  # 0: free
    capacity = fields.IntField()
    sold = fields.IntField(default=0)
    opens_at = fields.DatetimeField(null=True)  # null: as soon as the event is published
    closes_at = fields.DatetimeField(null=True)  # null: when the event ends
    position = fields.SmallIntField(default=0)

    class Meta:
        table = "events_ticket_types"
        unique_together = (("organization_id", "event_id", "name"),)


class Order(OrgModel):
    """One registration. `key` is that of the turn that made it, so that a replayed turn finds it again."""

    event_id = fields.UUIDField()
    contact_id = fields.UUIDField()
    account_id = fields.UUIDField()  # the number through which it was made
    key = fields.CharField(max_length=200)
    name = fields.CharField(max_length=160)
    email = EncryptedField()
    total_minor = fields.BigIntField(default=0)
    currency = fields.CharField(max_length=3)
    status = StrEnumField(OrderStatus, default=OrderStatus.CONFIRMED)
    created_at = fields.DatetimeField(auto_now_add=True)
    cancelled_at = fields.DatetimeField(null=True)

    class Meta:
        table = "events_orders"
        unique_together = (("organization_id", "key"),)


class Ticket(OrgModel):
    """A seat that somebody has. One valid ticket per contact and ticket type (a partial unique index of the migration)."""

    order_id = fields.UUIDField()
    event_id = fields.UUIDField()
    ticket_type_id = fields.UUIDField()
    contact_id = fields.UUIDField()
    account_id = fields.UUIDField()
    holder_name = fields.CharField(max_length=160)
    code = fields.CharField(max_length=9)  # for people to read out: `ticket.CODE_LENGTH`
    status = StrEnumField(TicketStatus, default=TicketStatus.VALID)
    picture = fields.CharField(max_length=64, default="")  # blob; empty until it is drawn
    picture_due = StrEnumField(PictureDue, default=PictureDue.NOT)
    checked_in_at = fields.DatetimeField(null=True)
    checked_in_by = fields.CharField(max_length=120, null=True)  # as audit entries name people
    created_at = fields.DatetimeField(auto_now_add=True)
    cancelled_at = fields.DatetimeField(null=True)

    class Meta:
        table = "events_tickets"
        unique_together = (("organization_id", "code"),)
        indexes = (("organization_id", "contact_id"), ("organization_id", "event_id", "contact_id"))


class Announcement(OrgModel):
    """A message to all who hold a valid ticket. `reached` is the last contact queued, so that a crash resumes behind it."""

    event_id = fields.UUIDField()
    text = fields.CharField(max_length=4000)
    requested_by = fields.CharField(max_length=120)
    reached = fields.UUIDField(null=True)
    queued = fields.IntField(default=0)
    created_at = fields.DatetimeField(auto_now_add=True)
    finished_at = fields.DatetimeField(null=True)

    class Meta:
        table = "events_announcements"

"""What a webhook delivery says, one typed event per item.

Every event keeps the item as Meta sent it (`raw`), so that what is not typed today is not lost. `kind` tells the class
apart without importing it. Strings are clean for the database; values that Meta may extend (status, event, category)
stay plain strings.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

from bot.messages import Inbound

__all__ = [
    "AccountEvent",
    "AutomaticEvent",
    "CallEvent",
    "ContactSyncEvent",
    "Context",
    "EchoEvent",
    "EditEvent",
    "ErrorInfo",
    "Event",
    "EventKind",
    "FlowHealthEvent",
    "GroupEvent",
    "HandoverEvent",
    "HistoryEvent",
    "MessageEvent",
    "OutOfBandErrorEvent",
    "Pricing",
    "QualityEvent",
    "Referral",
    "RevokeEvent",
    "Sender",
    "StandbyEvent",
    "StatusEvent",
    "SystemEvent",
    "TemplateEvent",
    "UnknownEvent",
    "UserActionEvent",
    "UserPreferenceEvent",
]


class EventKind(StrEnum):
    MESSAGE = "message"
    STATUS = "status"
    EDIT = "edit"
    REVOKE = "revoke"
    SYSTEM = "system"  # the person's number, id or device key changed
    ECHO = "echo"  # what staff typed in the WhatsApp Business app; never answered
    HISTORY = "history"  # old messages of a number that was taken over; never answered
    STANDBY = "standby"  # a message while somebody else holds the thread; never answered
    HANDOVER = "handover"  # who holds the thread has changed
    USER_ACTION = "user_action"  # e.g. a tap on a marketing link
    AUTOMATIC = "automatic"  # a lead or purchase that Meta found in the chat
    USER_PREFERENCE = "user_preference"  # stop or resume marketing
    TEMPLATE = "template"
    ACCOUNT = "account"
    QUALITY = "quality"  # number quality, throughput and messaging limits
    FLOW_HEALTH = "flow_health"
    GROUP = "group"
    CALL = "call"
    CONTACT_SYNC = "contact_sync"
    ERROR = "error"  # an error that belongs to no message
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """A person as one delivery shows them. Either id may be missing; `username` is never a key."""

    wa_id: str = ""  # phone number, digits only
    user_id: str = ""  # BSUID, unique per business portfolio
    parent_user_id: str = ""
    username: str = ""
    profile_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What the message answers (`message_id`, empty when it was only forwarded)."""

    message_id: str = ""
    sender_id: str = ""  # wa_id or BSUID of the author of the quoted message
    forwarded: bool = False
    frequently_forwarded: bool = False
    catalog_id: str = ""
    product_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Referral:
    """The advertisement or post from which the person came. `click_id` is Meta's ctwa_clid."""

    source_url: str = ""
    source_id: str = ""
    source_type: str = ""
    headline: str = ""
    body: str = ""
    media_type: str = ""
    media_url: str = ""
    click_id: str = ""
    welcome_text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorInfo:
    """One of Meta's `errors[]`; they cannot be asked for again. `channels.whatsapp.errors.classify` says what `code` means."""

    code: int | None = None
    title: str = ""
    message: str = ""
    details: str = ""
    href: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pricing:
    model: str = ""
    type: str = ""
    category: str = ""
    billable: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One item of a delivery.

    `external_id` is the wamid for what came in `messages`, `wamid:status[:participant]` for statuses, else a hash of the
    item; at most 255 characters. `error` says what was wrong with the item, empty when it was read in full.
    """

    kind: ClassVar[EventKind]

    field: str  # the webhook field that brought it
    phone_number_id: str  # "" for fields that concern the whole account
    waba_id: str
    external_id: str
    timestamp: datetime | None
    raw: dict[str, Any]
    error: str = ""

    @property
    def dedupe_key(self) -> str:
        """Equal for every delivery of the same item, in whatever bytes; differs between numbers."""
        return f"{self.phone_number_id or self.waba_id}/{self.external_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageEvent(Event):
    """A person wrote to us. Also reactions, taps, forms, and what cannot be used (`Unsupported`): all open the window."""

    kind = EventKind.MESSAGE

    sender: Sender
    message: Inbound
    wa_type: str
    context: Context | None = None
    referral: Referral | None = None
    group_id: str = ""
    errors: tuple[ErrorInfo, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EditEvent(Event):
    """The person changed the message `original_message_id` into `message`."""

    kind = EventKind.EDIT

    sender: Sender
    original_message_id: str
    message: Inbound
    group_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeEvent(Event):
    """The person took back the message `original_message_id`."""

    kind = EventKind.REVOKE

    sender: Sender
    original_message_id: str
    group_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemEvent(Event):
    """The person's identity changed: `previous` -> `current` (ids that were not named are empty).

    `change` is Meta's word: user_changed_number, user_changed_user_id, customer_identity_changed, or something newer.
    """

    kind = EventKind.SYSTEM

    change: str
    body: str
    previous: Sender
    current: Sender
    identity_key_hash: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EchoEvent(Event):
    """Staff wrote to `recipient` in the app on the phone; `action` is "message", "edit" or "revoke"."""

    kind = EventKind.ECHO

    recipient: Sender
    message: Inbound
    wa_type: str
    action: str = "message"
    original_message_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryEvent(Event):
    """One old message, or a chunk that holds none (`message` None): progress, or `errors` when the owner declined."""

    kind = EventKind.HISTORY

    person: Sender
    message: Inbound | None = None
    wa_type: str = ""
    from_us: bool = False
    status: str = ""
    phase: int | None = None
    chunk_order: int | None = None
    progress: int | None = None
    errors: tuple[ErrorInfo, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StandbyEvent(Event):
    """A message to the number while Meta's Business Agent or another app holds the thread."""

    kind = EventKind.STANDBY

    sender: Sender
    message: Inbound
    wa_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoverEvent(Event):
    kind = EventKind.HANDOVER

    person: Sender
    action: str
    previous_owner: str = ""
    new_owner: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusEvent(Event):
    """What became of a message we sent. Statuses come in any order; `rank` is the place on the ladder."""

    kind = EventKind.STATUS

    wamid: str
    status: str
    recipient: Sender
    opaque: str = ""  # our biz_opaque_callback_data
    recipient_type: str = "individual"
    group_id: str = ""
    participant_id: str = ""
    pricing: Pricing | None = None
    conversation_id: str = ""
    errors: tuple[ErrorInfo, ...] = ()

    @property
    def rank(self) -> int:
        """sent 1, delivered 2, read 3, played 4; 0 for what is not on the ladder (failed, deleted, warning, new words)."""
        return _RANKS.get(self.status, 0)


_RANKS = {"sent": 1, "delivered": 2, "read": 3, "played": 4}


@dataclass(frozen=True, slots=True, kw_only=True)
class UserActionEvent(Event):
    kind = EventKind.USER_ACTION

    action: str
    person: Sender
    detail: dict[str, Any] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AutomaticEvent(Event):
    kind = EventKind.AUTOMATIC

    name: str
    person: Sender
    click_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class UserPreferenceEvent(Event):
    """The person stopped (`value` "stop") or resumed marketing messages in WhatsApp itself."""

    kind = EventKind.USER_PREFERENCE

    person: Sender
    value: str
    category: str
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateEvent(Event):
    """Status, quality, category or components of a template changed. `template_id` keeps all digits."""

    kind = EventKind.TEMPLATE

    template_id: str
    name: str
    language: str
    event: str = ""  # APPROVED, PAUSED, ...; empty for quality and category changes
    reason: str = ""
    previous: str = ""  # category or quality score before
    current: str = ""  # and now
    correct_category: str = ""  # announced: the category becomes this one in 24 hours


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountEvent(Event):
    """Something about the account or a number, told apart by `field` and `event`; details are in `raw`."""

    kind = EventKind.ACCOUNT

    event: str
    display_phone_number: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityEvent(Event):
    """`limit` is a number or a TIER_ word, as Meta writes it; the number is named only by `display_phone_number`."""

    kind = EventKind.QUALITY

    event: str
    display_phone_number: str = ""
    limit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowHealthEvent(Event):
    kind = EventKind.FLOW_HEALTH

    event: str
    flow_id: str
    message: str = ""
    previous: str = ""
    current: str = ""
    alert_state: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupEvent(Event):
    kind = EventKind.GROUP

    event: str
    group_id: str
    errors: tuple[ErrorInfo, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEvent(Event):
    """A call or its status; `event` is connect, terminate, RINGING, ACCEPTED, REJECTED, ..."""

    kind = EventKind.CALL

    call_id: str
    event: str
    person: Sender
    direction: str = ""
    opaque: str = ""
    errors: tuple[ErrorInfo, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactSyncEvent(Event):
    """A contact in the phone's address book was added or removed (coexistence)."""

    kind = EventKind.CONTACT_SYNC

    action: str
    person: Sender
    full_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutOfBandErrorEvent(Event):
    kind = EventKind.ERROR

    errors: tuple[ErrorInfo, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownEvent(Event):
    """An item that could not be read, or of a field nobody knew: `error` says which."""

    kind = EventKind.UNKNOWN

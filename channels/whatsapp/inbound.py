"""A webhook delivery -> its events. Pure and synchronous; nothing in a delivery is dropped.

    for event in iter_events(body):
        match event:
            case MessageEvent(): ...

A delivery may hold up to 1000 items of several accounts. Each is read on its own: one that cannot be read becomes an
`UnknownEvent` that keeps it raw. Only the field `messages` makes a `MessageEvent`, so echoes, history and standby never
trigger the bot.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from channels.whatsapp import accounts, conversation
from channels.whatsapp.envelope import Contacts, Place
from channels.whatsapp.events import (
    AccountEvent,
    AutomaticEvent,
    CallEvent,
    ContactSyncEvent,
    Context,
    EchoEvent,
    EditEvent,
    ErrorInfo,
    Event,
    EventKind,
    FlowHealthEvent,
    GroupEvent,
    HandoverEvent,
    HistoryEvent,
    MessageEvent,
    OutOfBandErrorEvent,
    Pricing,
    QualityEvent,
    Referral,
    RevokeEvent,
    Sender,
    StandbyEvent,
    StatusEvent,
    SystemEvent,
    TemplateEvent,
    UnknownEvent,
    UserActionEvent,
    UserPreferenceEvent,
)
from channels.whatsapp.lenient import MalformedBody, as_dict, as_list, decode, dump, moment, text

__all__ = [
    "FIELDS",
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
    "MalformedBody",
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
    "iter_events",
    "storable",
]

_Reader = Callable[[Place, dict[str, Any]], Event | Iterable[Event]]

# What a reader may stumble over in a shape nobody foresaw; the item then becomes an UnknownEvent.
_FAULTS = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


def iter_events(body: bytes) -> Iterator[Event]:
    """The events of one delivery, in its order.

    Raises (before the first event):
        MalformedBody: not JSON, not an object, not UTF-8, or nested too deep.
    """
    delivery = decode(body)
    if not isinstance(delivery, dict):
        raise MalformedBody(f"a {type(delivery).__name__}, not an object")
    return _entries(delivery)


def storable(raw: dict[str, Any]) -> bytes:
    """An event's `raw` as JSON that a `jsonb` column takes: no NUL, no half surrogate pairs; else unchanged."""
    return dump(raw)


def _entries(delivery: dict[str, Any]) -> Iterator[Event]:
    nowhere = Place("", "", "", None)
    entries = delivery.get("entry")
    if not isinstance(entries, list):
        yield nowhere.unknown(delivery, "a delivery without a list of entries")
        return
    for entry in entries:
        if not isinstance(entry, dict):
            yield nowhere.unknown(entry, "an entry that is no object")
            continue
        place = Place("", "", text(entry.get("id")), moment(entry.get("time")))
        changes = entry.get("changes")
        if not isinstance(changes, list):
            yield place.unknown(entry, "an entry without a list of changes")
            continue
        for change in changes:
            yield from _change(place, change)


def _change(entry: Place, change: Any) -> Iterator[Event]:
    if not isinstance(change, dict) or not isinstance(change.get("value"), dict):
        yield entry.unknown(change, "a change without a value")
        return
    value: dict[str, Any] = change["value"]
    place = Place(
        text(change.get("field")),
        text(as_dict(value.get("metadata")).get("phone_number_id")),
        entry.waba_id,
        entry.sent_at,
        Contacts(as_list(value.get("contacts"))),
    )
    reader = accounts.READERS.get(place.name)
    if reader is not None:
        yield from _read(reader, place, value)
        return
    yield from _items(place, value)


def _items(place: Place, value: dict[str, Any]) -> Iterator[Event]:
    readers = _LISTS.get(place.name, _NO_LISTS)
    is_empty = True
    for name, items in value.items():
        reader = readers.get(name) or _ANYWHERE.get(name)
        if reader is None and (name in _ENVELOPE or not isinstance(items, list)):
            continue
        is_empty = False
        if not isinstance(items, list):
            yield place.unknown({name: items}, f"{name} is no list")
            continue
        for item in items:
            if reader is None:
                yield place.unknown({name: [item]}, f"nothing is known of {name} in the field {place.name or '(none)'}")
            elif not isinstance(item, dict):
                yield place.unknown({name: [item]}, f"an item of {name} that is no object")
            else:
                yield from _read(reader, place, item)
    if is_empty:
        whole = _WHOLE.get(place.name)
        yield from (
            _read(whole, place, value)
            if whole
            else (place.unknown(value, f"nothing is known of the field {place.name or '(none)'}"),)
        )


def _read(reader: _Reader, place: Place, item: dict[str, Any]) -> Iterable[Event]:
    try:
        found = reader(place, item)
        return (found,) if isinstance(found, Event) else list(found)
    except _FAULTS as e:
        return (place.unknown(item, f"{type(e).__name__} in the field {place.name}"),)


_ENVELOPE = frozenset({"contacts", "metadata", "messaging_product"})
_MESSAGES: dict[str, _Reader] = {"messages": conversation.message, "statuses": conversation.status}
_ECHOES: dict[str, _Reader] = {"message_echoes": conversation.echo, "messages": conversation.echo}
_GROUPS: dict[str, _Reader] = {"groups": conversation.group}
_NO_LISTS: dict[str, _Reader] = {}

# Which lists a field's value may hold, and who reads them.
_LISTS: dict[str, dict[str, _Reader]] = {
    "messages": _MESSAGES,
    "": _MESSAGES,  # test deliveries of other tools leave the field out
    "message_echoes": _ECHOES,
    "smb_message_echoes": _ECHOES,
    "history": {"history": conversation.history, "messages": conversation.old_media},
    "standby": {"messages": conversation.standby, "standby": conversation.standby, "statuses": conversation.status},
    "messaging_handovers": {"messaging_handovers": conversation.handover, "handovers": conversation.handover},
    "smb_app_state_sync": {"state_sync": conversation.contact_sync},
    "calls": {"calls": conversation.call, "statuses": conversation.call_status},
    "user_preferences": {},
    "automatic_events": {"automatic_events": conversation.automatic},
    "group_lifecycle_update": _GROUPS,
    "group_participants_update": _GROUPS,
    "group_settings_update": _GROUPS,
    "group_status_update": _GROUPS,
}
# Lists that mean the same wherever they stand.
_ANYWHERE: dict[str, _Reader] = {
    "errors": conversation.out_of_band_error,
    "user_actions": conversation.user_action,
    "user_preferences": conversation.user_preference,
    "automatic_events": conversation.automatic,
}
# Fields whose value may be the event itself instead of a list of them.
_WHOLE: dict[str, _Reader] = {
    "messaging_handovers": conversation.handover,
    "automatic_events": conversation.automatic,
    "user_preferences": conversation.user_preference,
    "group_lifecycle_update": conversation.group,
    "group_participants_update": conversation.group,
    "group_settings_update": conversation.group,
    "group_status_update": conversation.group,
}

FIELDS = frozenset(_LISTS) - {""} | frozenset(accounts.READERS)

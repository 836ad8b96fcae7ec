"""Items that belong to a conversation: messages, statuses, echoes, history, standby, calls, what people prefer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from channels.whatsapp.envelope import Place, errors_of, flag
from channels.whatsapp.events import (
    AutomaticEvent,
    CallEvent,
    ContactSyncEvent,
    Context,
    EchoEvent,
    EditEvent,
    Event,
    GroupEvent,
    HandoverEvent,
    HistoryEvent,
    MessageEvent,
    OutOfBandErrorEvent,
    Pricing,
    Referral,
    RevokeEvent,
    Sender,
    StandbyEvent,
    StatusEvent,
    SystemEvent,
    UserActionEvent,
    UserPreferenceEvent,
)
from channels.whatsapp.lenient import as_dict, as_list, moment, text
from channels.whatsapp.parts import message_part, message_type

__all__ = [
    "automatic",
    "call",
    "call_status",
    "contact_sync",
    "echo",
    "group",
    "handover",
    "history",
    "message",
    "old_media",
    "old_message",
    "out_of_band_error",
    "standby",
    "status",
    "user_action",
    "user_preference",
]


def message(place: Place, item: dict[str, Any]) -> Event:
    """A message, edit, revoke or system notice of the field `messages`."""
    wamid = text(item.get("id"))
    if not wamid:
        return place.unknown(item, "a message without id")
    wa_type = message_type(item)
    if wa_type == "system":
        return _system(place, item, wamid)
    sender = _author(place, item)
    if not (sender.wa_id or sender.user_id):
        return place.unknown(item, "a message without sender")
    common = place.common(item, external_id=wamid, timestamp=moment(item.get("timestamp")))
    if wa_type in _CHANGES and (change := _change(wa_type, item, sender, common)):
        return change
    part = message_part(item, wa_type)
    context, referral = item.get("context"), item.get("referral")
    return MessageEvent(
        **common,
        error=_complaint(wa_type, part.type),
        sender=sender,
        message=part,
        wa_type=wa_type,
        context=_context(context) if isinstance(context, dict) else None,
        referral=_referral(referral) if isinstance(referral, dict) else None,
        group_id=text(item.get("group_id")),
        errors=errors_of(item.get("errors")),
    )


_CHANGES = frozenset({"edit", "revoke"})
_ALWAYS_USABLE = frozenset(
    {"text", "image", "video", "audio", "voice", "sticker", "document", "location", "contacts", "reaction", "button"}
)


def _complaint(wa_type: str, part_type: str) -> str:
    return f"a {wa_type} that lacks its body" if part_type == "unsupported" and wa_type in _ALWAYS_USABLE else ""


def _author(place: Place, item: dict[str, Any]) -> Sender:
    return place.person(item.get("from"), item.get("from_user_id"), item.get("from_parent_user_id"))


def _change(wa_type: str, item: dict[str, Any], sender: Sender, common: dict[str, Any]) -> Event | None:
    body = as_dict(item.get(wa_type))
    original = text(body.get("original_message_id"))
    if not original:
        return None
    group_id = text(item.get("group_id"))
    if wa_type == "revoke":
        return RevokeEvent(**common, sender=sender, original_message_id=original, group_id=group_id)
    edited = as_dict(body.get("message"))
    part = message_part(edited, message_type(edited))
    return EditEvent(**common, sender=sender, original_message_id=original, message=part, group_id=group_id)


def _context(item: dict[str, Any]) -> Context:
    product = as_dict(item.get("referred_product"))
    return Context(
        message_id=text(item.get("id")),
        sender_id=text(item.get("from")) or text(item.get("from_user_id")),
        forwarded=flag(item.get("forwarded")),
        frequently_forwarded=flag(item.get("frequently_forwarded")),
        catalog_id=text(product.get("catalog_id")),
        product_id=text(product.get("product_retailer_id")),
    )


def _referral(item: dict[str, Any]) -> Referral:
    media_url = item.get("image_url") or item.get("video_url") or item.get("thumbnail_url")
    return Referral(
        source_url=text(item.get("source_url")),
        source_id=text(item.get("source_id")),
        source_type=text(item.get("source_type")),
        headline=text(item.get("headline")),
        body=text(item.get("body")),
        media_type=text(item.get("media_type")),
        media_url=text(media_url),
        click_id=text(item.get("ctwa_clid")),
        welcome_text=text(as_dict(item.get("welcome_message")).get("text")),
    )


_OLD_CHANGES = {"customer_changed_number": "user_changed_number"}


def _system(place: Place, item: dict[str, Any], wamid: str) -> Event:
    """Spellings: before v12 `new_wa_id` and `customer` stood where `wa_id` and the message's `from` stand now."""
    body = as_dict(item.get("system"))
    change = text(body.get("type"))
    identity = as_dict(body.get("identity")) or as_dict(item.get("identity"))
    identity_hash = text(identity.get("hash")) or text(body.get("identity")) or text(body.get("identity_key_hash"))
    return SystemEvent(
        **place.common(item, external_id=wamid, timestamp=moment(item.get("timestamp"))),
        error="" if change else "a system message without type",
        change=_OLD_CHANGES.get(change, change),
        body=text(body.get("body")),
        previous=place.person(
            body.get("customer") or item.get("from"),
            body.get("previous_user_id") or item.get("from_user_id"),
            body.get("previous_parent_user_id") or item.get("from_parent_user_id"),
        ),
        current=place.person(
            body.get("wa_id") or body.get("new_wa_id"), body.get("user_id"), body.get("parent_user_id")
        ),
        identity_key_hash=identity_hash,
    )


def status(place: Place, item: dict[str, Any]) -> Event:
    wamid, state = text(item.get("id")), text(item.get("status"))
    if not wamid or not state:
        return place.unknown(item, "a status without id or status")
    kind = text(item.get("recipient_type")) or "individual"
    recipient_id = item.get("recipient_id")
    participant = text(item.get("recipient_participant_id")) or text(item.get("recipient_participant_user_id"))
    is_group = kind == "group"
    pricing = item.get("pricing")
    return StatusEvent(
        **place.common(
            item,
            external_id=":".join(part for part in (wamid, state, participant) if part),
            timestamp=moment(item.get("timestamp")),
        ),
        wamid=wamid,
        status=state,
        recipient=place.person(
            None if is_group else recipient_id, item.get("recipient_user_id"), item.get("recipient_parent_user_id")
        ),
        opaque=text(item.get("biz_opaque_callback_data")),
        recipient_type=kind,
        group_id=text(recipient_id) if is_group else "",
        participant_id=participant,
        pricing=_pricing(pricing) if isinstance(pricing, dict) else None,
        conversation_id=text(as_dict(item.get("conversation")).get("id")),
        errors=errors_of(item.get("errors")),
    )


def _pricing(item: dict[str, Any]) -> Pricing:
    billable = item.get("billable")
    return Pricing(
        model=text(item.get("pricing_model")),
        type=text(item.get("type")),
        category=text(item.get("category")),
        billable=billable if isinstance(billable, bool) else None,
    )


def echo(place: Place, item: dict[str, Any]) -> Event:
    """What staff wrote in the app; `to` is the customer."""
    wamid = text(item.get("id"))
    if not wamid:
        return place.unknown(item, "an echo without id")
    wa_type = message_type(item)
    body = as_dict(item.get(wa_type)) if wa_type in _CHANGES else {}
    said = as_dict(body.get("message")) if wa_type == "edit" else item
    return EchoEvent(
        **place.common(item, external_id=f"echo:{wamid}", timestamp=moment(item.get("timestamp"))),
        recipient=place.person(item.get("to"), item.get("to_user_id"), item.get("to_parent_user_id")),
        message=message_part(said, message_type(said)),
        wa_type=wa_type,
        action=wa_type if wa_type in _CHANGES else "message",
        original_message_id=text(body.get("original_message_id")),
    )


def standby(place: Place, item: dict[str, Any]) -> Event:
    wamid = text(item.get("id"))
    wa_type = message_type(item)
    return StandbyEvent(
        **place.common(item, external_id=f"standby:{wamid}" if wamid else "", timestamp=moment(item.get("timestamp"))),
        sender=_author(place, item),
        message=message_part(item, wa_type),
        wa_type=wa_type,
    )


def handover(place: Place, item: dict[str, Any]) -> Event:
    """The shape is young and only known from change logs, so every place where the names were seen is read."""
    control = next(
        (as_dict(item[key]) for key in ("pass_thread_control", "take_thread_control", "control") if key in item), item
    )
    action = next((key for key in ("pass_thread_control", "take_thread_control") if key in item), "")
    who = as_dict(item.get("sender")) or as_dict(item.get("user")) or item
    return HandoverEvent(
        **place.common(item, timestamp=moment(item.get("timestamp"))),
        person=place.person(who.get("wa_id") or who.get("from") or who.get("id"), who.get("user_id")),
        action=text(item.get("action")) or text(item.get("event")) or text(item.get("type")) or action,
        previous_owner=text(control.get("previous_owner_app_id")) or text(control.get("previous_owner")),
        new_owner=text(control.get("new_owner_app_id")) or text(control.get("new_owner")),
    )


def history(place: Place, item: dict[str, Any]) -> Iterator[Event]:
    """A chunk: one event per message in its threads, or one for the chunk itself when it holds none."""
    chunk = as_dict(item.get("metadata"))
    facts: dict[str, Any] = {name: _small(chunk.get(name)) for name in ("phase", "chunk_order", "progress")}
    is_empty = True
    for thread in as_list(item.get("threads")):
        thread_id = text(as_dict(thread).get("id"))
        for old in as_list(as_dict(thread).get("messages")):
            is_empty = False
            yield (
                old_message(place, old, thread_id=thread_id, **facts)
                if isinstance(old, dict)
                else place.unknown(old, "an item of history that is no object")
            )
    if is_empty:
        yield HistoryEvent(
            **place.common(item), person=place.person(None), errors=errors_of(item.get("errors")), **facts
        )


def _small(value: Any) -> int | None:
    digits = text(value)
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else None


def old_message(
    place: Place,
    item: dict[str, Any],
    *,
    thread_id: str = "",
    prefix: str = "history",
    phase: int | None = None,
    chunk_order: int | None = None,
    progress: int | None = None,
) -> Event:
    """A thread is named by the customer's number; whoever else wrote in it is the business."""
    wamid = text(item.get("id"))
    about = as_dict(item.get("history_context"))
    wrote = text(item.get("from"))
    from_us = flag(about.get("from_me")) or bool(thread_id and wrote and wrote != thread_id)
    wa_type = message_type(item)
    return HistoryEvent(
        **place.common(item, external_id=f"{prefix}:{wamid}" if wamid else "", timestamp=moment(item.get("timestamp"))),
        person=place.person(item.get("to") or thread_id, item.get("to_user_id"))
        if from_us
        else place.person(wrote or thread_id, item.get("from_user_id")),
        message=message_part(item, wa_type),
        wa_type=wa_type,
        from_us=from_us,
        status=text(about.get("status")),
        phase=phase,
        chunk_order=chunk_order,
        progress=progress,
        errors=errors_of(item.get("errors")),
    )


def old_media(place: Place, item: dict[str, Any]) -> Event:
    """The file behind a placeholder of the history; comes later, under the wamid of the placeholder."""
    return old_message(place, item, prefix="history-media")


def user_action(place: Place, item: dict[str, Any]) -> Event:
    action = text(item.get("action_type")) or text(item.get("type"))
    return UserActionEvent(
        **place.common(item, timestamp=moment(item.get("timestamp"))),
        action=action,
        person=_named(place, item),
        detail=as_dict(item.get(f"{action}_data")) or as_dict(item.get(action)),
    )


def _named(place: Place, item: dict[str, Any]) -> Sender:
    return place.person(
        item.get("wa_id") or item.get("from"),
        item.get("user_id") or item.get("from_user_id"),
        item.get("parent_user_id") or item.get("from_parent_user_id"),
    )


def automatic(place: Place, item: dict[str, Any]) -> Event:
    return AutomaticEvent(
        **place.common(item, external_id=_prefixed("automatic", item), timestamp=moment(item.get("timestamp"))),
        name=text(item.get("event_name")) or text(item.get("event")),
        person=_named(place, item),
        click_id=text(item.get("ctwa_clid")),
    )


def _prefixed(kind: str, item: dict[str, Any], *more: str) -> str:
    found = text(item.get("id"))
    return ":".join((kind, found, *more)) if found else ""


def user_preference(place: Place, item: dict[str, Any]) -> Event:
    return UserPreferenceEvent(
        **place.common(item, timestamp=moment(item.get("timestamp"))),
        person=_named(place, item),
        value=text(item.get("value")),
        category=text(item.get("category")),
        detail=text(item.get("detail")),
    )


def call(place: Place, item: dict[str, Any]) -> Event:
    event = text(item.get("event")) or text(item.get("status"))
    direction = text(item.get("direction"))
    is_ours = direction == "BUSINESS_INITIATED"
    person = (
        place.person(item.get("to"), item.get("to_user_id"), item.get("to_parent_user_id"))
        if is_ours
        else _author(place, item)
    )
    return CallEvent(
        **place.common(item, external_id=_prefixed("call", item, event), timestamp=moment(item.get("timestamp"))),
        call_id=text(item.get("id")),
        event=event,
        person=person,
        direction=direction,
        opaque=text(item.get("biz_opaque_callback_data")),
        errors=errors_of(item.get("errors")),
    )


def call_status(place: Place, item: dict[str, Any]) -> Event:
    """RINGING, ACCEPTED or REJECTED of a call we made; comes as `statuses` of the field `calls`."""
    state = text(item.get("status"))
    return CallEvent(
        **place.common(item, external_id=_prefixed("call", item, state), timestamp=moment(item.get("timestamp"))),
        call_id=text(item.get("id")),
        event=state,
        person=place.person(item.get("recipient_id"), item.get("recipient_user_id")),
        direction="BUSINESS_INITIATED",
        opaque=text(item.get("biz_opaque_callback_data")),
        errors=errors_of(item.get("errors")),
    )


def group(place: Place, item: dict[str, Any]) -> Event:
    return GroupEvent(
        **place.common(item, timestamp=moment(item.get("timestamp"))),
        event=text(item.get("type")) or text(item.get("event")),
        group_id=text(item.get("group_id")) or text(item.get("id")),
        errors=errors_of(item.get("errors")),
    )


def contact_sync(place: Place, item: dict[str, Any]) -> Event:
    contact = as_dict(item.get("contact"))
    stamp = as_dict(item.get("metadata")).get("timestamp") or item.get("timestamp")
    return ContactSyncEvent(
        **place.common(item, timestamp=moment(stamp)),
        action=text(item.get("action")),
        person=place.person(contact.get("phone_number") or contact.get("wa_id"), contact.get("user_id")),
        full_name=text(contact.get("full_name")) or text(contact.get("first_name")),
    )


def out_of_band_error(place: Place, item: dict[str, Any]) -> Event:
    return OutOfBandErrorEvent(**place.common(item, timestamp=moment(item.get("timestamp"))), errors=errors_of([item]))

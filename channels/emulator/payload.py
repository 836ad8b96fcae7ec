"""The items of a webhook: one message, one status, one contact, and the envelope around them."""

import base64
import copy
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from channels.emulator.state import Media, Message, Number, User
from channels.emulator.wire import body_of


@dataclass(slots=True)
class Update:
    """One thing that a webhook tells. With `part` empty, `item` is the whole `value` and travels in a change of its own."""

    number: Number
    field: str
    part: str
    item: dict[str, Any]
    wa_id: str = ""
    contact: dict[str, Any] | None = None
    message: Message | None = None  # the message it is about, whose fate the ledger follows
    status: str = ""  # of an outbound message


def contact_of(user: User, bsuid: str) -> dict[str, Any]:
    profile: dict[str, Any] = {"name": user.name}
    if user.username:
        profile["username"] = user.username
    contact: dict[str, Any] = {"profile": profile}
    if not user.hide_phone:
        contact["wa_id"] = user.wa_id
    contact["user_id"] = bsuid
    return contact


def message_item(message: Message, user: User, bsuid: str, *, sent_to: str = "") -> dict[str, Any]:
    """The element of `messages[]`. `sent_to` is the business number that a reply's `context.from` names."""
    item: dict[str, Any] = {}
    if not user.hide_phone:
        item["from"] = user.wa_id
    item |= {"from_user_id": bsuid, "id": message.id, "timestamp": str(int(message.timestamp))}
    extras = message.rendered or {}
    if message.context_id:
        item["context"] = {"from": sent_to, "id": message.context_id}
    if extras.get("forwarded"):
        item["context"] = {**item.get("context", {}), "forwarded": True}
    for key in ("referral", "group_id", "errors", "origin"):
        if extras.get(key):
            item[key] = extras[key]
    item["type"] = message.kind
    if message.kind == "contacts":
        item["contacts"] = message.content["contacts"]
    elif message.content:
        item[message.kind] = {k: v for k, v in message.content.items() if not k.startswith("_")}
    return item


def status_item(message: Message, status: str, at: float, user: User | None, bsuid: str | None) -> dict[str, Any]:
    item: dict[str, Any] = {"id": message.id, "status": status, "timestamp": str(int(at))}
    if user is None or not user.hide_phone:
        item["recipient_id"] = message.wa_id
    if bsuid:
        item["recipient_user_id"] = bsuid
    if message.opaque is not None:
        item["biz_opaque_callback_data"] = message.opaque
    if status == "failed" and message.error:
        item["errors"] = [message.error]
    return item


def pricing_of(message: Message) -> dict[str, Any]:
    return {
        "billable": not message.free,
        "pricing_model": "PMP",
        "type": "free_customer_service" if message.free else "regular",
        "category": message.category,
    }


def media_object(media: Media, kind: str, *, caption: str | None, url: str) -> dict[str, Any]:
    """The body of an inbound image, video, audio, document or sticker; sha256 in base64 as webhooks have it."""
    part: dict[str, Any] = {
        "id": media.id,
        "mime_type": media.mime_type,
        "sha256": base64.b64encode(bytes.fromhex(media.sha256)).decode(),
        "url": url,
    }
    if caption and kind not in ("audio", "sticker"):
        part["caption"] = caption
    if kind == "document":
        part["filename"] = media.filename or "document"
    if kind == "audio":
        part["voice"] = media.voice
    if kind == "sticker":
        part["animated"] = False
    return part


def envelope(updates: Sequence[Update], *, spread: str = "value", at: float = 0.0) -> dict[str, Any]:
    """One webhook body. `spread`: "value" puts what can share a value into one, "changes" gives each update a change,
    "entries" each an entry, "mixed" takes turns.
    """
    entries: list[dict[str, Any]] = []
    for i, update in enumerate(updates):
        how = ("value", "changes", "entries")[i % 3] if spread == "mixed" else spread
        entry = _entry_for(entries, update, at=at, fresh=how == "entries")
        _put(entry["changes"], update, fresh=how != "value")
    return {"object": "whatsapp_business_account", "entry": entries}


def _entry_for(entries: list[dict[str, Any]], update: Update, *, at: float, fresh: bool) -> dict[str, Any]:
    waba_id = update.number.settings.waba_id
    if not fresh:
        for entry in entries:
            if entry["id"] == waba_id:
                return entry
    entry = {"id": waba_id, "changes": []} | ({"time": int(at)} if update.part == "" else {})
    entries.append(entry)
    return entry


def _put(changes: list[dict[str, Any]], update: Update, *, fresh: bool) -> None:
    if update.part == "":
        changes.append({"value": update.item, "field": update.field})
        return
    if not fresh:
        for change in changes:
            value = change["value"]
            if change["field"] == update.field and value.get("metadata", {}).get("phone_number_id") == update.number.id:
                value.setdefault(update.part, []).append(update.item)
                if update.contact is not None and update.contact not in value.setdefault("contacts", []):
                    value["contacts"].append(update.contact)
                return
    value = {"messaging_product": "whatsapp", "metadata": metadata_of(update.number)}
    if update.contact is not None:
        value["contacts"] = [update.contact]
    value[update.part] = [update.item]
    changes.append({"value": value, "field": update.field})


def metadata_of(number: Number) -> dict[str, str]:
    digits = "".join(c for c in number.settings.display_phone_number if c.isdigit())
    return {"display_phone_number": digits, "phone_number_id": number.id}


def add_alien(body: dict[str, Any], kind: str, wamid: str) -> None:
    """Puts a message of a type that nobody knows in front of the others of the first value."""
    value = body["entry"][0]["changes"][0]["value"]
    nothing: dict[str, Any] = {}
    model = next(iter(value.get("messages", [])), nothing)
    alien = {k: model[k] for k in ("from", "from_user_id", "timestamp") if k in model}
    value["messages"] = [
        {**alien, "id": wamid, "type": kind, kind: {"depth": 3, "frames": [1, 2.5, None]}},
        *value.get("messages", []),
    ]


def add_unknown_fields(body: dict[str, Any]) -> None:
    """Adds keys, an enum value and a change that no documentation names."""
    first = copy.deepcopy(body["entry"][0]["changes"][0]["value"].get("metadata", {}))
    for entry in body["entry"]:
        entry["trace_hint"] = {"shard": 7}
        for change in entry["changes"]:
            change["value"]["quantum_state"] = ["up", None, {"down": 1.5}]
            for message in change["value"].get("messages", []):
                message["vibe"] = "mellow"
    body["entry"][0]["changes"].append(
        {"field": "mood_update", "value": {"metadata": first, "event": "MOOD_SWING", "level": "XXL"}}
    )


def drop_contacts(body: dict[str, Any]) -> None:
    for value in _values(body):
        value.pop("contacts", None)


def pad(body: dict[str, Any], size: int) -> None:
    """Fills one unknown field so that the body has `size` bytes."""
    value = body["entry"][0]["changes"][0]["value"]
    value["padding"] = ""
    value["padding"] = "x" * max(0, size - len(body_of(body)))


def _values(body: dict[str, Any]) -> Iterable[dict[str, Any]]:
    return (change["value"] for entry in body["entry"] for change in entry["changes"])

"""Where an item of a delivery stood: field, account, number, and the people named beside it."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from channels.whatsapp.events import ErrorInfo, Sender, UnknownEvent
from channels.whatsapp.lenient import as_dict, as_list, dump, text

__all__ = ["MAX_ID_CHARS", "Contacts", "Place", "bounded", "errors_of", "flag"]

MAX_ID_CHARS = 255  # Meta says a wamid has at most 200; an index row of PostgreSQL holds 2.7 KB
_PERSON_ID_CHARS = 160  # a BSUID has at most 2 + 1 + 128, a linked portfolio's 4 more


def bounded(external_id: str) -> str:
    """`external_id`, or its hash when it is too long for an index."""
    if len(external_id) <= MAX_ID_CHARS:
        return external_id
    return "sha256:" + hashlib.sha256(external_id.encode("utf-8", "surrogatepass")).hexdigest()


class Contacts:
    """The `contacts` of a value, found by id."""

    __slots__ = ("_by_user", "_by_wa")

    def __init__(self, listed: Iterable[Any] = ()) -> None:
        self._by_user: dict[str, dict[str, Any]] = {}
        self._by_wa: dict[str, dict[str, Any]] = {}
        for contact in listed:
            if not isinstance(contact, dict):
                continue
            wa_id, user_id = contact.get("wa_id"), contact.get("user_id")
            if isinstance(wa_id, str):
                self._by_wa.setdefault(wa_id, contact)
            if isinstance(user_id, str):
                self._by_user.setdefault(user_id, contact)

    def find(self, wa_id: str, user_id: str) -> dict[str, Any] | None:
        """By BSUID, else by number unless that entry carries another BSUID."""
        found = self._by_user.get(user_id) if user_id else None
        if found is not None or not wa_id:
            return found
        found = self._by_wa.get(wa_id)
        return None if found is not None and user_id and found.get("user_id") else found


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    name: str  # of the webhook field
    phone_number_id: str
    waba_id: str
    sent_at: datetime | None  # of the entry
    contacts: Contacts = dataclasses.field(default_factory=Contacts)

    def common(
        self, raw: dict[str, Any], *, external_id: str = "", timestamp: datetime | None = None
    ) -> dict[str, Any]:
        """The arguments that every event takes. Without an `external_id` the item's hash stands for it."""
        return {
            "field": self.name,
            "phone_number_id": self.phone_number_id,
            "waba_id": self.waba_id,
            "external_id": bounded(external_id) if external_id else self._hash(raw),
            "timestamp": timestamp or self.sent_at,
            "raw": raw,
        }

    def _hash(self, raw: dict[str, Any]) -> str:
        # The entry's time is part of it: a template that is paused twice says so twice in the same words.
        named = (self.name, self.phone_number_id, self.waba_id, self.sent_at and self.sent_at.isoformat())
        return hashlib.sha256(dump([named, raw], sort_keys=True)).hexdigest()

    def unknown(self, item: Any, error: str) -> UnknownEvent:
        raw = item if isinstance(item, dict) else {"value": item}
        return UnknownEvent(**self.common(raw), error=error)

    def person(self, wa_id: Any, user_id: Any = None, parent_user_id: Any = None) -> Sender:
        """The ids as the item has them, completed from the `contacts` entry that names one of them.

        Matched by id, never by place: `contacts` may be shorter than the items and in another order. An entry that
        contradicts an id of the item is somebody else's.
        """
        wa, user = _person_id(wa_id).lstrip("+"), _person_id(user_id)
        contact = self.contacts.find(wa, user)
        if contact is None:
            return Sender(wa_id=wa, user_id=user, parent_user_id=_person_id(parent_user_id))
        profile = as_dict(contact.get("profile"))
        return Sender(
            wa_id=wa or _person_id(contact.get("wa_id")).lstrip("+"),
            user_id=user or _person_id(contact.get("user_id")),
            parent_user_id=_person_id(parent_user_id) or _person_id(contact.get("parent_user_id")),
            username=text(profile.get("username")) or text(contact.get("username")),
            profile_name=text(profile.get("name")),
        )


def _person_id(value: Any) -> str:
    """Longer than any real id is no id: it could not be indexed. `raw` keeps it."""
    found = text(value)
    return found if len(found) <= _PERSON_ID_CHARS else ""


def flag(value: Any) -> bool:
    return value is True or value == "true"


def errors_of(value: Any) -> tuple[ErrorInfo, ...]:
    return tuple(_error(item) for item in as_list(value) if isinstance(item, dict))


def _error(item: dict[str, Any]) -> ErrorInfo:
    code = text(item.get("code"))
    return ErrorInfo(
        code=int(code) if code.isascii() and code.isdigit() and len(code) < 10 else None,
        title=text(item.get("title")),
        message=text(item.get("message")),
        details=text(as_dict(item.get("error_data")).get("details")) or text(item.get("details")),
        href=text(item.get("href")),
    )

"""How a message's body is kept: JSON of a `bot.messages` part, sealed with the organization's key unless the setting says otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import orjson

from bot.messages import INBOUND, OUTBOUND, Inbound, Outbound
from store.crypto import OrganizationKeys, column_aad

__all__ = [
    "OutBody",
    "decode_inbound",
    "decode_outbound",
    "encode_inbound",
    "encode_outbound",
    "open_body",
    "seal_body",
]

PLAIN = b"\x00"  # a sealed value begins with its format, 1


@dataclass(frozen=True, slots=True)
class OutBody:
    """An outgoing part, which of its wire messages this row is, and what the ids of its options begin with (`bot.turn.options`)."""

    part: Outbound
    index: int
    stem: str


def seal_body(data: bytes, keys: OrganizationKeys, *, sealed: bool) -> bytes:
    if not sealed:
        return PLAIN + data
    return keys.seal(data, _aad(keys.organization_id))


def open_body(body: bytes, keys: OrganizationKeys) -> bytes:
    return body[1:] if body[:1] == PLAIN else keys.open(body, _aad(keys.organization_id))


def encode_inbound(part: Inbound, keys: OrganizationKeys, *, sealed: bool = True) -> bytes:
    return seal_body(INBOUND.dump_json(part), keys, sealed=sealed)


def decode_inbound(body: bytes, keys: OrganizationKeys) -> Inbound:
    return INBOUND.validate_json(open_body(body, keys))


def encode_outbound(out: OutBody, keys: OrganizationKeys, *, sealed: bool = True) -> bytes:
    head = orjson.dumps({"index": out.index, "stem": out.stem})
    return seal_body(head[:-1] + b',"part":' + OUTBOUND.dump_json(out.part) + b"}", keys, sealed=sealed)


def decode_outbound(body: bytes, keys: OrganizationKeys) -> OutBody:
    found = orjson.loads(open_body(body, keys))
    return OutBody(OUTBOUND.validate_python(found["part"]), found["index"], found["stem"])


def _aad(organization_id: UUID) -> bytes:
    return column_aad(organization_id, "messages", "body")

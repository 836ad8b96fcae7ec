"""How a message is kept: what goes in comes out, sealed for its organization alone."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.bodies import OutBody, decode_inbound, decode_outbound, encode_inbound, encode_outbound
from bot.messages import Choice, Choices, FormReply, Inbound, Location, Media, MediaKind, Option, Text, Unsupported
from store.crypto import Cipher, OrganizationKeys, Unreadable
from store.ids import uuid7

INBOUND: tuple[Inbound, ...] = (
    Text(text="Habari 😀"),
    Choice(option_id="x", title="Yes"),
    Media(kind=MediaKind.VOICE, media_id="1"),
    Location(latitude=-1.28, longitude=36.82),
    FormReply(response=[1, None, {"a": "b"}], token="t"),
    Unsupported(what="poll_creation"),
)
CHOICES = Choices(text="Pick", options=(Option(title="A", payload="/start a"), Option(title="B", payload="b")), page=1)


def somebody() -> OrganizationKeys:
    return OrganizationKeys(uuid7(), [Cipher(os.urandom(32), version=1)])


@pytest.mark.parametrize("sealed", [True, False])
def test_what_is_kept_comes_back(sealed: bool) -> None:
    keys = somebody()
    for part in INBOUND:
        assert decode_inbound(encode_inbound(part, keys, sealed=sealed), keys) == part
    out = OutBody(CHOICES, 2, "stem.")
    assert decode_outbound(encode_outbound(out, keys, sealed=sealed), keys) == out


def test_a_body_is_sealed_unless_the_setting_says_otherwise() -> None:
    keys = somebody()
    assert b"Habari" not in encode_inbound(INBOUND[0], keys)
    assert b"Habari" in encode_inbound(INBOUND[0], keys, sealed=False)


def test_nobody_else_opens_a_body_and_a_damaged_one_says_so() -> None:
    keys = somebody()
    body = encode_inbound(INBOUND[0], keys)
    for other, damaged in ((somebody(), body), (keys, body[:-1] + bytes([body[-1] ^ 1]))):
        with pytest.raises(Unreadable):
            decode_inbound(damaged, other)


@given(st.text())
def test_any_text_that_can_be_written_comes_back(text: str) -> None:
    keys = somebody()
    assert decode_inbound(encode_inbound(Text(text=text), keys), keys) == Text(text=text)

"""Keys, seals and what they refuse."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

import pytest

from store.crypto import (
    Cipher,
    KeyRing,
    MasterKey,
    OrganizationKeys,
    Unreadable,
    WrappedKey,
    column_aad,
    mask_phone,
    new_data_key,
)
from store.errors import Refused

PLACE = b"organization:contacts:phone"


def test_sealed_text_opens_again_and_never_looks_the_same() -> None:
    cipher = Cipher(new_data_key())
    first, second = cipher.seal(b"+254722000111", PLACE), cipher.seal(b"+254722000111", PLACE)
    assert first != second
    assert cipher.open(first, PLACE) == cipher.open(second, PLACE) == b"+254722000111"
    assert b"722000111" not in first


def test_a_seal_opens_with_its_key_in_its_place_only() -> None:
    key = new_data_key()
    sealed = Cipher(key).seal(b"secret", PLACE)
    damaged = sealed[:-1] + bytes([sealed[-1] ^ 1])
    for cipher, value, place in (
        (Cipher(new_data_key()), sealed, PLACE),
        (Cipher(key), sealed, b"organization:contacts:name"),
        (Cipher(key), damaged, PLACE),
        (Cipher(key), sealed[:10], PLACE),
        (Cipher(key), b"", PLACE),
        (Cipher(key, version=2), sealed, PLACE),
    ):
        with pytest.raises(Unreadable):
            cipher.open(value, place)


def test_blind_index_is_equal_for_equal_values_of_one_organization_only() -> None:
    key = new_data_key()
    assert Cipher(key).blind_index("+254722000111") == Cipher(key).blind_index("+254722000111")
    assert Cipher(key).blind_index("+254722000111") != Cipher(key).blind_index("+254722000112")
    assert Cipher(key).blind_index("+254722000111") != Cipher(new_data_key()).blind_index("+254722000111")
    assert len(Cipher(key).blind_index("")) == 16


def test_after_a_rotation_old_values_open_and_are_still_found(ours: UUID) -> None:
    old = Cipher(new_data_key(), 1)
    sealed, index = old.seal(b"x", PLACE), old.blind_index("+254")
    keys = OrganizationKeys(ours, [Cipher(new_data_key(), 2), old])
    assert keys.open(sealed, PLACE) == b"x"
    assert keys.blind_index("+254") == index
    renewed = keys.seal(b"x", PLACE)
    with pytest.raises(Unreadable):
        old.open(renewed, PLACE)
    assert keys.open(renewed, PLACE) == b"x"


def test_a_wrapped_key_opens_under_its_master_for_its_organization(ours: UUID, theirs: UUID) -> None:
    data_key, old, new = new_data_key(), os.urandom(32), os.urandom(32)
    wrapped = MasterKey(old).wrap(ours, data_key)
    assert data_key not in wrapped
    assert MasterKey(old).unwrap(ours, wrapped) == data_key
    with pytest.raises(Unreadable):
        MasterKey(old).unwrap(theirs, wrapped)
    with pytest.raises(Unreadable):
        MasterKey(new).unwrap(ours, wrapped)
    rotated = MasterKey(new, previous=[old])
    assert rotated.unwrap(ours, wrapped) == data_key
    assert not rotated.is_current(wrapped)
    assert rotated.is_current(rotated.wrap(ours, data_key))


def test_the_key_file_is_made_once_and_kept_private(tmp_path: Path, ours: UUID) -> None:
    path = tmp_path / "secrets" / "master.key"
    wrapped = MasterKey.from_file(path, create=True).wrap(ours, new_data_key())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert MasterKey.from_file(path, create=True).is_current(wrapped)
    assert MasterKey.from_text(path.read_text().strip()).is_current(wrapped)
    assert list(path.parent.iterdir()) == [path]


def test_a_key_of_the_wrong_length_is_refused() -> None:
    for text in ("", "c2hvcnQ=", "not base64 at all"):
        with pytest.raises(ValueError):
            MasterKey.from_text(text)


async def test_the_ring_loads_each_organization_once(ours: UUID) -> None:
    master, loads = MasterKey(os.urandom(32)), []

    async def load(organization_id: UUID) -> Sequence[WrappedKey]:
        loads.append(organization_id)
        return [WrappedKey(1, master.wrap(organization_id, b"k" * 32))]

    ring = KeyRing(master, load)
    with pytest.raises(Refused):
        ring.loaded(ours)
    keys = await ring.keys(ours)
    assert await ring.keys(ours) is ring.loaded(ours) is keys
    assert loads == [ours]
    sealed = keys.seal_text("Asha", table="contacts", column="name")
    assert keys.open_text(sealed, table="contacts", column="name") == "Asha"
    assert keys.open(sealed, column_aad(ours, "contacts", "name")) == b"Asha"
    ring.forget(ours)
    with pytest.raises(Refused):
        ring.loaded(ours)


async def test_an_organization_without_a_key_is_unreadable(ours: UUID) -> None:
    async def load(_: UUID) -> Sequence[WrappedKey]:
        return []

    with pytest.raises(Unreadable):
        await KeyRing(MasterKey(os.urandom(32)), load).keys(ours)


@pytest.mark.parametrize(
    ("phone", "masked"),
    [
        ("+254722000111", "+2547•••••111"),
        ("+12025550100", "+1202••••100"),
        ("0722000", "•••••00"),
        ("12", "12"),
        ("", ""),
    ],
)
def test_masked_phones_keep_country_and_tail(phone: str, masked: str) -> None:
    assert mask_phone(phone) == masked

"""Envelope encryption: one master key wraps a data key per organization, the data key seals columns and tokens.

A sealed value is `format (1) | key version (2) | nonce (12) | AES-256-GCM ciphertext and tag`; its additional data is
`organization:table:column`, so a value copied into another row of another organization, table or column does not open.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import hmac
import os
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from store.errors import Permanent, Refused

__all__ = [
    "Cipher",
    "KeyRing",
    "MasterKey",
    "OrganizationKeys",
    "Unreadable",
    "WrappedKey",
    "column_aad",
    "install_keyring",
    "keyring",
    "mask_phone",
    "new_data_key",
]

KEY_BYTES = 32
NONCE_BYTES = 12
BLIND_INDEX_BYTES = 16  # 128 bits: no collision among any number of phones, half the index of the whole digest
_FORMAT = b"\x01"
_HEAD_BYTES = 3


class Unreadable(Permanent):
    """A sealed value does not open: another key, another place than it was sealed for, or damaged."""


def new_data_key() -> bytes:
    return os.urandom(KEY_BYTES)


class MasterKey:
    """The key that wraps organizations' data keys. Old ones may still unwrap: rotate by wrapping again, without touching the rows."""

    def __init__(self, key: bytes, *, previous: Sequence[bytes] = ()) -> None:
        self._key = key
        self._current = _key_id(key)
        self._ciphers = {_key_id(each): AESGCM(_checked(each)) for each in (*previous, key)}

    @classmethod
    def from_text(cls, text: str, *, previous: Sequence[str] = ()) -> MasterKey:
        """32 bytes in base64, as `python -c "import os, base64; print(base64.b64encode(os.urandom(32)).decode())"` prints them."""
        return cls(_decoded(text), previous=[_decoded(each) for each in previous])

    @classmethod
    def from_file(cls, path: Path, *, create: bool = False) -> MasterKey:
        """The key in a secret file; with `create` (development) a new one is written there, readable by its owner only."""
        if create and not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            fresh = path.with_name(f".{path.name}.{os.getpid()}")
            fresh.touch(mode=0o600)
            fresh.write_text(base64.b64encode(new_data_key()).decode() + "\n")
            try:
                os.link(fresh, path)  # fails when another process was first: then theirs is the key
            except FileExistsError:
                pass
            finally:
                fresh.unlink()
        return cls.from_text(path.read_text().strip())

    def wrap(self, organization_id: UUID, data_key: bytes) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        sealed = self._ciphers[self._current].encrypt(nonce, data_key, _wrap_aad(organization_id))
        return _FORMAT + self._current + nonce + sealed

    def unwrap(self, organization_id: UUID, wrapped: bytes) -> bytes:
        """
        Raises:
            Unreadable: wrapped under a master key that is not configured, or for another organization.
        """
        cipher = self._ciphers.get(wrapped[1:5])
        if wrapped[:1] != _FORMAT or cipher is None:
            raise Unreadable(f"the data key of organization {organization_id} is wrapped under another master key")
        try:
            return cipher.decrypt(wrapped[5:17], wrapped[17:], _wrap_aad(organization_id))
        except InvalidTag as e:
            raise Unreadable(f"unwrapping the data key of organization {organization_id}") from e

    def derive(self, purpose: str) -> bytes:
        """32 bytes for another use of the platform's own (signed URLs); changes when the master key does."""
        return HKDF(SHA256(), KEY_BYTES, salt=None, info=f"chatnation {purpose}".encode()).derive(self._key)

    def is_current(self, wrapped: bytes) -> bool:
        """False: wrapped under a previous master key, wrap it again."""
        return wrapped[1:5] == self._current


class Cipher:
    """Seals and opens with one data key. Made once and kept: about 2 microseconds a value."""

    __slots__ = ("_aead", "_head", "_index_key", "version")

    def __init__(self, data_key: bytes, version: int = 1) -> None:
        self._aead = AESGCM(_checked(data_key))
        self._head = _FORMAT + version.to_bytes(2, "big")
        self._index_key = HKDF(SHA256(), KEY_BYTES, salt=None, info=b"chatnation blind index").derive(data_key)
        self.version = version

    def seal(self, plaintext: bytes, aad: bytes) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        return self._head + nonce + self._aead.encrypt(nonce, plaintext, aad)

    def open(self, sealed: bytes, aad: bytes) -> bytes:
        """
        Raises:
            Unreadable: sealed with another key or for another place, or damaged.
        """
        if sealed[:_HEAD_BYTES] != self._head:
            raise Unreadable("opening a value that was sealed with another key version")
        try:
            return self._aead.decrypt(
                sealed[_HEAD_BYTES : _HEAD_BYTES + NONCE_BYTES], sealed[_HEAD_BYTES + NONCE_BYTES :], aad
            )
        except (InvalidTag, ValueError) as e:
            raise Unreadable("opening a sealed value") from e

    def blind_index(self, value: str) -> bytes:
        """16 bytes, equal for equal values: finds an encrypted value by equality. Bring the value into its one form first (E.164)."""
        return hmac.digest(self._index_key, value.encode(), "sha256")[:BLIND_INDEX_BYTES]


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """A row of an organization's keys."""

    version: int
    wrapped: bytes


class OrganizationKeys:
    """All data keys of one organization: the newest seals, every one opens, the first makes blind indexes (they must outlive rotation)."""

    __slots__ = ("_by_version", "_first", "_newest", "organization_id")

    def __init__(self, organization_id: UUID, ciphers: Sequence[Cipher]) -> None:
        self.organization_id = organization_id
        self._by_version = {cipher.version: cipher for cipher in ciphers}
        self._first = self._by_version[min(self._by_version)]
        self._newest = self._by_version[max(self._by_version)]

    def seal(self, plaintext: bytes, aad: bytes) -> bytes:
        return self._newest.seal(plaintext, aad)

    def open(self, sealed: bytes, aad: bytes) -> bytes:
        cipher = self._by_version.get(int.from_bytes(sealed[1:_HEAD_BYTES], "big"))
        if cipher is None:
            raise Unreadable(f"organization {self.organization_id} has no such key version")
        return cipher.open(sealed, aad)

    def seal_text(self, text: str, *, table: str, column: str) -> bytes:
        return self.seal(text.encode(), column_aad(self.organization_id, table, column))

    def open_text(self, sealed: bytes, *, table: str, column: str) -> str:
        return self.open(sealed, column_aad(self.organization_id, table, column)).decode()

    def blind_index(self, value: str) -> bytes:
        return self._first.blind_index(value)


class KeyRing:
    """The organizations' keys of this process, unwrapped once and kept.

    `load` reads the wrapped keys of one organization, all versions; it runs with nothing bound and binds what it needs itself.
    """

    def __init__(self, master: MasterKey, load: Callable[[UUID], Awaitable[Sequence[WrappedKey]]]) -> None:
        self._master = master
        self._load = load
        self._keys: dict[UUID, OrganizationKeys] = {}

    @property
    def master(self) -> MasterKey:
        return self._master

    async def keys(self, organization_id: UUID) -> OrganizationKeys:
        """
        Raises:
            Unreadable: the organization has no key, or it is wrapped under another master key.
        """
        found = self._keys.get(organization_id)
        if found is None:
            found = self.put(organization_id, await self._load(organization_id))
        return found

    def put(self, organization_id: UUID, wrapped: Sequence[WrappedKey]) -> OrganizationKeys:
        """Takes keys that are at hand already: a new organization's, or those of a batch."""
        if not wrapped:
            raise Unreadable(f"organization {organization_id} has no data key")
        ciphers = [Cipher(self._master.unwrap(organization_id, each.wrapped), each.version) for each in wrapped]
        keys = self._keys[organization_id] = OrganizationKeys(organization_id, ciphers)
        return keys

    def loaded(self, organization_id: UUID) -> OrganizationKeys:
        """For code that cannot wait, such as a model's field.

        Raises:
            Refused: `await keys(organization_id)` has not been said in this process.
        """
        found = self._keys.get(organization_id)
        if found is None:
            raise Refused(f"the keys of organization {organization_id} are not loaded; await keyring().keys(...) first")
        return found

    def forget(self, organization_id: UUID) -> None:
        """After a rotation or an erasure, so that the next use loads again."""
        self._keys.pop(organization_id, None)


_keyring: KeyRing | None = None


def install_keyring(ring: KeyRing | None) -> None:
    """Sets the process's key ring; None takes it away (tests, shutdown)."""
    global _keyring
    _keyring = ring


def keyring() -> KeyRing:
    """
    Raises:
        Refused: `install_keyring` has not been called.
    """
    if _keyring is None:
        raise Refused("no key ring is installed in this process")
    return _keyring


@functools.lru_cache(maxsize=4096)
def column_aad(organization_id: UUID, table: str, column: str) -> bytes:
    return f"{organization_id}:{table}:{column}".encode()


def mask_phone(phone: str) -> str:
    """`+254722000111` as `+2547•••••111`; short numbers keep their last two digits only."""
    if len(phone) < 10:
        return "•" * max(len(phone) - 2, 0) + phone[-2:]
    return phone[:5] + "•" * (len(phone) - 8) + phone[-3:]


def _wrap_aad(organization_id: UUID) -> bytes:
    return b"chatnation data key:" + organization_id.bytes


def _key_id(key: bytes) -> bytes:
    """4 bytes that tell master keys apart and say nothing of the key."""
    return hashlib.sha256(b"chatnation key id:" + key).digest()[:4]


def _checked(key: bytes) -> bytes:
    if len(key) != KEY_BYTES:
        raise ValueError(f"a key has {KEY_BYTES} bytes, this one {len(key)}")
    return key


def _decoded(text: str) -> bytes:
    return _checked(base64.b64decode(text, validate=True))

"""Passwords: argon2id in threads of their own, and the least that one must be."""

from __future__ import annotations

import asyncio
import functools
import itertools
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from bot.identity.errors import WeakPassword
from bot.identity.settings import IdentitySettings

__all__ = ["MIN_LENGTH", "check_password", "hash_password", "needs_rehash", "verify_password"]

T = TypeVar("T")

MIN_LENGTH = 10
MAX_LENGTH = 200  # nobody types more, and hashing a megabyte is an attack
AT_ONCE = 2  # 64 MiB each: many sign-ins at once wait, they do not take the machine

_threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="argon2")
# Fragments that most guessing lists begin with; a password that is little more than one of them is no password.
_COMMON = ("password", "qwerty", "chatnation", "letmein", "welcome", "iloveyou", "admin", "nairobi", "kenya", "asdfgh")


def check_password(password: str, *, email: str = "", name: str = "") -> None:
    """
    Raises:
        WeakPassword: and what to do about it.
    """
    plain = _normal(password)
    if len(plain) < MIN_LENGTH:
        raise WeakPassword(
            "short", f"use at least {MIN_LENGTH} characters; three or four words that you remember are best"
        )
    if len(plain) > MAX_LENGTH:
        raise WeakPassword("long", f"use at most {MAX_LENGTH} characters")
    bare = "".join(c for c in plain.casefold() if c.isalnum())
    if len(set(plain)) < 5 or _runs(bare):
        raise WeakPassword(
            "simple", "the characters repeat or follow each other; mix words that have nothing to do with each other"
        )
    for own in (email.split("@")[0], *name.split()):
        if len(own) >= 4 and len(bare.replace(own.casefold(), "")) < 6:
            raise WeakPassword(
                "own", "it is little more than your name or e-mail address; add words that nobody knows of you"
            )
    for common in _COMMON:
        if common in bare and len(bare.replace(common, "")) < 6:
            raise WeakPassword("common", f"passwords around “{common}” are guessed first; choose other words")


def _runs(bare: str) -> bool:
    """Whether it is digits or letters counted up or down: 1234567890, abcdefghij."""
    steps = {ord(after) - ord(before) for before, after in itertools.pairwise(bare)}
    return bool(bare) and (steps <= {1, -9} or steps <= {-1, 9})


async def hash_password(settings: IdentitySettings, password: str) -> str:
    return await _in_thread(_hasher(*_parameters(settings)).hash, _normal(password))


async def verify_password(settings: IdentitySettings, hashed: str, password: str) -> bool:
    """Takes as long when there is nothing to compare with (`hashed` empty): who measures learns nothing."""
    hasher = _hasher(*_parameters(settings))
    against = hashed or await _nobodys(*_parameters(settings))
    matches = await _in_thread(_matches, hasher, against, _normal(password)[: MAX_LENGTH + 1])
    return matches and bool(hashed)


def needs_rehash(settings: IdentitySettings, hashed: str) -> bool:
    """Whether the parameters have changed since."""
    return _hasher(*_parameters(settings)).check_needs_rehash(hashed)


def _matches(hasher: PasswordHasher, hashed: str, password: str) -> bool:
    try:
        return hasher.verify(hashed, password)
    except (VerificationError, InvalidHashError):
        return False


_nobody: dict[tuple[int, int, int], str] = {}


async def _nobodys(*parameters: int) -> str:
    key = (parameters[0], parameters[1], parameters[2])
    if key not in _nobody:
        _nobody[key] = await _in_thread(_hasher(*key).hash, "nobody's")
    return _nobody[key]


@functools.lru_cache(maxsize=8)
def _hasher(memory_kib: int, passes: int, lanes: int) -> PasswordHasher:
    return PasswordHasher(time_cost=passes, memory_cost=memory_kib, parallelism=lanes)


def _parameters(settings: IdentitySettings) -> tuple[int, int, int]:
    return settings.argon2_memory_kib, settings.argon2_passes, settings.argon2_lanes


def _normal(password: str) -> str:
    """One form of what keyboards write differently (NIST SP 800-63B, 5.1.1.2)."""
    return unicodedata.normalize("NFKC", password)


async def _in_thread(function: Callable[..., T], *values: Any) -> T:
    return await asyncio.get_running_loop().run_in_executor(_threads, functools.partial(function, *values))

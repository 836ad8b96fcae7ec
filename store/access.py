"""For whom code runs, and what that one may touch of contacts: a skill's action or job may do what its manifest says, and no more.

A guard against mistakes and undeclared habits, not a sandbox: code that is not trusted runs on a server of its own (`trust: remote`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal

from store.errors import Refused

__all__ = ["Asker", "NotDeclared", "allow_sql", "asker", "asking", "by_platform"]

_CONTACTS = "(?:contacts|contact_(?:identities|merge_proposals|labels|fields|segments|imports|import_rows)|consents)"
_READS = re.compile(rf"\b{_CONTACTS}\b", re.IGNORECASE)
_WRITES = re.compile(
    rf'\b(?:insert\s+into|update|delete\s+from|merge\s+into)\s+(?:only\s+)?"?{_CONTACTS}\b', re.IGNORECASE
)


class NotDeclared(Refused):
    """A skill did what its manifest does not say; the message says what to write where."""


@dataclass(frozen=True, slots=True)
class Asker:
    """`hosts` as the manifest names them: `api.example.org`, `*.example.org`, `host:8080`."""

    skill: str
    contacts: Literal["none", "read", "write"] = "none"
    hosts: tuple[str, ...] = ()


_asker: ContextVar[Asker | None] = ContextVar("asker", default=None)


def asker() -> Asker | None:
    """None: the platform itself."""
    return _asker.get()


@contextmanager
def asking(who: Asker | None) -> Iterator[None]:
    """What runs in the block, and every task that it makes, runs for this skill."""
    token = _asker.set(who)
    try:
        yield
    finally:
        _asker.reset(token)


def by_platform() -> AbstractContextManager[None]:
    """What the platform does on a skill's behalf, by rules of its own: consent, hints, delivery."""
    return asking(None)


def allow_sql(sql: str) -> None:
    """
    Raises:
        NotDeclared: the statement reads or changes contacts, and the skill may not.
    """
    who = _asker.get()
    if who is None or who.contacts == "write" or not _READS.search(sql):
        return
    writes = _WRITES.search(sql) is not None
    if writes or who.contacts == "none":
        what, wanted = ("changes", "write") if writes else ("reads", "read")
        raise NotDeclared(
            f"the skill {who.skill} {what} contacts, but its skill.yml does not say so: write capabilities.contacts: {wanted}"
        )

"""A membership, as far as rights go."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from store.jsonb import from_jsonb

__all__ = ["Seat", "seat_of"]


@dataclass(frozen=True, slots=True)
class Seat:
    """A membership, as far as rights go."""

    role: str
    permissions: tuple[str, ...]  # of a custom role
    events: frozenset[UUID] | None
    exhibitors: frozenset[UUID] | None


def seat_of(role: str | None, permissions: str | None, events: str | None, exhibitors: str | None) -> Seat | None:
    """From the columns of `memberships` and of its custom role, JSON as text; None: no member."""
    if role is None:
        return None
    return Seat(role, tuple(from_jsonb(permissions) if permissions else ()), _ids(events), _ids(exhibitors))


def _ids(text: str | None) -> frozenset[UUID] | None:
    found = from_jsonb(text) if text else None
    return None if found is None else frozenset(UUID(each) for each in found)

"""Who acts, for which organization, and what they may do."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal
from uuid import UUID

from bot.errors import Refused
from bot.identity.roles import CORE, NARROW, PLATFORM

__all__ = ["NotAllowed", "Principal"]


class NotAllowed(Refused):
    """The permission that is missing is `permission`; the message names it and who can give it."""

    def __init__(self, permission: str) -> None:
        super().__init__(f"this needs the permission {permission}; an administrator of the organization can give it")
        self.permission = permission


@dataclass(frozen=True, slots=True)
class Principal:
    """
    principal.require("events.edit", event=event_id)

    `events` and `exhibitors` limit it to those; None: all of the organization. Made for each request or page, never kept longer.
    """

    kind: Literal["user", "api_key", "internal"]
    id: UUID
    organization_id: UUID | None
    permissions: frozenset[str]
    name: str = ""
    events: frozenset[UUID] | None = None
    exhibitors: frozenset[UUID] | None = None
    session_id: UUID | None = None
    impersonated_by: UUID | None = None
    rate_per_min: int | None = None  # of an API key

    @property
    def actor(self) -> str:
        """As audit entries name it."""
        if self.impersonated_by is not None:
            return f"user:{self.impersonated_by} as user:{self.id}"
        return f"{self.kind}:{self.id}"

    def allowed(self, permissions: frozenset[str]) -> Principal:
        return replace(self, permissions=permissions)

    def limited(self, *, events: frozenset[UUID] | None, exhibitors: frozenset[UUID] | None) -> Principal:
        """The same, for some events or exhibitors only; rights over the whole organization are lost."""
        if events is None and exhibitors is None:
            return self
        wide = (CORE.keys() | PLATFORM) - NARROW
        return replace(self, permissions=self.permissions - wide, events=events, exhibitors=exhibitors)

    def may(self, permission: str, *, event: UUID | None = None, exhibitor: UUID | None = None) -> bool:
        """Without `event`: whether there may be any; a list is then filtered by `events`."""
        return (
            permission in self.permissions
            and (event is None or self.events is None or event in self.events)
            and (exhibitor is None or self.exhibitors is None or exhibitor in self.exhibitors)
        )

    def require(self, permission: str, *, event: UUID | None = None, exhibitor: UUID | None = None) -> None:
        """
        Raises:
            NotAllowed: it may not.
        """
        if not self.may(permission, event=event, exhibitor=exhibitor):
            raise NotAllowed(permission)

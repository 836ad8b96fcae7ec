"""Which organization the running task works for. A ContextVar: tasks started inside a scope inherit it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from uuid import UUID

from store.errors import CrossOrganization, NotBound

__all__ = ["Scope", "current_organization", "current_scope", "organization_scope", "unscoped"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Scope:
    """Either one organization, or (`organization_id` is None) every organization for a stated reason."""

    organization_id: UUID | None
    reason: str = ""


_scope: ContextVar[Scope | None] = ContextVar("organization_scope", default=None)


def current_scope() -> Scope | None:
    """None outside of every scope. For the store itself; others ask `current_organization`."""
    return _scope.get()


def current_organization() -> UUID:
    """The bound organization.

    Raises:
        NotBound: outside of `organization_scope`, also inside `unscoped`, which is bound to none.
    """
    scope = _scope.get()
    if scope is None or scope.organization_id is None:
        raise NotBound("no organization is bound; enter organization_scope(organization_id) first")
    return scope.organization_id


@contextmanager
def organization_scope(organization_id: UUID) -> Iterator[None]:
    """Binds an organization for the block. Entering the same one again is harmless.

    Raises:
        CrossOrganization: another organization is bound already; only `unscoped(reason)` may stand between two.
    """
    outer = _scope.get()
    if outer is not None and outer.organization_id not in (None, organization_id):
        raise CrossOrganization(f"scope of organization {organization_id} inside that of {outer.organization_id}")
    token = _scope.set(Scope(organization_id))
    try:
        yield
    finally:
        _scope.reset(token)


@contextmanager
def unscoped(reason: str) -> Iterator[None]:
    """Works across organizations, as the role that bypasses row level security.

    Only `scheduler/`, `store/` and `admin_ui/pages/platform` may say it (tests/architecture watches); everything inside filters for itself.
    """
    if not reason.strip():
        raise ValueError("unscoped() needs a reason")
    log.debug("unscoped", extra={"reason": reason})
    token = _scope.set(Scope(None, reason))
    try:
        yield
    finally:
        _scope.reset(token)

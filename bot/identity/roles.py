"""The product's roles as data, and what each may do (R290-R299). Whatever no line here or in a manifest allows is denied.

```
platform_admin                     the platform's pages; an organization's only by impersonation
owner
├── admin
│   ├── event_manager ──┐
│   ├── survey_manager ─┼── viewer
│   └── content_manager ┘
└── exhibitor_admin
    └── exhibitor_staff            their own booth, nothing else
participant                        no admin access
```
A role may do what those under it may. An organization's own roles are sets of the same permissions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum

__all__ = ["CORE", "NARROW", "NOT_BORROWED", "PLATFORM", "Role", "held_by", "permissions_of"]


class Role(StrEnum):
    PLATFORM_ADMIN = "platform_admin"
    OWNER = "owner"
    ADMIN = "admin"
    EVENT_MANAGER = "event_manager"
    SURVEY_MANAGER = "survey_manager"
    CONTENT_MANAGER = "content_manager"
    EXHIBITOR_ADMIN = "exhibitor_admin"
    EXHIBITOR_STAFF = "exhibitor_staff"
    VIEWER = "viewer"
    PARTICIPANT = "participant"


_MANAGERS = (Role.EVENT_MANAGER, Role.SURVEY_MANAGER, Role.CONTENT_MANAGER)

_UNDER: Mapping[Role, tuple[Role, ...]] = {
    Role.OWNER: (Role.ADMIN, Role.EXHIBITOR_ADMIN),
    Role.ADMIN: _MANAGERS,
    **dict.fromkeys(_MANAGERS, (Role.VIEWER,)),
    Role.EXHIBITOR_ADMIN: (Role.EXHIBITOR_STAFF,),
}

# Each with the least roles that have it.
CORE: Mapping[str, tuple[Role, ...]] = {
    "dashboard.view": (Role.VIEWER,),
    "organization.view": (Role.VIEWER, Role.EXHIBITOR_STAFF),
    "organization.edit": (Role.ADMIN,),
    "organization.delete": (Role.OWNER,),
    "users.view": (Role.ADMIN,),
    "users.manage": (Role.ADMIN,),
    "roles.manage": (Role.OWNER,),
    "security.manage": (Role.OWNER,),
    "api_keys.manage": (Role.ADMIN,),
    "webhooks.manage": (Role.ADMIN,),
    "audit.view": (Role.ADMIN,),
    "channels.view": (Role.ADMIN,),
    "channels.manage": (Role.ADMIN,),
    "skills.view": (Role.VIEWER,),
    "skills.edit": (Role.CONTENT_MANAGER,),
    "skills.publish": (Role.ADMIN,),
    "skills.switch": (Role.ADMIN,),
    "knowledge.view": (Role.VIEWER,),
    "knowledge.edit": (Role.CONTENT_MANAGER,),
    "media.view": (Role.VIEWER,),
    "media.edit": _MANAGERS,
    "contacts.view": (Role.VIEWER,),
    "contacts.edit": _MANAGERS,
    "contacts.import": (Role.ADMIN,),
    "contacts.export": (Role.ADMIN,),
    "contacts.phone": (Role.ADMIN,),  # whole numbers; everybody else sees them masked
    "inbox.view": _MANAGERS,
    "inbox.reply": _MANAGERS,
    "inbox.assign": (Role.ADMIN,),
    "billing.view": (Role.ADMIN,),
    "billing.manage": (Role.OWNER,),
}

PLATFORM = frozenset(
    {
        "platform.view",
        "platform.organizations",
        "platform.suspend",
        "platform.impersonate",
        "platform.queues",  # trying again and dropping what was given up
        "platform.incidents",
        "platform.billing",
    }
)

# What nobody does with borrowed eyes: who gets in and with which keys, what leaves the house, what cannot be taken back.
NOT_BORROWED = frozenset(
    {
        "organization.delete",
        "users.manage",
        "roles.manage",
        "security.manage",
        "api_keys.manage",
        "webhooks.manage",
        "channels.manage",
        "contacts.export",
        "contacts.phone",
        "billing.manage",
    }
)

# Of the core's own, what a member who is limited to some events or exhibitors keeps. The rest concerns the whole organization.
NARROW = frozenset({"dashboard.view", "organization.view"})


def held_by(role: Role) -> frozenset[Role]:
    """The role itself and all under it."""
    found = {role}
    for under in _UNDER.get(role, ()):
        found |= held_by(under)
    return frozenset(found)


def permissions_of(role: Role, of_skills: Mapping[str, str] | None = None) -> frozenset[str]:
    """
    Args:
        of_skills: what the manifests define, each with its least role: `{"events.edit": "event_manager"}`.
    """
    if role is Role.PLATFORM_ADMIN:
        return PLATFORM
    held = held_by(role)
    core = {name for name, least in CORE.items() if not held.isdisjoint(least)}
    return frozenset(core | _of_skills(held, (of_skills or {}).items()))


def _of_skills(held: frozenset[Role], defined: Iterable[tuple[str, str]]) -> set[str]:
    return {name for name, least in defined if least in held}

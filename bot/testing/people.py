"""People who sign in, for tests and the demo: made without letters and links."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING
from uuid import UUID

from bot.identity.passwords import hash_password
from bot.identity.settings import IdentitySettings
from store import people
from store.ids import uuid7
from store.models import Membership
from store.people import Founder
from store.tenancy import organization_scope

if TYPE_CHECKING:
    from bot.runtime import Runtime

__all__ = ["QUICK_HASHES", "enrol"]

# Settings under which a password costs a few milliseconds, not a fifth of a second.
QUICK_HASHES = {"CHATNATION__IDENTITY__ARGON2_MEMORY_KIB": "8192", "CHATNATION__IDENTITY__ARGON2_PASSES": "1"}


async def enrol(
    runtime: Runtime,
    organization_id: UUID | None,
    email: str,
    role: str = "owner",
    *,
    password: str = "",
    name: str = "",
    events: Iterable[UUID] | None = None,
    exhibitors: Iterable[UUID] | None = None,
) -> UUID:
    """The person with this e-mail address, made if there is none, as a member; role "platform_admin" needs no organization."""
    now = runtime.clock.now()
    settings = runtime.configuration.section(IdentitySettings, "identity")
    hashed = await hash_password(settings, password) if password else ""
    somebody = Founder(uuid7(), email, name=name, password_hash=hashed, email_verified_at=now)
    await people.create_person(somebody, now=now)
    found = await people.person_named(email)
    assert found is not None
    if role == "platform_admin":
        await people.set_platform_admin(found.id, is_one=True)
    if organization_id is not None:
        with organization_scope(organization_id):
            await Membership.get_or_create(
                user_id=found.id,
                defaults={"role": role, "events": _texts(events), "exhibitors": _texts(exhibitors)},
            )
    return found.id


def _texts(ids: Iterable[UUID] | None) -> list[str] | None:
    return None if ids is None else sorted(str(each) for each in ids)

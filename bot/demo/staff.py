"""Who signs in to the demo: one person for each role. The password is known to everybody, so they exist in the demo only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.demo.people import DemoOrganization

__all__ = ["PASSWORD", "STAFF", "DemoPerson", "put_staff"]

PASSWORD = "karibu savanna 2026"
DOMAIN = "demo.chatnation.test"


@dataclass(frozen=True, slots=True)
class DemoPerson:
    email: str
    name: str
    roles: tuple[tuple[str, str], ...]  # (slug of the organization, role); none: the platform's own
    locale: str = "en"


STAFF = (
    DemoPerson(f"owner@{DOMAIN}", "Amina Hassan", (("savanna", "owner"), ("pwani", "viewer"))),
    DemoPerson(f"admin@{DOMAIN}", "David Kariuki", (("savanna", "admin"),)),
    DemoPerson(f"event-manager@{DOMAIN}", "Esther Njeri", (("savanna", "event_manager"),)),
    DemoPerson(f"survey-manager@{DOMAIN}", "Samuel Kiptoo", (("savanna", "survey_manager"),)),
    DemoPerson(f"content-manager@{DOMAIN}", "Cynthia Achieng", (("savanna", "content_manager"),)),
    DemoPerson(f"exhibitor-admin@{DOMAIN}", "Mohamed Ali", (("savanna", "exhibitor_admin"),)),
    DemoPerson(f"exhibitor-staff@{DOMAIN}", "Grace Wambui", (("savanna", "exhibitor_staff"),)),
    DemoPerson(f"viewer@{DOMAIN}", "Peter Mutua", (("savanna", "viewer"),)),
    DemoPerson(f"participant@{DOMAIN}", "Joy Chebet", (("savanna", "participant"),)),
    DemoPerson(f"owner-pwani@{DOMAIN}", "Salim Bakari", (("pwani", "owner"),), locale="sw"),
    DemoPerson(f"platform@{DOMAIN}", "Wanjiku Maina", ()),
)


async def put_staff(organizations: Sequence[DemoOrganization]) -> None:
    """Those that are there stay as they are."""
    from bot.identity.passwords import hash_password
    from bot.identity.settings import IdentitySettings
    from store import people
    from store.ids import uuid7
    from store.models import Membership
    from store.tenancy import organization_scope

    hashed, now = "", datetime.now(UTC)
    ids = {each.slug: each.id for each in organizations}
    for person in STAFF:
        if await people.person_named(person.email) is not None:
            continue
        hashed = hashed or await hash_password(IdentitySettings(), PASSWORD)
        user_id = uuid7()
        await people.create_person(
            user_id,
            person.email,
            name=person.name,
            locale=person.locale,
            password_hash=hashed,
            email_verified_at=now,
            now=now,
        )
        if not person.roles:
            await people.set_platform_admin(user_id, is_one=True)
        for slug, role in person.roles:
            if slug in ids:
                with organization_scope(ids[slug]):
                    await Membership.create(user_id=user_id, role=role)

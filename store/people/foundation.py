"""A new organization with all that it needs, in one transaction: key, first owner, skills."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from store.crypto import WrappedKey, keyring, new_data_key
from store.db import Tx, transaction
from store.ids import uuid7
from store.jsonb import to_jsonb
from store.tenancy import unscoped

__all__ = ["Founder", "NewOrganization", "Taken", "create_person", "found", "put_new_person", "slug_of"]


@dataclass(frozen=True, slots=True)
class NewOrganization:
    name: str
    country: str
    locale: str
    timezone: str
    skills: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Founder:
    """Of somebody new; of somebody known only `user_id` counts."""

    user_id: UUID
    email: str = ""
    name: str = ""
    locale: str = "en"
    password_hash: str = ""
    email_verified_at: datetime | None = None
    external: tuple[str, str, str] | None = None  # provider, issuer, subject


async def found(new: NewOrganization, founder: Founder, *, is_new: bool, now: datetime) -> UUID | None:
    """The organization's id; None: somebody has the founder's e-mail address, and nothing is written."""
    organization_id, data_key = uuid7(), new_data_key()
    wrapped = keyring().master.wrap(organization_id, data_key)
    with unscoped("somebody registers an organization"):
        try:
            async with transaction() as tx:
                if is_new:
                    await put_new_person(tx, founder, now)
                await _put_organization(tx, organization_id, new, wrapped, now)
                await _put_owner(tx, organization_id, founder.user_id, now)
                await _put_skills(tx, organization_id, new.skills)
                await _put_audit(tx, organization_id, founder.user_id, new)
        except Taken:
            return None
    keyring().put(organization_id, [WrappedKey(1, wrapped)])
    return organization_id


async def create_person(person: Founder, *, now: datetime) -> bool:
    """Somebody who belongs nowhere yet. False: somebody has this address, and nothing is written."""
    with unscoped("somebody registers"):
        try:
            async with transaction() as tx:
                await put_new_person(tx, person, now)
        except Taken:
            return False
    return True


class Taken(Exception):
    """Somebody has this e-mail address."""


async def put_new_person(tx: Tx, founder: Founder, now: datetime) -> None:
    """
    Raises:
        Taken
    """
    made = await tx.fetchval(
        "INSERT INTO users (id, email, name, locale, email_verified_at, created_at) VALUES ($1, $2, $3, $4, $5, $6)"
        " ON CONFLICT (email) DO NOTHING RETURNING id",
        founder.user_id,
        founder.email,
        founder.name,
        founder.locale,
        founder.email_verified_at,
        now,
    )
    if made is None:
        raise Taken
    await tx.execute(
        "INSERT INTO user_credentials (user_id, password_hash, password_changed_at, totp_step, platform_admin) VALUES ($1, $2, $3, 0, false)",
        founder.user_id,
        founder.password_hash,
        now,
    )
    if founder.external is not None:
        await tx.execute(
            "INSERT INTO user_external_identities (id, user_id, provider, issuer, subject, email, created_at, last_used_at)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $7)",
            uuid7(),
            founder.user_id,
            *founder.external,
            founder.email,
            now,
        )


async def _put_organization(tx: Tx, organization_id: UUID, new: NewOrganization, wrapped: bytes, now: datetime) -> None:
    base = slug_of(new.name)
    for slug in (base, *(f"{base}-{n}" for n in range(2, 6)), f"{base}-{organization_id.hex[-8:]}"):
        made = await tx.fetchval(
            "INSERT INTO organizations (id, name, slug, country, locale, timezone, settings, created_at)"
            " VALUES ($1, $2, $3, $4, $5, $6, '{}', $7) ON CONFLICT (slug) DO NOTHING RETURNING id",
            organization_id,
            new.name,
            slug,
            new.country,
            new.locale,
            new.timezone,
            now,
        )
        if made is not None:
            break
    await tx.execute(
        "INSERT INTO organization_keys (id, organization_id, version, wrapped, created_at) VALUES ($1, $2, 1, $3, $4)",
        uuid7(),
        organization_id,
        wrapped,
        now,
    )


async def _put_owner(tx: Tx, organization_id: UUID, user_id: UUID, now: datetime) -> None:
    await tx.execute(
        "INSERT INTO memberships (id, organization_id, user_id, role, created_at) VALUES ($1, $2, $3, 'owner', $4)",
        uuid7(),
        organization_id,
        user_id,
        now,
    )


async def _put_skills(tx: Tx, organization_id: UUID, skills: Sequence[str]) -> None:
    await tx.executemany(
        "INSERT INTO skill_installs (id, organization_id, skill, enabled, settings, position) VALUES ($1, $2, $3, true, '{}', $4)",
        [(uuid7(), organization_id, skill, position) for position, skill in enumerate(skills)],
    )


async def _put_audit(tx: Tx, organization_id: UUID, user_id: UUID, new: NewOrganization) -> None:
    await tx.execute(
        "INSERT INTO audit_entries (id, organization_id, at, actor, action, subject, after)"
        " VALUES ($1, $2, clock_timestamp(), $3, 'organization.registered', $4, $5::jsonb)",
        uuid7(),
        organization_id,
        f"user:{user_id}",
        f"organization:{organization_id}",
        to_jsonb({"name": new.name, "skills": list(new.skills)}),
    )


def slug_of(name: str) -> str:
    """`Café Müller & Sons` as `cafe-muller-sons`."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60] or "organization"

"""What processes remember of organizations and accounts for a while: who is who, which skills are on, which token sends."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar
from uuid import UUID

from bot.errors import Permanent
from bot.identity.roles import Role, permissions_of
from bot.ports import DeliveryAccount
from bot.reach import Reach, read_reach
from bot.skill import OrganizationInfo
from store.crypto import keyring
from store.db import fetch, fetchrow
from store.directory import tokens_aad
from store.jsonb import from_jsonb
from store.tenancy import organization_scope

__all__ = ["Directory", "OrganizationProfile", "PublishedVersion"]

K = TypeVar("K")
V = TypeVar("V")
FRESH_S = (
    10.0  # a skill switched off, a token replaced, a number paused: seen everywhere within this time, without a restart
)
READING_S = 1.0


_SKILLS = """
SELECT i.skill, v.id, v.number, v.dialogue_hash, v.content_hash FROM skill_installs i LEFT JOIN LATERAL (
    SELECT v.id, v.number, v.dialogue_hash, v.content_hash FROM skill_versions v
    WHERE v.organization_id = i.organization_id AND v.skill = i.skill ORDER BY v.number DESC LIMIT 1) v ON true
WHERE i.organization_id = $1 AND i.enabled ORDER BY i.position, i.skill
"""


_ORGANIZATION = """
SELECT name, country, locale, timezone, settings, EXISTS (
    SELECT 1 FROM memberships m LEFT JOIN roles r ON r.organization_id = $1 AND r.id = m.role_id
    WHERE m.organization_id = $1 AND m.events IS NULL AND m.exhibitors IS NULL AND (m.role = ANY($2::text[]) OR r.permissions ? $3)) AS has_people
FROM organizations WHERE id = $1
"""
ANSWERS = "inbox.reply"


@dataclass(frozen=True, slots=True)
class PublishedVersion:
    """The version of a skill that counts for an organization."""

    id: UUID
    number: int
    dialogue_hash: str  # empty: flows and texts are as shipped
    content_hash: str = ""

    @property
    def has_knowledge(self) -> bool:
        """Whether it holds anything but flows and texts."""
        return self.content_hash != self.dialogue_hash


@dataclass(frozen=True, slots=True)
class OrganizationProfile:
    info: OrganizationInfo
    skills: tuple[str, ...]  # enabled, in their order
    reach: Reach
    has_people: bool = False  # somebody may answer in its inbox
    versions: Mapping[str, PublishedVersion] = field(default_factory=dict)  # of skills that it words its own way


class _Remembered(Generic[K, V]):
    def __init__(self) -> None:
        self._found: dict[K, tuple[float, V]] = {}

    def get(self, key: K) -> V | None:
        """None: read it. Of many who ask for what has just grown old one is told to, and the others go on with the old for as long."""
        held = self._found.get(key)
        if held is None:
            return None
        now = time.monotonic()
        if held[0] > now:
            return held[1]
        self._found[key] = (now + READING_S, held[1])
        return None

    def put(self, key: K, value: V) -> V:
        self._found[key] = (time.monotonic() + FRESH_S, value)
        return value

    def forget(self) -> None:
        self._found.clear()


class Directory:
    """Read through, per process."""

    def __init__(self) -> None:
        self._organizations: _Remembered[UUID, OrganizationProfile] = _Remembered()
        self._accounts: _Remembered[tuple[UUID, UUID], DeliveryAccount] = _Remembered()

    def forget(self) -> None:
        self._organizations.forget()
        self._accounts.forget()

    async def organization(self, organization_id: UUID) -> OrganizationProfile:
        """
        Raises:
            Permanent: there is no such organization.
        """
        held = self._organizations.get(organization_id)
        if held is not None:
            return held
        with organization_scope(organization_id):
            row = await fetchrow(
                _ORGANIZATION,
                organization_id,
                [role.value for role in Role if ANSWERS in permissions_of(role)],
                ANSWERS,
            )
            skills = await fetch(
                _SKILLS,
                organization_id,
            )
        if row is None:
            raise Permanent(f"there is no organization {organization_id}")
        info = OrganizationInfo(organization_id, row["name"], row["country"], row["locale"], row["timezone"])
        return self._organizations.put(
            organization_id,
            OrganizationProfile(
                info,
                tuple(each["skill"] for each in skills),
                read_reach(from_jsonb(row["settings"] or "{}")),
                row["has_people"],
                {
                    each["skill"]: PublishedVersion(
                        each["id"], each["number"], each["dialogue_hash"], each["content_hash"]
                    )
                    for each in skills
                    if each["id"] is not None
                },
            ),
        )

    async def account(self, organization_id: UUID, account_id: UUID) -> DeliveryAccount:
        """
        Raises:
            Permanent: the organization has no such account.
        """
        held = self._accounts.get((organization_id, account_id))
        if held is not None:
            return held
        keys = await keyring().keys(organization_id)
        with organization_scope(organization_id):
            row = await fetchrow(
                "SELECT kind, external_id, sealed_token, state, state_reason, number_per_s, portfolio FROM channel_accounts"
                " WHERE organization_id = $1 AND id = $2",
                organization_id,
                account_id,
            )
        if row is None:
            raise Permanent(f"organization {organization_id} has no account {account_id}")
        token = keys.open(row["sealed_token"], tokens_aad(organization_id)).decode()
        return self._accounts.put(
            (organization_id, account_id),
            DeliveryAccount(
                account_id,
                organization_id,
                row["kind"],
                row["external_id"],
                token,
                row["state"],
                row["number_per_s"],
                row["portfolio"],
                row["state_reason"],
                hashlib.sha256(row["sealed_token"]).hexdigest(),
            ),
        )

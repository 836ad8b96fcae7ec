"""Keys for programs: `cn_<prefix>_<secret>`. The prefix is shown in lists, of the secret only a hash is kept.

A key may what stands in its scopes *and* what the person who made it may at that moment: it never outgrows her, and ends with her
membership. An internal key is for services of one's own and works only from the addresses on its list.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from bot.identity.errors import NotPossible, OrganizationSuspended, Unauthenticated
from bot.identity.memory import forget_organization, remembered
from bot.identity.principal import Principal
from bot.identity.rights import permissions_of_seat
from bot.unit import open_unit
from store import people
from store.ids import uuid7
from store.jsonb import from_jsonb, to_jsonb
from store.people import KeyStanding

if TYPE_CHECKING:
    from bot.runtime import Runtime

__all__ = ["KeyRow", "NewKey", "create_key", "list_keys", "principal_of_key", "revoke_key"]

PREFIX_BYTES = 6
SECRET_BYTES = 32
LONGEST = timedelta(days=366)  # a key that nobody renews is a key that nobody knows of


@dataclass(frozen=True, slots=True)
class NewKey:
    """`secret` is the whole key; it is not kept and cannot be shown again."""

    id: UUID
    prefix: str
    secret: str


@dataclass(frozen=True, slots=True)
class KeyRow:
    id: UUID
    kind: str
    name: str
    prefix: str
    scopes: tuple[str, ...]
    allowed_ips: tuple[str, ...]
    rate_per_min: int
    created_by: UUID | None
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    last_used_ip: str
    revoked_at: datetime | None


async def create_key(
    runtime: Runtime,
    principal: Principal,
    *,
    name: str,
    scopes: Sequence[str],
    expires_at: datetime | None = None,
    rate_per_min: int = 600,
    internal: bool = False,
    allowed_ips: Sequence[str] = (),
) -> NewKey:
    """Needs `api_keys.manage`; for an internal one `security.manage` too. Without `expires_at` it ends after a year.

    Raises:
        NotAllowed: a scope that the principal has not herself.
        NotPossible: `field` says what is wrong.
    """
    if principal.impersonated_by is not None:
        raise NotPossible("impersonated", "with borrowed eyes no keys are made; stop impersonating first")
    principal.require("api_keys.manage")
    if internal:
        principal.require("security.manage")
    if principal.organization_id is None or principal.kind != "user":
        raise NotPossible("not_a_person", "keys are made by people of an organization, not by other keys")
    now = runtime.clock.now()
    until = expires_at or now + LONGEST
    networks = _checked(name, scopes, allowed_ips, rate_per_min, until, now, internal=internal)
    for scope in scopes:
        principal.require(scope)
    prefix, secret = secrets.token_hex(PREFIX_BYTES), secrets.token_urlsafe(SECRET_BYTES)
    key_id = uuid7()
    async with open_unit(runtime, principal.organization_id, actor=principal.actor) as work:
        await work.tx.execute(
            "INSERT INTO api_keys (id, organization_id, kind, name, prefix, secret_hash, scopes, allowed_ips, rate_per_min, created_by,"
            " created_at, expires_at, last_used_ip) VALUES ($1, $2, $3, $4, $5, $6, $7::jsonb, $8::jsonb, $9, $10, $11, $12, '')",
            key_id,
            principal.organization_id,
            "internal" if internal else "api",
            name.strip(),
            prefix,
            _hashed(secret),
            to_jsonb(sorted(set(scopes))),
            to_jsonb(networks),
            rate_per_min,
            principal.id,
            now,
            until,
        )
        work.audit(
            "api_key.created",
            subject=f"api_key:{key_id}",
            after={"name": name, "scopes": sorted(set(scopes)), "internal": internal, "expires_at": until.isoformat()},
        )
    return NewKey(key_id, prefix, f"cn_{prefix}_{secret}")


def _checked(
    name: str,
    scopes: Sequence[str],
    allowed_ips: Sequence[str],
    rate_per_min: int,
    until: datetime,
    now: datetime,
    *,
    internal: bool,
) -> list[str]:
    if not name.strip() or len(name) > 120:
        raise NotPossible("name", "give the key a name of 1 to 120 characters that says what it is for", field="name")
    if not scopes:
        raise NotPossible("scopes", "choose at least one scope", field="scopes")
    if not 1 <= rate_per_min <= 60_000:
        raise NotPossible("rate", "the rate is 1 to 60,000 requests a minute", field="rate_per_min")
    if not now < until <= now + LONGEST:
        raise NotPossible("expiry", "the key must end within a year from now; renew it then", field="expires_at")
    if internal and not allowed_ips:
        raise NotPossible("addresses", "an internal key needs the addresses that it is used from", field="allowed_ips")
    try:
        return [str(ipaddress.ip_network(each.strip(), strict=False)) for each in allowed_ips]
    except ValueError as e:
        raise NotPossible("addresses", f"{e}; write addresses like 10.0.0.7 or 10.0.0.0/24", field="allowed_ips") from e


async def list_keys(runtime: Runtime, principal: Principal) -> list[KeyRow]:
    """Newest first, revoked ones too."""
    principal.require("api_keys.manage")
    assert principal.organization_id is not None
    async with open_unit(runtime, principal.organization_id, actor=principal.actor) as work:
        rows = await work.tx.fetch(
            "SELECT id, kind, name, prefix, scopes, allowed_ips, rate_per_min, created_by, created_at, expires_at, last_used_at,"
            " last_used_ip, revoked_at FROM api_keys WHERE organization_id = $1 ORDER BY created_at DESC, id DESC",
            principal.organization_id,
        )
    return [
        KeyRow(
            **{**row, "scopes": tuple(from_jsonb(row["scopes"])), "allowed_ips": tuple(from_jsonb(row["allowed_ips"]))}
        )
        for row in rows
    ]


async def revoke_key(runtime: Runtime, principal: Principal, key_id: UUID) -> bool:
    """False: it was revoked before, or is none of the organization's."""
    principal.require("api_keys.manage")
    assert principal.organization_id is not None
    async with open_unit(runtime, principal.organization_id, actor=principal.actor) as work:
        name = await work.tx.fetchval(
            "UPDATE api_keys SET revoked_at = $3 WHERE organization_id = $1 AND id = $2 AND revoked_at IS NULL RETURNING name",
            principal.organization_id,
            key_id,
            work.now,
        )
        if name is not None:
            work.audit("api_key.revoked", subject=f"api_key:{key_id}", before={"name": name})
    forget_organization(principal.organization_id)
    return name is not None


async def principal_of_key(runtime: Runtime, key: str, *, ip: str) -> Principal:
    """
    Raises:
        Unauthenticated: unknown, revoked, expired, or not from this address.
        OrganizationSuspended
    """
    memo = ("key", hashlib.sha256(key.encode()).digest(), ip)
    held = remembered.get(memo)
    if held is not None:
        return held
    _, _, rest = key.partition("_")
    prefix, _, secret = rest.partition("_")
    found = await people.key_standing(prefix)
    matches = hmac.compare_digest(found.secret_hash if found else "0" * 64, _hashed(secret))
    if found is None or not matches:
        raise Unauthenticated("this API key is not known; copy it whole, or make a new one")
    _admit(found, ip, runtime.clock.now())
    permissions = frozenset(found.scopes)
    principal = Principal(
        "api_key", found.id, found.organization_id, permissions, found.name, rate_per_min=found.rate_per_min
    )
    if found.kind == "internal":
        principal = replace(principal, kind="internal")
    if found.created_by is not None:
        assert found.seat is not None  # _admit has looked
        now_held = await permissions_of_seat(runtime, found.organization_id, found.seat)
        principal = replace(principal, permissions=permissions & now_held)
        principal = principal.limited(events=found.seat.events, exhibitors=found.seat.exhibitors)
    runtime.beside(people.touch_key(found.id, ip, runtime.clock.now()))
    return remembered.put(memo, principal)


def _admit(found: KeyStanding, ip: str, now: datetime) -> None:
    if found.revoked_at is not None:
        raise Unauthenticated("this API key was revoked; make a new one")
    if found.expires_at is not None and found.expires_at <= now:
        raise Unauthenticated("this API key has expired; make a new one")
    if found.suspended:
        raise OrganizationSuspended(found.suspended_reason, found.suspended_until)
    if found.created_by is not None and found.seat is None:
        raise Unauthenticated("who made this API key is no member any more, so it ended; make a new one")
    if found.allowed_ips and not _is_within(ip, found.allowed_ips):
        raise Unauthenticated(f"this API key may not be used from {ip}; add the address to its list")


def _is_within(ip: str, networks: Sequence[str]) -> bool:
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None) or address
    return any(mapped in ipaddress.ip_network(each) for each in networks)


def _hashed(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()

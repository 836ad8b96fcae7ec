"""The few look-ups that are made before an organization is known: whose number is this, whose secret signed that.

They run as the system role and give out no more than what is needed to bind the organization.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import orjson

from store.crypto import Cipher, Unreadable, WrappedKey
from store.db import execute, fetch, fetchrow
from store.tenancy import unscoped

__all__ = [
    "App",
    "Route",
    "last_delivery",
    "load_keys",
    "meta_app",
    "meta_apps",
    "organization_named",
    "organizations",
    "route",
    "seal_app",
    "set_delivery_outcome",
    "tokens_aad",
    "unparsed_delivery",
]

APP_AAD = b"platform:meta_apps:sealed"


@dataclass(frozen=True, slots=True)
class Route:
    """Where an account's deliveries belong."""

    organization_id: UUID
    account_id: UUID
    meta_app_id: UUID | None
    external_id: str
    waba_id: str
    portfolio: str
    country: str


@dataclass(frozen=True, slots=True)
class App:
    """A Meta app with its secrets in clear: several while one is being rotated."""

    meta_app_id: UUID
    app_id: str
    secrets: tuple[bytes, ...]
    verify_token: str


async def route(kind: str, *, external_id: str = "", waba_id: str = "") -> Route | None:
    """By phone number id, or by WhatsApp business account id for what concerns no single number; None: nobody's."""
    with unscoped("whose number is this"):
        row = await fetchrow(
            "SELECT a.organization_id, a.id, a.meta_app_id, a.external_id, a.waba_id, a.portfolio, o.country"
            " FROM channel_accounts a JOIN organizations o ON o.id = a.organization_id"
            " WHERE a.kind = $1 AND ($2 <> '' AND a.external_id = $2 OR $2 = '' AND $3 <> '' AND a.waba_id = $3)"
            " ORDER BY a.id LIMIT 1",
            kind,
            external_id,
            waba_id,
        )
    return Route(*row) if row else None


async def meta_apps(master: Cipher) -> list[App]:
    with unscoped("whose secret signed this"):
        rows = await fetch("SELECT id, app_id, sealed FROM meta_apps ORDER BY id")
    return [_opened(row, master) for row in rows]


async def meta_app(master: Cipher, meta_app_id: UUID) -> App | None:
    with unscoped("the secrets of a number's Meta app"):
        row = await fetchrow("SELECT id, app_id, sealed FROM meta_apps WHERE id = $1", meta_app_id)
    return _opened(row, master) if row else None


async def last_delivery(meta_app_id: UUID) -> datetime | None:
    """When a delivery with the right signature came from this Meta app last; None: none that is still kept."""
    with unscoped("when a Meta app was heard last"):
        row = await fetchrow(
            "SELECT received_at FROM webhook_deliveries WHERE meta_app_id = $1 ORDER BY received_at DESC LIMIT 1",
            meta_app_id,
        )
    return row["received_at"] if row else None


def _opened(row: Sequence[object], master: Cipher) -> App:
    meta_app_id, app_id, sealed = row
    assert isinstance(meta_app_id, UUID)
    assert isinstance(sealed, bytes)
    try:
        found = orjson.loads(master.open(sealed, APP_AAD))
    except Unreadable as e:
        raise Unreadable(f"the secrets of Meta app {app_id}: sealed under another master key") from e
    return App(meta_app_id, str(app_id), tuple(s.encode() for s in found["secrets"]), found["verify_token"])


def seal_app(master: Cipher, *, secrets: Sequence[str], verify_token: str) -> bytes:
    return master.seal(orjson.dumps({"secrets": list(secrets), "verify_token": verify_token}), APP_AAD)


async def load_keys(organization_id: UUID) -> list[WrappedKey]:
    """For `store.crypto.KeyRing`."""
    with unscoped("an organization's keys"):
        rows = await fetch(
            "SELECT version, wrapped FROM organization_keys WHERE organization_id = $1 ORDER BY version",
            organization_id,
        )
    return [WrappedKey(row["version"], row["wrapped"]) for row in rows]


async def organization_named(slug: str) -> UUID | None:
    with unscoped("an organization by its short name"):
        row = await fetchrow("SELECT id FROM organizations WHERE slug = $1", slug)
    return row["id"] if row else None


async def organizations() -> list[UUID]:
    """All that are not suspended."""
    with unscoped("every organization"):
        return [row["id"] for row in await fetch("SELECT id FROM organizations WHERE suspended_at IS NULL ORDER BY id")]


def tokens_aad(organization_id: UUID) -> bytes:
    return f"{organization_id}:channel_accounts:sealed_token".encode()


async def unparsed_delivery(delivery_id: UUID) -> tuple[UUID, bytes] | None:
    """(Meta app, sealed body) of a delivery that waits to be read again. The sweep has counted the attempt."""
    with unscoped("reading a kept delivery again"):
        row = await fetchrow(
            "SELECT meta_app_id, sealed_body FROM webhook_deliveries"
            " WHERE id = $1 AND outcome IN ('unparsed', 'unrouted') AND meta_app_id IS NOT NULL",
            delivery_id,
        )
    return (row["meta_app_id"], row["sealed_body"]) if row else None


async def set_delivery_outcome(delivery_id: UUID, outcome: str, detail: str) -> None:
    with unscoped("reading a kept delivery again"):
        await execute(
            "UPDATE webhook_deliveries SET outcome = $2, detail = left($3, 300) WHERE id = $1",
            delivery_id,
            outcome,
            detail,
        )

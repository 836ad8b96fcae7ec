"""Writes the crowd into an organization of the demo, and takes it away again.

A few thousand messages a transaction, so one that is interrupted goes on where it was. `<data>/crowd.json` remembers what is being written, and
from when its dates count back. No message of it waits for anything: no worker, clock or phone ever hears of them.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from bot.config import Configuration
from bot.demo.crowd.cast import COLUMNS, LABELS, MOST, Cast, Rows, phone_of
from bot.errors import Permanent
from bot.runtime import open_store
from store import db
from store.bulk import copy_over, copy_rows, refresh_statistics
from store.crypto import OrganizationKeys, install_keyring, keyring
from store.db import Tx, fetch, transaction
from store.directory import organization_named
from store.ids import uuid7
from store.tenancy import organization_scope

__all__ = ["Wanted", "put_crowd", "remove_crowd", "run"]

BATCH = 6_000  # messages a transaction: a second or two, far below the statement's time limit
REMOVED_AT_ONCE = 100  # people, with all that they said
TABLES = (*COLUMNS, "conversations")
_DESK = ("id", "assignee_id", "labels", "unread", "waiting_at", "taken_over_at", "taken_over_by", "closed_at")

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Wanted:
    conversations: int
    messages: int
    seed: int = 1


async def run(slug: str, wanted: Wanted | None, *, owner_dsn: str | None, tell: Tell) -> None:
    """With a store of its own; None takes the crowd away."""
    configuration = Configuration.read()
    await open_store(configuration, "demo")
    try:
        if wanted is None:
            await remove_crowd(slug, data=configuration.data, owner_dsn=owner_dsn, tell=tell)
        else:
            await put_crowd(slug, wanted, data=configuration.data, owner_dsn=owner_dsn, tell=tell)
    finally:
        install_keyring(None)
        await db.close()


async def put_crowd(slug: str, wanted: Wanted, *, data: Path, owner_dsn: str | None, tell: Tell) -> None:
    """
    Raises:
        Permanent: there is another crowd, or there cannot be such a one.
    """
    organization_id = await _organization(slug)
    keys = await keyring().keys(organization_id)
    with organization_scope(organization_id):
        cast = await _cast(organization_id, slug, wanted, keys, data)
        lengths = cast.lengths()
        there = await _there(organization_id, keys, cast.conversations)
        left = [(number, length) for number, length in enumerate(lengths) if number not in there]
        if not left:
            tell(
                f"{slug} has this crowd already: {cast.conversations:,} conversations, {cast.messages:,} messages; --remove takes it away"
            )
            return
        done = cast.messages - sum(length for _, length in left)
        if done:
            tell(f"going on behind {done:,} messages")
        await _put_labels(organization_id)
        await _write(cast, left, keys, done, tell)
    if owner_dsn:
        await refresh_statistics(owner_dsn, TABLES)
    tell(
        f"{cast.conversations:,} conversations with {cast.messages:,} messages are in {slug}; --remove takes them away again"
    )


async def remove_crowd(slug: str, *, data: Path, owner_dsn: str | None, tell: Tell) -> None:
    """Its people, and with them what they said. Everything else of the organization stays."""
    organization_id = await _organization(slug)
    keys = await keyring().keys(organization_id)
    with organization_scope(organization_id):
        there = sorted((await _there(organization_id, keys, MOST)).values())
        for first in range(0, len(there), REMOVED_AT_ONCE):
            async with transaction() as tx:
                await tx.execute(
                    "DELETE FROM contacts WHERE organization_id = $1 AND id = ANY($2::uuid[])",
                    organization_id,
                    there[first : first + REMOVED_AT_ONCE],
                )
            if first // REMOVED_AT_ONCE % 10 == 9:
                tell(f"{first + REMOVED_AT_ONCE:,} of {len(there):,} people are gone")
    _remember(data, slug, None)
    if owner_dsn:
        await refresh_statistics(owner_dsn, TABLES)
    tell(
        f"{len(there):,} people and their conversations are gone from {slug}"
        if there
        else f"there is no crowd in {slug}"
    )


async def _organization(slug: str) -> UUID:
    found = await organization_named(slug)
    if found is None:
        raise Permanent(f"there is no organization {slug}; `chatnation demo info` lists those of the demo")
    return found


async def _cast(organization_id: UUID, slug: str, wanted: Wanted, keys: OrganizationKeys, data: Path) -> Cast:
    asked = {"seed": wanted.seed, "conversations": wanted.conversations, "messages": wanted.messages}
    known = _remembered(data).get(slug)
    if known is not None and {name: known.get(name) for name in asked} != asked:
        raise Permanent(
            f"{slug} has a crowd of {known['conversations']:,} conversations and {known['messages']:,} messages (seed {known['seed']}) already:"
            " ask for the same to go on with it, or take it away with --remove"
        )
    if known is None and await _there(organization_id, keys, MOST):
        raise Permanent(f"{slug} has a crowd that was made from another data folder: take it away with --remove")
    until = datetime.fromisoformat(known["until"]) if known else datetime.now(UTC)
    account = await fetch(
        "SELECT id FROM channel_accounts WHERE organization_id = $1 ORDER BY id LIMIT 1", organization_id
    )
    if not account:
        raise Permanent(f"{slug} has no number to write to")
    staff = await fetch(
        "SELECT user_id FROM memberships WHERE organization_id = $1 AND role IN ('owner', 'admin', 'event_manager', 'content_manager') ORDER BY user_id",
        organization_id,
    )
    cast = Cast(organization_id, account[0]["id"], until=until, staff=tuple(row["user_id"] for row in staff), **asked)
    cast.lengths()  # refuses what cannot be, before anything is remembered
    _remember(data, slug, {**asked, "until": until.isoformat()})
    return cast


async def _there(organization_id: UUID, keys: OrganizationKeys, count: int) -> dict[int, UUID]:
    """Who of the first `count` is there: number and contact."""
    numbers = {keys.blind_index(phone_of(number)): number for number in range(count)}
    found = await fetch(
        "SELECT value_index, contact_id FROM contact_identities WHERE organization_id = $1 AND kind = 'phone' AND valid_to IS NULL"
        " AND value_index = ANY($2::bytea[])",
        organization_id,
        list(numbers),
    )
    return {numbers[row["value_index"]]: row["contact_id"] for row in found}


async def _put_labels(organization_id: UUID) -> None:
    async with transaction() as tx:
        for key, name, colour in LABELS:
            await tx.execute(
                "INSERT INTO contact_labels (id, organization_id, key, name, colour, created_at) VALUES ($1, $2, $3, $4, $5, now())"
                " ON CONFLICT (organization_id, key) DO NOTHING",
                uuid7(),
                organization_id,
                key,
                name,
                colour,
            )


async def _write(cast: Cast, left: Sequence[tuple[int, int]], keys: OrganizationKeys, done: int, tell: Tell) -> None:
    """While one batch is on its way, the next is made beside it."""
    began, told, before = time.monotonic(), time.monotonic(), done
    batches = _batches(left)
    made: asyncio.Future[Rows] | None = _made(cast, next(batches), keys)
    while made is not None:
        rows = await made
        following = next(batches, None)
        made = _made(cast, following, keys) if following else None
        async with transaction() as tx:
            await _put(tx, rows)
        done += len(rows.tables["messages"])
        if time.monotonic() - told > 5:
            told = time.monotonic()
            rest_s = (cast.messages - done) * (told - began) / (done - before)
            tell(f"{done:,} of {cast.messages:,} messages ({done / cast.messages:.0%}), about {rest_s:.0f} s left")


def _made(cast: Cast, batch: Sequence[tuple[int, int]], keys: OrganizationKeys) -> asyncio.Future[Rows]:
    return asyncio.get_running_loop().run_in_executor(None, cast.rows, batch, keys)


def _batches(left: Sequence[tuple[int, int]]) -> Iterator[list[tuple[int, int]]]:
    batch: list[tuple[int, int]] = []
    size = 0
    for number, length in left:
        batch.append((number, length))
        size += length
        if size >= BATCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


async def _put(tx: Tx, rows: Rows) -> None:
    for table, columns in COLUMNS.items():
        if table == "conversation_notes":  # their conversations are there, by the trigger on messages
            await copy_over(tx, "conversations", _DESK, rows.desk)
        await copy_rows(tx, table, columns, rows.tables[table])


def _remembered(data: Path) -> dict[str, dict[str, Any]]:
    try:
        found: dict[str, dict[str, Any]] = json.loads((data / "crowd.json").read_text())
    except FileNotFoundError:
        return {}
    return found


def _remember(data: Path, slug: str, what: dict[str, Any] | None) -> None:
    known = _remembered(data)
    if what is None:
        known.pop(slug, None)
    else:
        known[slug] = what
    (data / "crowd.json").write_text(json.dumps(known, indent=2))

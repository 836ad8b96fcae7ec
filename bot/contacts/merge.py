"""Two contacts that may be one person: shown side by side, merged or left apart by somebody's decision, and parted again if that was wrong.

Nothing is thrown away: who is merged stays a row that points at the other (`merged_into`); identities and what skills hold move over, messages and
consents stay where they are and are read together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from bot.contacts.change import put_content, read_content
from bot.contacts.errors import NoSuchContact, NotPossible
from bot.contacts.listing import Whole, get
from bot.contacts.references import references
from bot.identity import Principal
from bot.unit import Unit
from store.db import fetch, fetchval
from store.ids import uuid7
from store.jsonb import from_jsonb, to_jsonb
from store.tenancy import current_organization

__all__ = ["Proposal", "dismiss", "merge", "open_proposals", "proposals", "propose", "take_back"]

# Rows whose keys of several columns name the person along with a conversation: they stay, and the timeline reads both.
STAY = frozenset({"sessions"})

_OPEN = (
    " FROM contact_merge_proposals p JOIN contacts a ON a.organization_id = p.organization_id AND a.id = p.contact_id"
    " JOIN contacts b ON b.organization_id = p.organization_id AND b.id = p.other_contact_id"
    " WHERE p.organization_id = $1 AND p.decided_at IS NULL AND a.merged_into IS NULL AND b.merged_into IS NULL"
)


@dataclass(frozen=True, slots=True)
class Proposal:
    """`decision`: merged | dismissed, "" while it is open."""

    id: UUID
    reason: str
    created_at: datetime
    decision: str
    decided_at: datetime | None
    one: Whole
    other: Whole

    @property
    def suggested(self) -> UUID:
        """Whom to keep: who wrote last, else who is here longer."""
        first, second = self.one.row, self.other.row
        if first.seen_at and (not second.seen_at or first.seen_at >= second.seen_at):
            return first.id
        return second.id if second.seen_at or second.created_at < first.created_at else first.id


async def open_proposals() -> int:
    found: int = await fetchval(f"SELECT count(*){_OPEN}", current_organization())
    return found


async def proposals(principal: Principal, *, decided: bool = False, limit: int = 50) -> list[Proposal]:
    """Open ones, or those that were decided lately, newest first.

    Raises:
        NotAllowed: without `contacts.view`.
    """
    principal.require("contacts.view")
    rows = await fetch(
        "SELECT p.id, p.contact_id, p.other_contact_id, p.reason, p.created_at, p.decision, p.decided_at"  # noqa: S608
        + (
            " FROM contact_merge_proposals p WHERE p.organization_id = $1 AND p.decided_at IS NOT NULL ORDER BY p.decided_at DESC LIMIT $2"
            if decided
            else f"{_OPEN} ORDER BY p.created_at DESC LIMIT $2"
        ),
        current_organization(),
        limit,
    )
    return [
        Proposal(
            row["id"],
            row["reason"],
            row["created_at"],
            row["decision"],
            row["decided_at"],
            await get(principal, row["contact_id"]),
            await get(principal, row["other_contact_id"]),
        )
        for row in rows
    ]


async def propose(work: Unit, contact_id: UUID, other_id: UUID, *, reason: str) -> UUID:
    """
    Raises:
        NotPossible: it is one contact, or one of them was merged already.
    """
    if contact_id == other_id:
        raise NotPossible("a contact cannot be merged with itself")
    for each in (contact_id, other_id):
        merged: Any = await work.tx.fetchrow(
            "SELECT merged_into FROM contacts WHERE organization_id = $1 AND id = $2", work.organization_id, each
        )
        if merged is None:
            raise NoSuchContact
        if merged["merged_into"] is not None:
            raise NotPossible("one of the two was merged already")
    found: UUID = await work.tx.fetchval(
        "INSERT INTO contact_merge_proposals (id, organization_id, contact_id, other_contact_id, reason, created_at, decision, decided_by)"
        " VALUES ($1, $2, $3, $4, $5, clock_timestamp(), '', '') ON CONFLICT (organization_id, contact_id, other_contact_id)"
        " DO UPDATE SET decided_at = NULL, decision = '', reason = EXCLUDED.reason RETURNING id",
        uuid7(),
        work.organization_id,
        contact_id,
        other_id,
        reason[:120],
    )
    return found


async def dismiss(work: Unit, principal: Principal, proposal_id: UUID) -> None:
    """They are two people. `take_back` opens it again."""
    principal.require("contacts.edit")
    row = await _held(work, proposal_id)
    await _decide(work, proposal_id, "dismissed", None)
    work.audit(
        "contact.merge_dismissed", subject=f"contact:{row['contact_id']}", after={"other": str(row["other_contact_id"])}
    )


async def merge(work: Unit, principal: Principal, proposal_id: UUID, *, keep: UUID) -> None:
    """One person from now on, under `keep`: its values count, empty ones are filled from the other, labels add up. Who said STOP stays out.

    Raises:
        NotAllowed: without `contacts.edit`.
        NotPossible: it was decided already, or one of the two was merged meanwhile.
    """
    principal.require("contacts.edit")
    row = await _held(work, proposal_id)
    pair = {row["contact_id"], row["other_contact_id"]}
    if keep not in pair:
        raise NotPossible("keep one of the two")
    (other,) = pair - {keep}
    standing = {
        each["id"]: each
        for each in await work.tx.fetch(
            "SELECT id, opted_in_at, opted_out_at, merged_into FROM contacts WHERE organization_id = $1 AND id = ANY($2) ORDER BY id FOR UPDATE",
            work.organization_id,
            list(pair),
        )
    }
    if len(standing) < 2 or any(each["merged_into"] is not None for each in standing.values()):
        raise NotPossible("one of the two was merged already; look at the list again")
    before, of_other = await read_content(work, keep), await read_content(work, other)
    after = _joined(before, of_other)
    await put_content(work, keep, after)
    opted = _opted(standing[keep], standing[other])
    await _put_opted(work, keep, *opted)
    identities = await work.tx.fetch(
        "UPDATE contact_identities SET contact_id = $3 WHERE organization_id = $1 AND contact_id = $2 AND valid_to IS NULL RETURNING id",
        work.organization_id,
        other,
        keep,
    )
    moved: dict[str, list[str]] = {}
    for table, column in await references(work):
        if table in STAY:
            continue
        rows = await work.tx.fetchval(
            "SELECT cn_repoint($1, $2, $3, $4, $5)", work.organization_id, table, column, other, keep
        )
        if rows:
            moved[f"{table}.{column}"] = [str(each) for each in rows]
    await work.tx.execute(
        "UPDATE contacts SET merged_into = $3 WHERE organization_id = $1 AND id = $2", work.organization_id, other, keep
    )
    undo = {
        "keep": str(keep),
        "other": str(other),
        "before": before,
        "after": after,
        "opted": [_text(standing[keep]["opted_in_at"]), _text(standing[keep]["opted_out_at"])],
        "opted_after": [_text(each) for each in opted],
        "identities": [str(each["id"]) for each in identities],
        "moved": moved,
    }
    await _decide(work, proposal_id, "merged", undo)
    work.audit("contact.merged", subject=f"contact:{keep}", before=before, after=after)


async def take_back(work: Unit, principal: Principal, proposal_id: UUID) -> bool:
    """Parts them again, or opens a dismissed proposal; False when what somebody edited since had to stay with the one that was kept.

    Raises:
        NotAllowed: without `contacts.edit`.
        NotPossible: nothing was decided, or who was kept is merged into a third by now.
    """
    principal.require("contacts.edit")
    row = await _held(work, proposal_id, decided=True)
    is_whole = True
    if row["decision"] == "merged":
        is_whole = await _part(work, from_jsonb(row["undo"]))
    await work.tx.execute(
        "UPDATE contact_merge_proposals SET decided_at = NULL, decision = '', undo = NULL WHERE organization_id = $1 AND id = $2",
        work.organization_id,
        proposal_id,
    )
    work.audit("contact.merge_taken_back", subject=f"contact:{row['contact_id']}", before={"decision": row["decision"]})
    return is_whole


async def _part(work: Unit, undo: Mapping[str, Any]) -> bool:
    keep, other = UUID(undo["keep"]), UUID(undo["other"])
    held = await work.tx.fetchrow(
        "SELECT opted_in_at, opted_out_at, merged_into FROM contacts WHERE organization_id = $1 AND id = $2 FOR UPDATE",
        work.organization_id,
        keep,
    )
    if held is None or held["merged_into"] is not None:
        raise NotPossible("the contact that was kept is merged into another by now; part those two first")
    await work.tx.execute(
        "UPDATE contacts SET merged_into = NULL WHERE organization_id = $1 AND id = $2 AND merged_into = $3",
        work.organization_id,
        other,
        keep,
    )
    await work.tx.execute(
        "UPDATE contact_identities SET contact_id = $3 WHERE organization_id = $1 AND contact_id = $2 AND id = ANY($4)",
        work.organization_id,
        keep,
        other,
        [UUID(each) for each in undo["identities"]],
    )
    known = {f"{table}.{column}": (table, column) for table, column in await references(work)}
    for name, ids in undo["moved"].items():
        if name in known:
            await work.tx.fetchval(
                "SELECT cn_repoint($1, $2, $3, $4, $5, $6)",
                work.organization_id,
                *known[name],
                keep,
                other,
                [UUID(each) for each in ids],
            )
    if [_text(held["opted_in_at"]), _text(held["opted_out_at"])] == undo["opted_after"]:
        await _put_opted(
            work, keep, *(None if each is None else datetime.fromisoformat(each) for each in undo["opted"])
        )
    if await read_content(work, keep) != undo["after"]:
        return False
    await put_content(work, keep, undo["before"])
    return True


def _joined(mine: Mapping[str, Any], theirs: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": mine["name"] or theirs["name"],
        "locale": mine["locale"] or theirs["locale"],
        "country": mine["country"] or theirs["country"],
        "labels": sorted({*mine["labels"], *theirs["labels"]}),
        "custom": dict(sorted({**theirs["custom"], **mine["custom"]}.items())),
    }


def _opted(mine: Any, theirs: Any) -> tuple[datetime | None, datetime | None]:
    outs = [each["opted_out_at"] for each in (mine, theirs) if each["opted_out_at"] is not None]
    ins = [each["opted_in_at"] for each in (mine, theirs) if each["opted_in_at"] is not None]
    return (None, max(outs)) if outs else (max(ins, default=None), None)


async def _put_opted(work: Unit, contact_id: UUID, opted_in: datetime | None, opted_out: datetime | None) -> None:
    await work.tx.execute(
        "UPDATE contacts SET opted_in_at = $3, opted_out_at = $4 WHERE organization_id = $1 AND id = $2",
        work.organization_id,
        contact_id,
        opted_in,
        opted_out,
    )


async def _held(work: Unit, proposal_id: UUID, *, decided: bool = False) -> Any:
    row = await work.tx.fetchrow(
        "SELECT contact_id, other_contact_id, decision, decided_at, undo FROM contact_merge_proposals"
        " WHERE organization_id = $1 AND id = $2 FOR UPDATE",
        work.organization_id,
        proposal_id,
    )
    if row is None:
        raise NotPossible("there is no such proposal any more")
    if decided != (row["decided_at"] is not None):
        raise NotPossible(
            "nothing was decided yet" if decided else "somebody decided this already; look at the list again"
        )
    return row


async def _decide(work: Unit, proposal_id: UUID, decision: str, undo: Mapping[str, Any] | None) -> None:
    await work.tx.execute(
        "UPDATE contact_merge_proposals SET decided_at = clock_timestamp(), decision = $3, decided_by = $4, undo = $5::jsonb"
        " WHERE organization_id = $1 AND id = $2",
        work.organization_id,
        proposal_id,
        decision,
        work.actor,
        None if undo is None else to_jsonb(undo),
    )


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()

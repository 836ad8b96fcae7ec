"""An organization's book of contacts, with people of several roles at it; and files of guests with rows that are wrong on purpose."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from bot.contacts.change import create_contact
from bot.contacts.importing.draft import ImportView, find_import, start, start_undo, upload
from bot.contacts.importing.plan import Plan
from bot.contacts.listing import ContactRow, list_contacts
from bot.identity import Principal
from bot.identity.roles import Role, permissions_of
from bot.testing import Stage
from bot.testing.stage import found_organization
from bot.unit import Unit, open_unit
from store.ids import uuid7
from store.tenancy import organization_scope

__all__ = ["BAD_ROWS", "Book", "guests"]

SKILL_PERMISSIONS = {"events.view": "viewer"}

# What stands in a row in place of what belongs there -> (column, what is said of it)
BAD_ROWS: dict[int, tuple[dict[str, str], str, str]] = {
    17: ({"Phone": ""}, "Phone", "is missing"),
    101: ({"Phone": "0712"}, "Phone", "too few digits"),
    222: ({"Phone": "ask her"}, "Phone", "not a phone number"),
    333: ({"Phone": "2.54712E+11"}, "Phone", "format the column as text"),
    444: ({"Email": "asha at example.org"}, "Email", "no e-mail address"),
    555: ({"Birthday": "31/31/1990"}, "Birthday", "write a date like"),
    666: ({"Language": "klingon"}, "Language", "write en or sw"),
    777: ({"Phone": "0722000002"}, "Phone", "row 4 has the same number"),
    888: ({"Email": "x", "Birthday": "soon"}, "Email", "no e-mail address"),
    999: ({"Phone": "+999123456789"}, "Phone", "write it like"),
}


def guests(rows: int = 1_000, bad: dict[int, tuple[dict[str, str], str, str]] | None = None) -> bytes:
    """`rows` people; those of `bad` (by the number that a spreadsheet gives them) are wrong."""
    lines = ["Full name,Phone,Email,Birthday,Language,Tags"]
    for row in range(2, rows + 2):
        cells = {
            "Full name": f"Guest {row}",
            "Phone": f"0722{row - 2:06d}",
            "Email": f"guest{row}@example.org",
            "Birthday": f"{row % 28 + 1:02d}/{row % 12 + 1:02d}/1990",
            "Language": "sw" if row % 3 else "en",
            "Tags": "VIP" if row % 10 == 0 else "",
        }
        cells |= (bad or {}).get(row, ({}, "", ""))[0]
        lines.append(",".join(cells.values()))
    return "\r\n".join(lines).encode()


@dataclass
class Book:
    stage: Stage
    other_id: UUID

    @classmethod
    async def open(cls, stage: Stage) -> Book:
        other_id, _ = await found_organization("Pwani Makers", "sw", ("assistant", "events"))
        return cls(stage, other_id)

    @property
    def organization_id(self) -> UUID:
        return self.stage.organization_id

    def who(self, role: str = "owner", organization_id: UUID | None = None) -> Principal:
        return Principal(
            "user", uuid7(), organization_id or self.organization_id, permissions_of(Role(role), SKILL_PERMISSIONS)
        )

    @asynccontextmanager
    async def unit(self, organization_id: UUID | None = None) -> AsyncIterator[Unit]:
        organization_id = organization_id or self.organization_id
        async with open_unit(self.stage.runtime, organization_id, actor="user:test") as work:
            yield work

    async def everybody(
        self, role: str = "owner", organization_id: UUID | None = None, **more: Any
    ) -> list[ContactRow]:
        with organization_scope(organization_id or self.organization_id):
            return await list_contacts(self.who(role), country="KE", limit=2_000, **more)

    async def add(self, name: str, phone: str, organization_id: UUID | None = None, **more: Any) -> UUID:
        async with self.unit(organization_id) as work:
            return await create_contact(work, name=name, phone=phone, country="KE", **more)

    async def bring(self, data: bytes, name: str = "guests.csv", **changes: Any) -> ImportView:
        """Uploaded, the guesses taken with `changes`, imported to the end."""
        async with self.unit() as work:
            view = await upload(work, data, name, country="KE")
        plan = Plan.model_validate({**view.plan.model_dump(), **changes})
        async with self.unit() as work:
            await start(work, self.who(), view.id, plan, country="KE")
        await self.stage.settle()
        return await self.view(view.id)

    async def take_back(self, import_id: UUID) -> ImportView:
        async with self.unit() as work:
            await start_undo(work, self.who(), import_id)
        await self.stage.settle()
        return await self.view(import_id)

    async def view(self, import_id: UUID) -> ImportView:
        with organization_scope(self.organization_id):
            return await find_import(import_id)

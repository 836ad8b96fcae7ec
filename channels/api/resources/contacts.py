"""The people who chat with the organization."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints

from bot.contacts.directory import contact_with_phone, phones_of
from bot.http import Answer, Ask, Body, Filter, Line, Listed, Page, Routes, found
from bot.unit import Unit
from store.models import Contact

routes = Routes(
    "Contacts", "The people who chat with you. Whole numbers are for who has the permission `contacts.phone`."
)

Phone = Annotated[str, StringConstraints(pattern=r"^\+[1-9][0-9]{6,14}$")]


class ContactIn(Body):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "Asha Mwangi", "locale": "sw", "country": "KE"}]}
    )

    name: Annotated[Line, StringConstraints(max_length=300)]
    locale: Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Z]{2})?$")] | None = Field(
        None, description="What they are answered in; null: your organization's language."
    )
    country: Annotated[str, StringConstraints(pattern=r"^([A-Z]{2})?$")] = ""


class ContactOut(Answer):
    id: UUID
    name: str
    locale: str | None
    country: str
    phone: str | None = Field(description="Masked, unless you may see whole numbers.")
    opted_in_at: datetime | None
    opted_out_at: datetime | None
    created_at: datetime


class ContactFilter(Filter):
    name: Annotated[Line, StringConstraints(min_length=2, max_length=100)] | None = Field(
        None, description="A part of it, in any case."
    )
    phone: Phone | None = Field(None, description="The whole number, in E.164.")


@routes.get("/contacts", permission="contacts.view")
async def list_contacts(ask: Ask, query: ContactFilter, page: Page) -> Listed[ContactOut]:
    """List contacts, the newest first."""
    wanted: dict[str, Any] = {"name__icontains": query.name} if query.name else {}
    if query.phone:
        wanted["id"] = await contact_with_phone(query.phone) or UUID(int=0)
    rows = await page.read(Contact.filter(**wanted))
    phones = await phones_of([each.id for each in rows.items], whole=ask.principal.may("contacts.phone"))
    return rows.shown(lambda row: _shown(row, phones))


@routes.get("/contacts/{contact_id}", permission="contacts.view")
async def get_contact(ask: Ask, contact_id: UUID) -> ContactOut:
    """Read a contact."""
    row = found(await Contact.filter(id=contact_id).first(), "contact")
    return _shown(row, await phones_of([row.id], whole=ask.principal.may("contacts.phone")))


@routes.put("/contacts/{contact_id}", permission="contacts.edit", of=get_contact)
async def change_contact(ask: Ask, work: Unit, contact_id: UUID, body: ContactIn) -> ContactOut:
    """Change a contact's name, language or country."""
    row = found(await Contact.filter(id=contact_id).first(), "contact")
    row.update_from_dict(body.model_dump())
    await row.save(update_fields=list(ContactIn.model_fields))
    # The log outlives people's wish to be forgotten, so it says what was changed and not to what.
    work.audit("contact.changed", subject=f"contacts:{row.id}", after={"fields": sorted(ContactIn.model_fields)})
    return _shown(row, await phones_of([row.id], whole=ask.principal.may("contacts.phone")))


def _shown(row: Contact, phones: dict[UUID, str]) -> ContactOut:
    values = {name: getattr(row, name) for name in ContactOut.model_fields if name != "phone"}
    return ContactOut(**values, phone=phones.get(row.id))

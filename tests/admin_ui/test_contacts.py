"""Contacts, through the controls that people use: brought, found, changed, merged, taken back."""

from __future__ import annotations

import asyncio
from typing import Any

from nicegui import ui
from nicegui.elements.upload_files import SmallFileUpload
from nicegui.testing import User

from bot.contacts.change import create_contact
from bot.contacts.importing.draft import imports
from bot.contacts.listing import count
from bot.contacts.merge import propose
from bot.messages import Text
from bot.unit import open_unit
from store.models import Consent, Contact, ContactLabel, KnowledgeDocument, KnowledgeQuestion, Segment
from store.tenancy import organization_scope
from tests.admin_ui.desk import Desks, until
from tests.bot.contacts.book import BAD_ROWS, guests


def only(user: User, marker: str) -> Any:
    return next(iter(user.find(marker=marker).elements))


async def bring(user: User, marker: str, name: str, data: bytes) -> None:
    upload = only(user, marker)
    assert isinstance(upload, ui.upload)
    with user:
        await upload.handle_uploads([SmallFileUpload(name, "text/csv", data)])


async def became(desks: Desks, sql: str, value: str) -> None:
    """Waits until the one row says so."""
    for _ in range(100):
        rows = await desks.stage.rows(sql)
        if [row[0] for row in rows] == [value]:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"{sql} never became {value}")


async def add(desks: Desks, name: str, phone: str, **more: Any) -> Any:
    async with open_unit(desks.runtime, desks.organization_id, actor="user:test") as work:
        return await create_contact(work, name=name, phone=phone, country="KE", **more)


async def test_a_file_is_mapped_looked_at_imported_and_taken_back(desks: Desks) -> None:
    user = await desks.sit_down("admin")
    await user.open("/contacts")
    await user.should_see("Nobody yet")
    await user.open("/contacts/import")
    await bring(user, "csv", "guests.csv", guests(1_000, BAD_ROWS))
    await until(lambda: "/contacts/import/" in user.back_history[-1])
    await user.should_see("1,000 rows, 6 columns", retries=20)
    await user.should_see("Row 17")
    await user.should_see("the phone number is missing; add it, or delete the row")
    await user.should_see("row 4 has the same number; keep one of the two")
    assert [only(user, f"column-{place}").value for place in range(6)] == [
        "name",
        "phone",
        "new:email",
        "new:date",
        "locale",
        "labels",
    ]
    only(user, "column-2").set_value("")
    await user.should_see("9 rows will not be taken", retries=30)
    only(user, "claims").set_value(True)
    await user.should_see("Say where and when they agreed, or switch that off.", retries=20)
    user.find(marker="begin").click()
    await user.should_see("Something is missing below", retries=20)
    with organization_scope(desks.organization_id):
        assert await count() == 0
    user.find(marker="consent-source").type("paper form at the gate")
    only(user, "consent-date").set_value("2026-01-02")
    await user.should_see("9 rows will not be taken", retries=30)
    user.find(marker="begin").click()
    await became(desks, "SELECT state FROM contact_imports", "running")
    await desks.stage.settle()
    await user.open(user.back_history[-1])
    await user.should_see("people you did not have")
    with organization_scope(desks.organization_id):
        [view] = await imports()
        assert (view.created, view.rejected) == (991, 9)
        assert await Contact.filter(opted_in_at__isnull=False).count() == 991
    user.find(marker="report").click()
    report = (await user.download.next()).text
    assert "What to mend" in report
    assert len(report.splitlines()) == 10
    user.find(marker="take-back").click()
    await user.should_see("Whoever wrote or was changed since stays.", retries=20)
    user.find("Take all of it back", kind=ui.button).click()
    await became(desks, "SELECT state FROM contact_imports", "undoing")
    await desks.stage.settle()
    await user.open(user.back_history[-1])
    await user.should_see("Taken back: 991 contacts are as they were before.")
    with organization_scope(desks.organization_id):
        assert await count() == 0


async def test_what_is_no_csv_is_said(desks: Desks) -> None:
    user = await desks.sit_down("admin")
    await user.open("/contacts/import")
    await bring(user, "csv", "guests.xlsx", b"PK\x03\x04....")
    await user.should_see("Save as", retries=20)


async def test_a_viewer_sees_masked_numbers_and_changes_nothing(desks: Desks) -> None:
    contact = await add(desks, "Asha Mwangi", "0711000001")
    user = await desks.sit_down("viewer")
    await user.open("/contacts")
    rows = next(iter(user.find(kind=ui.table).elements)).rows
    assert [row["phone"] for row in rows] == ["+2547•••••001"]
    await user.should_not_see("Import")
    await user.should_not_see("Export CSV")
    await user.open(f"/contacts/{contact}")
    await user.should_see("+2547•••••001")
    await user.should_see("Your role sees masked numbers.")
    await user.should_not_see(marker="edit-contact")
    assert (await user.http_client.get("/contacts/import")).status_code == 403


async def test_another_organizations_contact_is_not_there(desks: Desks) -> None:
    contact = await add(desks, "Asha Mwangi", "0711000001")
    other = await desks.sit_down("owner", email="owner@pwani.example", organization_id=desks.other_id)
    assert (await other.http_client.get(f"/contacts/{contact}")).status_code == 404
    await other.open("/contacts")
    await other.should_see("Bado hakuna mtu")


async def test_the_page_of_a_person_tells_what_happened_and_changes_with_undo(desks: Desks) -> None:
    ann = desks.stage.person("Ann Wanjiku")
    await desks.stage.receive(ann, Text(text="hello there"))
    assert ann.contact_id is not None
    [said] = await desks.stage.rows("SELECT id FROM messages WHERE direction = 'in'")
    with organization_scope(desks.organization_id):
        await Consent.create(
            contact_id=ann.contact_id,
            state="withdrawn",
            source="chat",
            wording="STOP",
            at=desks.stage.clock.now(),
            message_id=said["id"],
        )
    user = await desks.sit_down("admin")
    await user.open(f"/contacts/{ann.contact_id}")
    await user.should_see("hello there")
    await user.should_see("Wants no messages")
    await user.should_see("Their message")
    user.find(marker="edit-contact").click()
    await user.should_see("Edit contact", retries=20)
    user.find(marker="contact-name").clear().type("Ann W.")
    user.find(marker="save-contact").click()
    await user.should_see("Undo", retries=20)
    with organization_scope(desks.organization_id):
        assert (await Contact.get(id=ann.contact_id)).name == "Ann W."
    await user.should_see("Ann W.", retries=20)
    user.find("Undo", kind=ui.button).click()
    await became(desks, "SELECT name FROM contacts", "Ann Wanjiku")
    await user.should_see(marker="contact-labels", retries=20)
    only(user, "contact-labels").set_value(["VIP"])
    await user.should_see("Saved", retries=20)
    with organization_scope(desks.organization_id):
        assert [row.name for row in await ContactLabel.all()] == ["VIP"]
        assert (await Contact.get(id=ann.contact_id)).labels == ["vip"]
    only(user, "timeline-kind").set_value("consent")
    await user.should_not_see("Wrote", retries=20)


async def test_all_who_are_listed_are_labelled_kept_as_a_segment_and_exported(desks: Desks) -> None:
    await add(desks, "Asha Mwangi", "0711000001")
    await add(desks, "=Brian", "0711000002")
    user = await desks.sit_down("admin")
    await user.open("/contacts/book")
    user.find(marker="new-label").click()
    await user.should_see(marker="label-name", retries=20)
    user.find(marker="label-name").type("Guest")
    user.find(marker="save-label").click()
    await user.should_see("0 contacts", retries=20)
    await user.open("/contacts")
    only(user, "contacts-find").set_value("asha")
    await until(lambda: len(next(iter(user.find(kind=ui.table).elements)).rows) == 1)
    user.find(marker="label-all").click()
    await user.should_see("Label 1 contacts", retries=20)
    only(user, "labels-for-all").set_value(["guest"])
    user.find(marker="put-labels").click()
    await user.should_see("1 contacts labelled", retries=20)
    user.find(marker="save-segment").click()
    await user.should_see(marker="segment-name", retries=20)
    user.find(marker="segment-name").type("Ashas")
    user.find(marker="keep-segment").click()
    await until(lambda: "segment=" in user.back_history[-1])
    with organization_scope(desks.organization_id):
        [segment] = await Segment.all()
        assert segment.conditions == {"find": "asha"}
        assert await Contact.filter(labels__contains=["guest"]).count() == 1
    await user.open("/contacts")
    user.find(marker="export-contacts").click()
    lines = (await user.download.next()).text.splitlines()
    assert lines[1].startswith("'=Brian,+254711000002"), "no cell is a formula"
    assert len(lines) == 3


async def test_a_field_with_options_is_made_and_a_wrong_value_named(desks: Desks) -> None:
    contact = await add(desks, "Asha Mwangi", "0711000001")
    user = await desks.sit_down("admin")
    await user.open("/contacts/book")
    user.find(marker="new-field").click()
    await user.should_see(marker="field-name", retries=20)
    user.find(marker="field-name").type("Seats")
    only(user, "field-kind").set_value("number")
    user.find(marker="save-field").click()
    await became(desks, "SELECT kind FROM contact_fields WHERE key = 'seats'", "number")
    await user.open(f"/contacts/{contact}")
    user.find(marker="edit-contact").click()
    await user.should_see(marker="field-seats", retries=20)
    user.find(marker="field-seats").type("many")
    user.find(marker="save-contact").click()
    await until(lambda: only(user, "field-seats").error == "Write a number, such as 12 or 12.5")


async def test_doubles_are_merged_and_parted(desks: Desks) -> None:
    one, other = await add(desks, "Asha Mwangi", "0711000001"), await add(desks, "Asha M.", "0711000002")
    async with open_unit(desks.runtime, desks.organization_id, actor="user:test") as work:
        await propose(work, one, other, reason="one phone number, two accounts")
    user = await desks.sit_down("admin")
    await user.open("/contacts")
    await user.should_see("Doubles (1)")
    await user.open("/contacts/merge")
    await user.should_see("One phone number, two accounts")
    user.find(marker="keep-suggested").click()
    await user.should_see("No doubles", retries=20)
    with organization_scope(desks.organization_id):
        assert await count() == 1
    user.find("Part again", kind=ui.button).click()
    await user.should_see("One phone number, two accounts", retries=20)
    with organization_scope(desks.organization_id):
        assert await count() == 2


async def test_a_wrong_number_is_said_below_its_field(desks: Desks) -> None:
    user = await desks.sit_down("admin")
    await user.open("/contacts")
    user.find("New contact", kind=ui.button).click()
    await user.should_see(marker="new-phone", retries=20)
    user.find(marker="new-phone").type("0712")
    user.find(marker="make-contact").click()
    await until(lambda: "too few digits" in (only(user, "new-phone").error or ""))


async def test_documents_come_in_are_asked_measured_and_put_back(desks: Desks) -> None:
    user = await desks.sit_down("admin")
    await user.open("/knowledge")
    await user.should_see("No documents yet")
    text = b"# Visiting us\n\n## Parking\n\nThere is free parking for 300 cars behind the hall.\n\n## Food\n\nThe kitchen opens at noon.\n"
    await bring(user, "documents", "visiting.md", text)
    await user.should_see("Visiting us", retries=40)
    user.find(marker="ask").type("is there parking for cars")
    user.find(marker="ask-now").click()
    await user.should_see("There is free parking for 300 cars behind the hall.", retries=300)
    user.find(marker="is-right").click()
    await user.should_see("Kept as a golden question", retries=20)
    user.find(marker="measure").click()
    await user.should_see("1 of 1", retries=100)
    with organization_scope(desks.organization_id):
        [question] = await KnowledgeQuestion.all()
        assert question.source == "Visiting us, Parking"
        [document] = await KnowledgeDocument.all()
    user.find(marker="remove-visiting.md").click()
    await user.should_see("No documents yet", retries=20)
    user.find("Undo", kind=ui.button).click()
    await user.should_see("Documents (1)", retries=20)
    with organization_scope(desks.organization_id):
        [again] = await KnowledgeDocument.all()
        assert (again.text, again.content_hash) == (document.text, document.content_hash)
    await user.open(f"/knowledge/{again.id}")
    await user.should_see("The kitchen opens at noon.")
    other = await desks.sit_down("owner", email="owner@pwani.example", organization_id=desks.other_id)
    assert (await other.http_client.get(f"/knowledge/{again.id}")).status_code == 404


async def test_a_file_that_cannot_be_read_is_said(desks: Desks) -> None:
    user = await desks.sit_down("admin")
    await user.open("/knowledge")
    await bring(user, "documents", "scan.pdf", b"%PDF-1.4 nothing")
    await user.should_see("cannot be read as PDF", retries=40)

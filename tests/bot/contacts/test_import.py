"""A file of contacts: each good row once, each bad one named with its mend, nothing agreed that nobody claims, and all of it can be taken back."""

from __future__ import annotations

import csv
import io
import time
from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from bot.contacts.book import FieldKind, fields, labels, put_field
from bot.contacts.change import update_contact
from bot.contacts.consent import withdraw
from bot.contacts.errors import NotPossible
from bot.contacts.importing.draft import imports, preview, rejected_csv, start, upload
from bot.contacts.importing.plan import Claim, Plan
from bot.contacts.listing import consents
from bot.identity import NotAllowed
from bot.messages import Text
from store.db import fetchval
from store.tenancy import organization_scope
from tests.bot.contacts.book import BAD_ROWS, Book, guests

CLAIM = {"source": "paper form at the Night Market", "given_on": date(2026, 11, 1)}


async def test_a_thousand_rows_with_ten_bad_ones_are_quick_and_exact(book: Book) -> None:
    began = time.monotonic()
    view = await book.bring(guests(1_000, BAD_ROWS))
    took_s = time.monotonic() - began
    assert (view.state, view.total, view.created, view.rejected) == ("done", 1_000, 990, 10)
    found = await book.everybody()
    assert len(found) == 990
    by_name = {each.name: each for each in found}
    assert by_name["Guest 2"].phone == "+254722000000"
    assert by_name["Guest 10"].labels == ("vip",)
    assert by_name["Guest 3"].custom == {"email": "guest3@example.org", "birthday": "1990-04-04"}
    assert by_name["Guest 3"].locale == "en"
    assert {f"Guest {number}" for number in BAD_ROWS}.isdisjoint(by_name)
    assert took_s < 15, f"{took_s:.1f} s"


async def test_the_preview_names_row_column_and_mend(book: Book) -> None:
    await book.add("Known", "0722 000 008")
    async with book.unit() as work:
        view = await upload(work, guests(1_000, BAD_ROWS), "guests.csv", country="KE")
    assert view.plan.columns == ("name", "phone", "new:email", "new:date", "locale", "labels")
    with organization_scope(book.organization_id):
        seen = await preview(book.who(), view.id, view.plan, country="KE", now=book.stage.clock.now())
        assert await fields() == [], "a preview writes nothing"
    assert (seen.total, seen.new, seen.known, seen.bad_total) == (1_000, 989, 1, 10)
    told = {row.number: row.problems for row in seen.bad}
    for number, (_, column, words) in BAD_ROWS.items():
        assert told[number][0].column == column
        assert words in told[number][0].text, told[number]
    assert [each.column for each in told[888]] == ["Email", "Birthday"]


async def test_rejected_rows_come_back_as_a_file_that_can_be_mended(book: Book) -> None:
    view = await book.bring(guests(1_000, BAD_ROWS))
    with organization_scope(book.organization_id):
        report = list(csv.DictReader(io.StringIO(await rejected_csv(book.who(), view.id))))
    assert [int(row["Row"]) for row in report] == sorted(BAD_ROWS)
    assert report[1]["Phone"] == "0712"
    assert report[1]["What to mend"].startswith("Phone: ")
    mended = b"Full name,Phone\nGuest 101,0722 000 099\n"
    assert (await book.bring(mended)).created == 1


async def test_the_file_is_not_readable_in_the_database_and_problems_hold_no_numbers(book: Book) -> None:
    await book.bring(guests(30, {3: ({"Phone": "0712"}, "", "")}))
    rows = await book.stage.rows(
        "SELECT sealed_file, (SELECT string_agg(problems::text, '') FROM contact_import_rows) AS told FROM contact_imports"
    )
    assert b"Guest" not in bytes(rows[0]["sealed_file"])
    assert "0712" not in rows[0]["told"].replace("+254 712 123456", "")


async def test_a_known_number_is_completed_and_not_doubled(book: Book) -> None:
    asha = await book.add("Asha Mwangi", "+254 711 000 001")
    view = await book.bring(b"name;simu;Lugha\nSomebody else;0711000001;sw\nBrian;254711000002;\n")
    assert (view.created, view.updated) == (1, 1)
    found = {each.id: each for each in await book.everybody()}
    assert len(found) == 2
    assert (found[asha].name, found[asha].locale) == ("Asha Mwangi", "sw"), "what is there stays, what is missing comes"
    again = await book.bring(b"name;simu;Lugha\nSomebody else;0711000001;sw\nBrian;254711000002;\n")
    assert (again.created, again.updated, again.unchanged) == (0, 0, 2)
    over = await book.bring(b"name;simu\nAsha W. Mwangi;0711000001\n", existing="overwrite")
    assert over.updated == 1
    assert (await book.everybody(sort="name", descending=False))[0].name == "Asha W. Mwangi"
    left = await book.bring(b"name;simu\nXYZ;0711000001\n", existing="skip", labels=("Guests",))
    assert left.unchanged == 1


async def test_an_import_grants_nothing_without_source_and_date(book: Book) -> None:
    await book.bring(guests(3))
    assert {each.consent for each in await book.everybody()} == {"none"}
    for half in ({"source": "a form"}, {"given_on": date(2026, 1, 1)}, {"source": "", "given_on": date(2026, 1, 1)}):
        with pytest.raises(ValidationError):
            Claim.model_validate(half)
    async with book.unit() as work:
        view = await upload(work, guests(3), "guests.csv", country="KE")
        future = Claim(source="a form that is to come", given_on=date(2099, 1, 1))
        plan = view.plan.model_copy(update={"consent": future})
        with pytest.raises(NotPossible, match="future"):
            await start(work, book.who(), view.id, plan, country="KE")


async def test_a_claimed_consent_stands_in_the_ledger_and_never_overrules_stop(book: Book) -> None:
    stopped = await book.add("Stopped", "0722000001")
    async with book.unit():
        await withdraw(stopped, source="chat", wording="STOP", now=book.stage.clock.now())
    view = await book.bring(guests(3), consent=CLAIM)
    by_id = {each.id: each for each in await book.everybody()}
    assert by_id[stopped].consent == "out"
    assert sorted(each.consent for each in by_id.values()) == ["in", "in", "out"]
    with organization_scope(book.organization_id):
        ledger = [row for each in by_id for row in await consents([each]) if row.source == "import"]
    assert {(row.wording, row.file, row.at.date()) for row in ledger} == {
        (CLAIM["source"], "guests.csv", date(2026, 11, 1))
    }
    assert len(ledger) == 2
    back = await book.take_back(view.id)
    assert back.state == "undone"
    assert [each.consent for each in await book.everybody()] == ["out"]


async def test_undo_removes_what_it_made_and_restores_what_it_changed(book: Book) -> None:
    known = await book.add("", "0722000005", locale="en")
    before = await _content(book)
    view = await book.bring(guests(1_000, BAD_ROWS), labels=("Night Market",), consent=CLAIM)
    assert (view.created, view.updated) == (989, 1)
    assert next(each for each in await book.everybody() if each.id == known).name == "Guest 7"
    back = await book.take_back(view.id)
    assert (back.state, back.restored, back.kept) == ("undone", 990, 0)
    assert await _content(book) == before
    with organization_scope(book.organization_id):
        assert await fields() == []
        assert await labels() == []
        assert await fetchval("SELECT count(*) FROM contact_identities") == 1
        assert await fetchval("SELECT count(*) FROM consents") == 0


async def test_undo_leaves_who_was_touched_since(book: Book) -> None:
    async with book.unit() as work:
        await put_field(work, "Email", FieldKind.EMAIL)
    known = await book.add("Known", "0722000004")
    view = await book.bring(guests(5))
    by_name = {each.name: each.id for each in await book.everybody()}
    async with book.unit() as work:
        await update_contact(work, by_name["Guest 2"], name="Edited")
        await update_contact(work, known, custom={"email": "other@example.org"})
    writer = book.stage.person("Guest 3")
    writer.phone = "+254722000001"
    book.stage.channel.phones[writer.phone] = writer.heard
    await book.stage.receive(writer, Text(text="hello"))
    back = await book.take_back(view.id)
    assert (back.restored, back.kept) == (2, 3)
    left = {each.name: each for each in await book.everybody()}
    assert set(left) == {"Edited", "Known", "Guest 3"}
    assert left["Known"].custom["email"] == "other@example.org"


async def test_a_second_undo_and_a_second_start_are_refused(book: Book) -> None:
    view = await book.bring(guests(2))
    async with book.unit() as work:
        with pytest.raises(NotPossible, match="already"):
            await start(work, book.who(), view.id, view.plan, country="KE")
    await book.take_back(view.id)
    with pytest.raises(NotPossible, match="once"):
        await book.take_back(view.id)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"PK\x03\x04zip", "Excel workbook"),
        (b"", "is empty"),
        (b"name,phone\n", "no rows"),
        (b"a\x00b", "not a text file"),
    ],
)
async def test_what_is_no_csv_is_told_what_to_bring(book: Book, data: bytes, words: str) -> None:
    async with book.unit() as work:
        with pytest.raises(NotPossible, match=words):
            await upload(work, data, "guests.xlsx", country="KE")


async def test_a_plan_without_phone_or_with_two_names_is_refused(book: Book) -> None:
    async with book.unit() as work:
        view = await upload(work, b"a,b\nAsha,0711000001\n", "x.csv", country="KE")
        assert view.plan.columns == ("new:text", "phone"), (
            "a column without a telling name is known by what stands in it"
        )
        for columns, words in (
            (("name", ""), "phone numbers"),
            (("phone", "phone"), "two columns"),
            (("phone",), "every column"),
        ):
            with pytest.raises(NotPossible, match=words):
                await start(work, book.who(), view.id, Plan(columns=columns), country="KE")


async def test_only_who_may_import_does(book: Book) -> None:
    async with book.unit() as work:
        view = await upload(work, guests(2), "guests.csv", country="KE")
        with pytest.raises(NotAllowed):
            await start(work, book.who("event_manager"), view.id, view.plan, country="KE")
    with organization_scope(book.organization_id), pytest.raises(NotAllowed):
        await rejected_csv(book.who("viewer"), view.id)


async def test_another_organization_sees_no_import_and_has_its_own_numbers(book: Book) -> None:
    view = await book.bring(guests(3))
    await book.add("Theirs", "0722000000", organization_id=book.other_id)
    with organization_scope(book.other_id):
        assert await imports() == []
        with pytest.raises(NotPossible, match="no such import"):
            await rejected_csv(book.who(organization_id=book.other_id), view.id)
    assert [each.name for each in await book.everybody(organization_id=book.other_id)] == ["Theirs"]


async def _content(book: Book) -> list[dict[str, Any]]:
    return [{**each.content(), "consent": each.consent} for each in await book.everybody()]

"""Who is found, by whom, and how whole their number is; labels, fields, segments; two contacts made one and parted again; one timeline."""

from __future__ import annotations

import pytest

from bot.contacts.book import (
    FieldKind,
    labels,
    put_field,
    put_label,
    remove_field,
    remove_label,
    save_segment,
    segments,
)
from bot.contacts.change import add_labels, put_content, remove_label_from, update_contact
from bot.contacts.errors import NoSuchContact, NotPossible
from bot.contacts.filter import ContactFilter, FieldTest
from bot.contacts.listing import consents, count, get, list_contacts
from bot.contacts.merge import dismiss, merge, open_proposals, proposals, propose, take_back
from bot.contacts.timeline import proof_text, timeline
from bot.identity import NotAllowed
from bot.messages import Text
from store.tenancy import organization_scope
from tests.bot.contacts.book import Book


async def test_numbers_are_whole_only_for_who_may_see_them(book: Book) -> None:
    contact = await book.add("Asha", "0711 000 001")
    assert [each.phone for each in await book.everybody("admin")] == ["+254711000001"]
    assert [each.phone for each in await book.everybody("viewer")] == ["+2547•••••001"]
    with organization_scope(book.organization_id):
        assert [each.value for each in (await get(book.who("viewer"), contact)).identities] == ["+2547•••••001"]
        with pytest.raises(NotAllowed):
            await get(book.who("participant"), contact)


async def test_another_organization_sees_nobody(book: Book) -> None:
    contact = await book.add("Asha", "0711000001")
    theirs = book.who(organization_id=book.other_id)
    assert await book.everybody(organization_id=book.other_id) == []
    with organization_scope(book.other_id):
        assert await count() == 0
        with pytest.raises(NoSuchContact):
            await get(theirs, contact)
        assert (await timeline(book.stage.runtime, theirs, [contact])).entries == ()
    async with book.unit(book.other_id) as work:
        with pytest.raises(NoSuchContact):
            await update_contact(work, contact, name="Mine")


async def test_search_finds_by_name_value_whole_number_and_last_digits(book: Book) -> None:
    async with book.unit() as work:
        await put_field(work, "Company", FieldKind.TEXT)
    await book.add("Asha Mwangi", "0711000001", custom={"company": "Savanna Ltd"})
    await book.add("Brian 100%", "0711000002")

    async def found(text: str) -> list[str]:
        return [each.name for each in await book.everybody(wanted=ContactFilter(find=text))]

    assert await found("mwang") == ["Asha Mwangi"]
    assert await found("savanna") == ["Asha Mwangi"]
    assert await found("0711 000 002") == ["Brian 100%"]
    assert await found("002") == ["Brian 100%"]
    assert await found("0%") == ["Brian 100%"], "a percent sign is a letter like others"
    assert await found("071100") == []


async def test_pages_by_key_hold_everybody_once(book: Book) -> None:
    for number in range(7):
        await book.add(f"Guest {number % 3}", f"07220000{number:02d}")
    for sort in ("name", "created", "seen"):
        for descending in (True, False):
            whole = [each.id for each in await book.everybody(sort=sort, descending=descending)]
            paged = []
            with organization_scope(book.organization_id):
                while page := await list_contacts(
                    book.who(), sort=sort, descending=descending, after=paged[-1] if paged else None, limit=2
                ):
                    paged += [each.id for each in page]
            assert paged == whole
            assert len(set(paged)) == 7


async def test_fields_have_types_and_filters_compare_by_them(book: Book) -> None:
    async with book.unit() as work:
        await put_field(work, "Seats", FieldKind.NUMBER)
        await put_field(work, "Size", FieldKind.CHOICE, options=("S", "M"))
        await put_field(work, "Since", FieldKind.DATE)
        with pytest.raises(NotPossible, match="already"):
            await put_field(work, "seats", FieldKind.TEXT)
    await book.add("Nine", "0711000001", custom={"seats": "9", "since": "01/02/2026"})
    await book.add("Ten", "0711000002", custom={"seats": "10", "size": "m", "since": "2026-03-01"})
    for custom, words in (
        ({"seats": "many"}, "number"),
        ({"size": "XL"}, "choose one of S, M"),
        ({"nope": "1"}, "no field"),
    ):
        with pytest.raises(NotPossible, match=words):
            await book.add("Bad", "0711000003", custom=custom)

    async def found(*tests: FieldTest) -> set[str]:
        return {each.name for each in await book.everybody(wanted=ContactFilter(fields=tests))}

    assert await found(FieldTest(key="seats", op="more", value=9)) == {"Ten"}
    assert await found(FieldTest(key="seats", value=9)) == {"Nine"}
    assert await found(FieldTest(key="size", value="M")) == {"Ten"}
    assert await found(FieldTest(key="size", op="unset")) == {"Nine"}
    assert await found(FieldTest(key="since", op="less", value="2026-02-15")) == {"Nine"}
    async with book.unit() as work:
        await remove_field(work, "size")
    assert all("size" not in each.custom for each in await book.everybody())


async def test_labels_are_put_on_all_who_match_and_taken_back(book: Book) -> None:
    for number in range(4):
        await book.add(f"Guest {number}", f"071100000{number}")
    async with book.unit() as work:
        vip = (await put_label(work, "VIP")).key
        assert (await put_label(work, "vip")).key == vip, "a label is the same however it is written"
        some = await add_labels(work, ContactFilter(find="Guest 1"), [vip])
        rest = await add_labels(work, ContactFilter(), [vip])
        assert (len(some), len(rest)) == (1, 3)
        await remove_label_from(work, [vip], rest)
        saved = await save_segment(work, "Important", ContactFilter(labels=(vip,)))
        with pytest.raises(NotPossible, match="everybody"):
            await save_segment(work, "All", ContactFilter())
    assert [each.name for each in await book.everybody(wanted=saved.filter)] == ["Guest 1"]
    with organization_scope(book.organization_id):
        assert [(each.name, each.contacts) for each in await labels(counted=True)] == [("VIP", 1)]
        assert [each.filter for each in await segments()] == [saved.filter]
    async with book.unit() as work:
        assert await remove_label(work, vip) == 1
    assert {each.labels for each in await book.everybody()} == {()}


async def test_a_change_is_undone_and_the_slower_of_two_editors_is_told(book: Book) -> None:
    contact = await book.add("Asha", "0711000001")
    with organization_scope(book.organization_id):
        seen = (await get(book.who(), contact)).row.content()
    async with book.unit() as work:
        before = await update_contact(work, contact, name="Asha M.", seen=seen)
    async with book.unit() as work:
        with pytest.raises(NotPossible, match="somebody else"):
            await update_contact(work, contact, name="A. Mwangi", seen=seen)
        await update_contact(work, contact, locale="sw", seen=seen)  # of what nobody touched
    async with book.unit() as work:
        await put_content(work, contact, before)
    assert (await book.everybody())[0].name == "Asha"


async def test_two_contacts_become_one_and_are_parted_again(book: Book) -> None:
    writer = book.stage.person("Asha Mwangi")
    await book.stage.receive(writer, Text(text="hello"))
    await book.stage.receive(writer, Text(text="STOP"))
    old = await book.add("", "0733000001", locale="sw")
    assert writer.contact_id is not None
    async with book.unit() as work:
        vip = (await put_label(work, "VIP")).key
        await update_contact(work, old, labels=[vip])
        proposal = await propose(work, writer.contact_id, old, reason="the same person")
    before = {each.id: (each.content(), each.consent) for each in await book.everybody()}
    with organization_scope(book.organization_id):
        [shown] = await proposals(book.who())
        assert shown.suggested == writer.contact_id
        assert await open_proposals() == 1
    async with book.unit() as work:
        with pytest.raises(NotAllowed):
            await merge(work, book.who("viewer"), proposal, keep=old)
        await merge(work, book.who(), proposal, keep=old)
    [one] = await book.everybody()
    assert (one.id, one.name, one.locale, one.labels, one.consent) == (old, "Asha Mwangi", "sw", (vip,), "out")
    with organization_scope(book.organization_id):
        whole = await get(book.who(), old)
        assert len(whole.identities) == 2
        assert whole.others == (writer.contact_id,)
        kinds = {each.kind for each in (await timeline(book.stage.runtime, book.who(), whole.ids)).entries}
    assert {"message", "consent"} <= kinds, "the history of both is one"
    async with book.unit() as work:
        assert await take_back(work, book.who(), proposal)
    assert {each.id: (each.content(), each.consent) for each in await book.everybody()} == before
    async with book.unit() as work:
        await dismiss(work, book.who(), proposal)
        with pytest.raises(NotPossible, match="decided"):
            await merge(work, book.who(), proposal, keep=old)
    with organization_scope(book.organization_id):
        assert await open_proposals() == 0


async def test_a_merged_person_writes_on_as_the_one_who_was_kept(book: Book) -> None:
    writer = book.stage.person("Asha")
    await book.stage.receive(writer, Text(text="hello"))
    other = await book.add("Asha M.", "0733000001")
    assert writer.contact_id is not None
    async with book.unit() as work:
        proposal = await propose(work, other, writer.contact_id, reason="x")
        await merge(work, book.who(), proposal, keep=other)
    heard = len(writer.heard)
    await book.stage.receive(writer, Text(text="hello again"))
    assert len(writer.heard) > heard, "and is answered"
    rows = await book.stage.rows("SELECT count(*) FROM messages WHERE direction = 'in' AND contact_id = $1", other)
    assert rows[0][0] == 1


async def test_the_timeline_holds_what_the_reader_may_see(book: Book) -> None:
    writer = book.stage.person("Asha")
    await book.stage.receive(writer, Text(text="hello"))
    await book.stage.receive(writer, Text(text="STOP"))
    assert writer.contact_id is not None
    async with book.unit() as work:
        await update_contact(work, writer.contact_id, name="Asha M.")
    with organization_scope(book.organization_id):

        async def seen(role: str, **more: str) -> list[str]:
            told = await timeline(book.stage.runtime, book.who(role), [writer.contact_id], **more)
            return [each.kind for each in told.entries]

        assert {"message", "consent", "change"} <= set(await seen("admin"))
        assert set(await seen("event_manager")) == {"message", "consent"}
        assert set(await seen("viewer")) == {"consent"}
        assert set(await seen("admin", kind="message")) == {"message"}
        whole = [each.id for each in (await timeline(book.stage.runtime, book.who(), [writer.contact_id])).entries]
        paged, before = [], None
        while True:
            part = await timeline(book.stage.runtime, book.who(), [writer.contact_id], before=before, limit=2)
            paged += [each.id for each in part.entries]
            if part.before is None:
                break
            before = part.before
        assert paged == whole
        assert len(whole) > 4
        [entry] = await consents([writer.contact_id])
        assert entry.message_id is not None
        proof = await proof_text(entry.message_id)
    assert proof is not None
    assert proof[1] == "STOP", "the consent names the message that proves it"

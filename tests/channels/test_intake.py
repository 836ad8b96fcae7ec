"""Who wrote: one contact per person, whatever of phone and business-scoped id a delivery shows, and never a silent merge."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from tests.channels.posts import delivery, item, post, status
from tests.support.clockwork import rows, tick, until, value
from tests.support.world import World

CONTACTS = "SELECT count(*) FROM contacts WHERE organization_id = $1"
PROPOSALS = "SELECT count(*) FROM contact_merge_proposals"
ASHA, ASHA_ID = "254711000001", "KE.7f3a9c51d2e84b60"


async def write(world: World, *items: dict[str, Any], organization: int = 0, name: str = "") -> None:
    person = world.people[organization]
    contacts = [{"profile": {"name": name}, "wa_id": items[0].get("from"), "user_id": items[0].get("from_user_id")}]
    body = delivery((person, {"messages": list(items)}), contacts=contacts if name else None)
    assert await post(world, body, secret=person.app_secret) == 200


async def contacts_of(world: World) -> list[dict[str, Any]]:
    found = await rows(
        world,
        "SELECT c.name, c.country, array_agg(i.kind ORDER BY i.kind) AS kinds FROM contacts c"
        " JOIN contact_identities i ON i.contact_id = c.id AND i.valid_to IS NULL GROUP BY c.id ORDER BY c.id",
    )
    return [dict(row) for row in found]


async def test_a_person_is_known_by_phone_alone_by_id_alone_and_by_both(world: World) -> None:
    world.dispatcher.lost = True
    await write(world, item(phone="254711000011", user_id=None), name="Phone")
    await write(world, item(phone=None, user_id="KE.only"), name="Id")
    await write(world, item(phone="254711000012", user_id="UG.both"), name="Both")
    assert await contacts_of(world) == [
        {"name": "Phone", "country": "", "kinds": ["phone"]},
        {"name": "Id", "country": "KE", "kinds": ["bsuid"]},
        {"name": "Both", "country": "UG", "kinds": ["bsuid", "phone"]},
    ]


async def test_a_name_that_people_here_wrote_stays_and_the_profile_is_kept_beside_it(world: World) -> None:
    world.dispatcher.lost = True
    names = "SELECT name || ' / ' || profile_name FROM contacts"
    await write(world, item(phone=ASHA, user_id=ASHA_ID), name="asha")
    await write(world, item(phone=ASHA, user_id=ASHA_ID), name="Asha 🌸")
    assert await value(world, names) == "Asha 🌸 / Asha 🌸", "nobody wrote another"
    await rows(world, "UPDATE contacts SET name = 'Asha Mwangi' RETURNING id")
    await write(world, item(phone=ASHA, user_id=ASHA_ID), name="Asha 🌸")
    await write(world, item(phone=ASHA, user_id=None), name="Boss")
    await write(world, item(phone=ASHA, user_id="KE.second"), name="Somebody")  # goes through cn_contact
    assert await value(world, f"{names} ORDER BY created_at LIMIT 1") == "Asha Mwangi / Boss"


async def test_a_phone_that_appears_later_belongs_to_the_same_contact(world: World) -> None:
    world.dispatcher.lost = True
    for items in (
        item(phone=None, user_id=ASHA_ID),
        item(phone=ASHA, user_id=ASHA_ID),
        item(phone=None, user_id=ASHA_ID),
        item(phone=ASHA, user_id=None),
    ):
        await write(world, items)
    assert await contacts_of(world) == [{"name": "", "country": "KE", "kinds": ["bsuid", "phone"]}]
    assert await value(world, PROPOSALS) == 0


async def test_an_id_that_appears_later_belongs_to_the_same_contact(world: World) -> None:
    world.dispatcher.lost = True
    await write(world, item(phone=ASHA, user_id=None))
    await write(world, item(phone=ASHA, user_id=ASHA_ID))
    await write(world, item(phone=None, user_id=ASHA_ID))
    assert [each["kinds"] for each in await contacts_of(world)] == [["bsuid", "phone"]]


async def test_two_ids_with_one_phone_are_proposed_for_merging_and_never_merged(world: World) -> None:
    world.dispatcher.lost = True
    await write(world, item(phone=ASHA, user_id=ASHA_ID), name="Asha")
    for _ in range(2):
        await write(world, item(phone=ASHA, user_id="KE.newcomer"), name="Newcomer")
    assert [each["name"] for each in await contacts_of(world)] == ["Asha", "Newcomer"]
    assert await value(world, PROPOSALS) == 1
    sessions = await rows(world, "SELECT count(*) AS n FROM messages GROUP BY contact_id ORDER BY n")
    assert [row["n"] for row in sessions] == [1, 2]


async def test_two_known_contacts_whose_ids_meet_in_one_message_are_proposed_and_routed_by_id(world: World) -> None:
    world.dispatcher.lost = True
    await write(world, item(phone=ASHA, user_id=None), name="By phone")
    await write(world, item(phone=None, user_id=ASHA_ID), name="By id")
    await write(world, item("hello", phone=ASHA, user_id=ASHA_ID))
    assert await value(world, PROPOSALS) == 1
    assert (
        await value(world, "SELECT c.name FROM messages m JOIN contacts c ON c.id = m.contact_id ORDER BY m.id DESC")
        == "By id"
    )


async def test_first_messages_of_one_person_at_once_make_one_contact(world: World) -> None:
    world.dispatcher.lost = True
    shapes = (
        {"phone": ASHA, "user_id": ASHA_ID},
        {"phone": None, "user_id": "KE.other"},
        {"phone": "254711000077", "user_id": None},
    )
    await asyncio.gather(*(write(world, item(**shape)) for _ in range(12) for shape in shapes))
    assert await value(world, CONTACTS, world.people[0].id) == len(shapes)
    assert await value(world, "SELECT count(*) FROM sessions") == len(shapes)
    assert await value(world, "SELECT count(*) FROM messages") == 12 * len(shapes)
    assert await value(world, PROPOSALS) == 0


async def test_a_new_profile_name_is_taken_over_and_a_missing_one_changes_nothing(world: World) -> None:
    world.dispatcher.lost = True
    for name in ("Asha", "", "Asha Mwangi", ""):
        await write(world, item(phone=ASHA, user_id=ASHA_ID), name=name)
    assert [each["name"] for each in await contacts_of(world)] == ["Asha Mwangi"]


async def test_one_person_is_two_contacts_to_two_organizations(world: World) -> None:
    world.dispatcher.lost = True
    for organization in (0, 1):
        await write(world, item(phone=ASHA, user_id=None), organization=organization)
        assert await value(world, CONTACTS, world.people[organization].id) == 1
    indexes = await rows(world, "SELECT value_index FROM contact_identities")
    assert len({row["value_index"] for row in indexes}) == 2, (
        "the same phone must not be recognisable across organizations"
    )


async def test_what_is_no_message_of_a_chat_is_kept_and_not_answered(world: World) -> None:
    first = world.people[0]
    items = [
        item(group_id="group-1"),
        item(type="system", system={"type": "user_changed_number", "wa_id": "254711000099", "body": "changed"}),
        {"type": "text", "text": {"body": "no id"}, "from": ASHA},
        {"id": "wamid.nobody", "type": "text", "text": {"body": "no sender"}},
    ]
    assert await post(world, delivery((first, {"messages": items, "user_actions": [{"action_type": "click"}]}))) == 200
    assert await value(world, "SELECT count(*) FROM channel_events") == 5
    assert await value(world, "SELECT count(*) FROM messages") == 0
    assert await post(world, delivery((first, {"messages": [item()]}))) == 200
    assert await value(world, "SELECT count(*) FROM messages WHERE direction = 'in'") == 1


async def test_a_message_that_names_no_number_is_nobodys_to_answer(world: World) -> None:
    """A business account may have several numbers; the wrong one must not answer."""
    body = delivery((world.people[0], {"messages": [item()]})).replace(b'"phone_number_id"', b'"phone_number"')
    assert await post(world, body) == 200
    assert await value(world, "SELECT count(*) FROM messages") == 0
    assert await value(world, "SELECT count(*) FROM channel_events") == 1


async def test_a_phone_number_stands_in_no_column_and_in_no_log_line(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await world.client.text(ASHA, "hi")
    await world.client.wait_for_reply(ASHA, timeout_s=20)
    await world.client.text(ASHA, "my number is nothing that you need")
    await world.client.wait_for_reply(ASHA, count=2, timeout_s=20)
    first = world.people[0]
    assert await post(world, delivery((first, {"statuses": [status("wamid.unknown", "failed")]}))) == 200
    assert await post(world, b'{"broken": "%s"' % ASHA.encode()) == 200
    assert await post(world, delivery((first, {"messages": [item(phone=ASHA, type="hologram", text=None)]}))) == 200
    await world.client.wait_until_idle()
    await tick(world)

    assert await places_of(world, ASHA[3:]) == []
    assert ASHA[3:] not in "\n".join(_whole(record) for record in caplog.records if record.name.split(".")[0] in OURS)
    await rows(world, "UPDATE contacts SET name = $1", f"+{ASHA}")
    assert await places_of(world, ASHA[3:]) == ["contacts.name"], "the search finds nothing, so it proves nothing"


OURS = {"bot", "store", "channels", "scheduler", "skills", "asyncio", "aiohttp"}


def _whole(record: logging.LogRecord) -> str:
    trace = logging.Formatter().formatException(record.exc_info) if record.exc_info else ""
    return f"{record.getMessage()} {record.__dict__} {trace}"


async def places_of(world: World, digits: str) -> list[str]:
    """table.column of everything in the database that holds these digits, also inside of bytes and JSON."""
    columns = await rows(
        world,
        "SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = 'public'"
        " AND table_name NOT IN (SELECT table_name FROM information_schema.views)",
    )
    found = []
    for table, column, kind in columns:
        text = f"encode(\"{column}\", 'escape')" if kind == "bytea" else f'"{column}"::text'
        if await value(world, f'SELECT EXISTS (SELECT 1 FROM "{table}" WHERE {text} LIKE $1)', f"%{digits}%"):
            found.append(f"{table}.{column}")
    return sorted(found)


async def test_an_event_that_comes_twice_is_kept_once(world: World) -> None:
    first = world.people[0]
    body = delivery((first, {"messages": [item(group_id="g")]}))
    for _ in range(2):
        assert await post(world, body) == 200

    async def kept() -> bool:
        return bool(await value(world, "SELECT count(*) FROM channel_events") == 1)

    await until(world, kept, ticking=False)

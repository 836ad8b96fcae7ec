"""The demo's people and rows: made once, found again, and nobody else's to read."""

from __future__ import annotations

import stat
from pathlib import Path
from uuid import UUID

import pytest

from bot.demo.load import create, load
from bot.demo.people import prepare, read
from bot.demo.staff import PASSWORD, STAFF
from bot.errors import Permanent
from bot.identity.access import principal_of_session, sign_in
from bot.identity.roles import PLATFORM, Role, permissions_of
from store.crypto import keyring
from store.directory import tokens_aad
from tests.support.clockwork import rows, value
from tests.support.world import World

TABLES = ("organizations", "channel_accounts", "skill_installs", "organization_keys", "meta_apps", "events_event")


def test_ids_and_secrets_are_made_once_per_data_folder(tmp_path: Path) -> None:
    first = prepare(tmp_path / "a")
    assert prepare(tmp_path / "a") == first == read(tmp_path / "a")
    other = prepare(tmp_path / "b")
    for attribute in ("organization_id", "app_secret", "verify_token", "access_token"):
        values = {getattr(each, attribute) for each in (*first, *other)}
        assert len(values) == 4, f"{attribute} must differ between organizations and folders"


def test_files_with_secrets_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    prepare(tmp_path)
    for name in ("demo.json", "emulator.json"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["demo.json", "emulator.json"]


async def test_loading_again_changes_nothing(world: World) -> None:
    await load(world.people, world.runtime.master)
    before = [await value(world, f'SELECT count(*) FROM "{table}"') for table in TABLES if await exists(world, table)]
    await rows(world, "UPDATE organizations SET name = 'Renamed' WHERE slug = 'pwani'")
    await load(world.people, world.runtime.master)
    after = [await value(world, f'SELECT count(*) FROM "{table}"') for table in TABLES if await exists(world, table)]
    assert before == after
    assert await value(world, "SELECT name FROM organizations WHERE slug = 'pwani'") == "Renamed"


async def exists(world: World, table: str) -> bool:
    return bool(await value(world, "SELECT to_regclass($1) IS NOT NULL", table))


async def test_each_organization_has_its_own_key_number_and_skills(world: World) -> None:
    for person in world.people:
        await create(person, world.runtime.master)
        keys = await keyring().keys(person.id)
        sealed = await value(world, "SELECT sealed_token FROM channel_accounts WHERE organization_id = $1", person.id)
        assert keys.open(sealed, tokens_aad(person.id)).decode() == person.access_token
        account = await world.runtime.directory.account(person.id, UUID(person.account_id))
        assert account.external_id == person.phone_number_id
        profile = await world.runtime.directory.organization(person.id)
        assert profile.skills == person.skills


async def test_an_account_is_given_to_its_own_organization_only(world: World) -> None:
    """Also from memory: the first look-up must not open the door for the second."""
    first, second = world.people
    directory = world.runtime.directory
    assert (await directory.account(first.id, UUID(first.account_id))).token == first.access_token
    with pytest.raises(Permanent):
        await directory.account(second.id, UUID(first.account_id))


async def test_somebody_signs_in_for_each_role_with_the_known_password(world: World) -> None:
    await load(world.people, world.runtime.master)
    ids = {each.slug: each.id for each in world.people}
    held = set()
    for person in STAFF:
        signed_in = await sign_in(world.runtime, person.email, PASSWORD, ip="", user_agent="")
        for slug, role in person.roles:
            principal = await principal_of_session(world.runtime, signed_in.session_id, ids[slug])
            assert principal.permissions == permissions_of(Role(role), _of_skills(world))
            held.add(role)
        if not person.roles:
            platform = await principal_of_session(world.runtime, signed_in.session_id, None)
            assert platform.permissions == PLATFORM
            held.add("platform_admin")
    assert held == set(Role)


async def test_a_changed_password_of_the_demo_stays_changed(world: World) -> None:
    await load(world.people, world.runtime.master)
    await rows(world, "UPDATE users SET name = 'Somebody else' WHERE email = $1", STAFF[0].email)
    await load(world.people, world.runtime.master)
    assert await value(world, "SELECT name FROM users WHERE email = $1", STAFF[0].email) == "Somebody else"
    assert await value(world, "SELECT count(*) FROM users") == len(STAFF)


def _of_skills(world: World) -> dict[str, str]:
    found: dict[str, str] = {}
    for skill in world.runtime.registry.usable:
        found.update(skill.manifest.permissions if skill.manifest else {})
    return found

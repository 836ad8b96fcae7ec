"""Writes the demo organizations into the database; doing it again changes nothing that is there."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from uuid import UUID

from bot.config import Configuration
from bot.demo.history import write_history
from bot.demo.people import USERS, DemoOrganization, password
from bot.identity.passwords import hash_password
from bot.identity.settings import IdentitySettings
from bot.knowledge import KnowledgeStore
from bot.knowledge.read import type_of
from bot.registry import find_skills
from store import people as store_people
from store.crypto import Cipher, keyring, new_data_key
from store.directory import seal_app, tokens_aad
from store.ids import uuid7
from store.models import ChannelAccount, Membership, Organization, OrganizationKey, SkillInstall
from store.provision import put_meta_app
from store.tenancy import organization_scope

__all__ = ["KNOWLEDGE", "bring_to_life", "create", "load"]

KNOWLEDGE = Path(__file__).parent / "knowledge"  # a folder for each organization


async def load(people: Sequence[DemoOrganization], master: Cipher) -> None:
    for each in people:
        await create(each, master)
        with organization_scope(each.id):
            for name, package, folder in find_skills():
                if name in each.skills and (folder / "demo.py").is_file():
                    await importlib.import_module(f"{package}.demo").load(each.slug)
        await _put_knowledge(each)


async def bring_to_life(people: Sequence[DemoOrganization], configuration: Configuration, *, now: datetime) -> None:
    """Two weeks of conversations, what skills make of them, and people who sign in. Again: adds nothing."""
    for each in people:
        past = await write_history(each, now=now)
        with organization_scope(each.id):
            for name, package, folder in find_skills():
                if name in each.skills and (folder / "demo.py").is_file():
                    module = importlib.import_module(f"{package}.demo")
                    if hasattr(module, "history"):
                        await module.history(each.slug, UUID(each.account_id), past, now=now)
    await _enrol(people, configuration, now)


async def _enrol(organizations: Sequence[DemoOrganization], configuration: Configuration, now: datetime) -> None:
    settings = configuration.section(IdentitySettings, "identity")
    for user in USERS:
        if await store_people.person_named(user.email) is None:
            hashed = await hash_password(settings, password(configuration.data))
            founder = store_people.Founder(
                uuid7(), user.email, name=user.name, locale="en", password_hash=hashed, email_verified_at=now
            )
            await store_people.create_person(founder, now)
        person = await store_people.person_named(user.email)
        assert person is not None
        for each in organizations:
            if each.slug in user.organizations:
                with organization_scope(each.id):
                    await Membership.get_or_create(user_id=person.id, defaults={"role": user.role})


async def create(person: DemoOrganization, master: Cipher) -> None:
    """The organization with its key, number and skills."""
    sealed = seal_app(master, secrets=[person.app_secret], verify_token=person.verify_token)
    meta_app_id = await put_meta_app(person.app_id, person.name, sealed)
    with organization_scope(person.id):
        await Organization.get_or_create(
            id=person.id,
            defaults={
                "name": person.name,
                "slug": person.slug,
                "locale": person.locale,
                "settings": {"contact": person.contact},
            },
        )
        if not await OrganizationKey.exists():
            await OrganizationKey.create(version=1, wrapped=keyring().master.wrap(person.id, new_data_key()))
        keys = await keyring().keys(person.id)
        for position, skill in enumerate(person.skills):
            await SkillInstall.get_or_create(skill=skill, defaults={"position": position, "id": uuid7()})
        if not await ChannelAccount.filter(external_id=person.phone_number_id).exists():
            await ChannelAccount.create(
                id=UUID(person.account_id),
                external_id=person.phone_number_id,
                waba_id=person.waba_id,
                portfolio=person.app_id,
                meta_app_id=meta_app_id,
                name=person.name,
                display_phone_number=person.display_phone_number,
                sealed_token=keys.seal(person.access_token.encode(), tokens_aad(person.id)),
            )


async def _put_knowledge(person: DemoOrganization) -> None:
    """What the organization has written down. Workers give it embeddings (`core.embed_knowledge`); its words are found at once."""
    knowledge = KnowledgeStore(None, enabled=_no_skills, folders={})
    for path in sorted((KNOWLEDGE / person.slug).glob("*.md")):
        locale = path.stem.rpartition(".")[2] if "." in path.stem else person.locale
        await knowledge.put(
            person.id, path.read_bytes(), type_of(path.name), base="visiting", source=path.name, locale=locale
        )


async def _no_skills(organization_id: UUID) -> Sequence[str]:
    return ()

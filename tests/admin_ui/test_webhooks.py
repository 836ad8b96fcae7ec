"""The page of webhooks: made there, tested there, looked at there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from nicegui.testing import User

from admin_ui.pages.webhooks.parts import VERIFY
from scheduler.hooks import put_hook_jobs
from scheduler.jobs import run_job
from store.models import HookDelivery, HookEndpoint, HookState
from store.tenancy import organization_scope
from tests.admin_ui.desk import Desks, opened, until
from tests.scheduler.receiver import DOCS, documented, receiving
from tests.support.database import Database


@pytest.fixture
async def desks(database: Database, tmp_path: Path) -> AsyncIterator[Desks]:
    async with opened(tmp_path, CHATNATION__HOOKS__ALLOW_PRIVATE="true") as found:
        yield found


def value_of(user: User, marker: str) -> Any:
    return next(iter(user.find(marker=marker).elements))


async def send(desks: Desks) -> None:
    await put_hook_jobs(4)
    for row in await desks.stage.rows("SELECT id FROM jobs WHERE state = 'ready' AND name = 'core.deliver_hooks'"):
        with organization_scope(desks.organization_id):
            await run_job(desks.runtime, desks.organization_id, row["id"])


def test_the_page_teaches_what_the_docs_say() -> None:
    assert VERIFY in DOCS.read_text()


async def test_a_webhook_is_made_tested_and_its_answer_seen(desks: Desks) -> None:
    user = await desks.sit_down()
    await user.open("/webhooks")
    await user.should_see("No webhooks yet")
    await user.should_see("def verify")
    user.find(marker="new-hook").click()
    await user.should_see(marker="hook-url", retries=20)
    user.find(marker="hook-url").type("ftp://crm.example.com")
    value_of(user, "hook-events").set_value(["contact.created"])
    user.find(marker="hook-save").click()
    await user.should_see("Give an address that begins with https://", retries=20)
    async with receiving() as receiver:
        value_of(user, "hook-url").set_value(receiver.url)
        user.find(marker="hook-save").click()
        await user.should_see(marker="hook-secret", retries=20)
        secret = value_of(user, "hook-secret").text
        user.find(marker="hook-secret-kept").click()
        await until(lambda: user.back_history[-1].startswith("/webhooks/"))
        await user.should_see("A new contact")
        await user.should_not_see(secret)
        user.find(marker="hook-test").click()
        await until(lambda: "/deliveries/" in user.back_history[-1])
        await user.should_see("On its way…")
        await send(desks)
        await user.open(user.back_history[-1])
        await user.should_see("Taken at try 1")
        await user.should_see("Owner Person")
        [came] = receiver.came
        documented("verify")(secret, came.headers, came.body)


async def test_what_failed_is_told_and_can_be_turned_on_again(desks: Desks) -> None:
    with organization_scope(desks.organization_id):
        row = await HookEndpoint.create(
            url="https://crm.example.com/in",
            event_types=["contact.created"],
            description="CRM",
            secret="whsec_AAAA",
            created_by=f"user:{UUID(int=1)}",
            state=HookState.FAILING,
            state_reason="it answered 500",
        )
    await desks.stage.person("Ann").say("hi")
    user = await desks.sit_down()
    await user.should_see("The webhook CRM is off: it answered 500.")
    await user.open("/webhooks")
    await user.should_see("off, it failed for days")
    await user.open(f"/webhooks/{row.id}")
    user.find(marker="hook-catch-up").click()
    await until(lambda: user.notify.contains("On again; 1 on their way"))
    with organization_scope(desks.organization_id):
        assert (await HookEndpoint.get()).state is HookState.ON
        assert (await HookDelivery.get()).state == "ready"

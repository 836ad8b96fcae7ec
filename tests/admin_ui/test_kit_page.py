"""The parts of the kit that no page of ours uses yet, on a page of the test's own."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import pytest
from nicegui import ui

from admin_ui.kit import Desk, bound, button, confirm, page, toast, undo
from admin_ui.kit.map import FloorPlan
from admin_ui.kit.sortable import sortable
from admin_ui.kit.whatsapp_preview import whatsapp_preview
from bot.errors import Refused
from bot.messages import Choices, Option, Text
from bot.unit import Unit
from store.db import DatabaseAway
from store.tenancy import current_organization
from tests.admin_ui.desk import Desks, until

done: list[Any] = []


@page("/test-kit", title="Kit")
async def kit_page(desk: Desk) -> None:
    whatsapp_preview(
        Choices(text="*Pick* one", options=tuple(Option(title=f"Option {n}", payload=f"/x {n}") for n in range(5)))
    )
    whatsapp_preview(Text(text="long " * 2000))
    sortable(["first", "second", "third"], ui.label, _moved, label="Order")
    FloorPlan("/static/mark.svg", width_px=400, height_px=300, label="Hall")
    button("Remove", bound(_remove), mark="remove")
    button("Refuse", bound(_refuse), mark="refuse")
    button("Break", bound(_break), mark="break")
    button("Where", bound(_where, writes=False), mark="where")
    button("Slow", bound(_ask, writes=False), mark="slow")


async def _moved(order: list[str]) -> None:
    done.append(order)


async def _remove(work: Unit) -> None:
    work.audit("test.removed", subject="thing")

    async def back(work: Unit) -> None:
        work.audit("test.brought_back", subject="thing")

    undo("Removed", bound(back))


async def _refuse(work: Unit) -> None:
    work.audit("test.refused", subject="thing")
    raise Refused("there is no more room")


async def _break() -> None:
    raise RuntimeError("a secret of ours")


def _ask() -> None:
    async def slow() -> None:
        box.delete()  # as the browser has it, once the dialog has faded
        gc.collect()
        toast("It took its time")

    box = confirm("Sure?", "It takes a while.", "Yes", bound(slow, writes=False))


async def _where() -> None:
    done.append(current_organization())


async def _audited(desks: Desks) -> list[str]:
    from store import audit
    from store.tenancy import organization_scope

    with organization_scope(desks.organization_id):
        found, _ = await audit.entries(action="test.")
    return sorted(each.action for each in found)


async def test_a_preview_shows_what_is_sent_and_what_became_of_it(desks: Desks) -> None:
    user = await desks.sit_down()
    await user.open("/test-kit")
    await user.should_see("Option 4")  # five options are a list, not buttons
    await user.should_see("☰")
    await user.should_see("goes out as several messages")


async def test_a_list_is_put_in_order_by_its_arrows(desks: Desks) -> None:
    done.clear()
    user = await desks.sit_down()
    await user.open("/test-kit")
    assert user.client is not None
    down = [each for each in user.client.elements.values() if each.props.get("aria-label") == "Move down"]
    with user.client:
        for listener in list(down[0]._event_listeners.values()):
            await listener.handler()
    assert done == [["second", "first", "third"]]


async def test_what_was_done_can_be_taken_back(desks: Desks) -> None:
    user = await desks.sit_down()
    await user.open("/test-kit")
    user.find(marker="remove").click()
    await user.should_see("Undo", retries=20)
    user.find("Undo").click()
    await user.should_not_see("Undo", retries=20)
    for _ in range(40):
        if await _audited(desks) == ["test.brought_back", "test.removed"]:
            return
        await until(lambda: True)
    assert await _audited(desks) == ["test.brought_back", "test.removed"]


async def test_what_took_longer_than_its_dialog_is_told(desks: Desks) -> None:
    user = await desks.sit_down()
    await user.open("/test-kit")
    user.find(marker="slow").click()
    await user.should_see(marker="confirm", retries=20)
    user.find(marker="confirm").click()
    await until(lambda: user.notify.contains("It took its time"))


async def test_what_a_handler_refuses_is_said_and_leaves_nothing_behind(desks: Desks) -> None:
    user = await desks.sit_down()
    await user.open("/test-kit")
    user.find(marker="refuse").click()
    await until(lambda: user.notify.contains("There is no more room"))
    assert await _audited(desks) == []


async def test_a_broken_handler_gives_a_number_and_no_secrets(desks: Desks) -> None:
    user = await desks.sit_down()
    await user.open("/test-kit")
    user.find(marker="break").click()
    await until(lambda: user.notify.contains("tell us this number"))
    assert not user.notify.contains("a secret of ours")


async def test_a_handler_is_bound_to_the_organization_of_its_page(desks: Desks) -> None:
    done.clear()
    user = await desks.sit_down()
    await user.open("/test-kit")
    user.find(marker="where").click()
    await until(lambda: done)
    assert done == [desks.organization_id]


async def test_a_handler_of_who_was_signed_out_does_nothing(desks: Desks) -> None:
    from bot.identity.access import sign_out
    from store import people

    done.clear()
    user = await desks.sit_down()
    await user.open("/test-kit")
    person = await people.person_named("owner@savanna.example")
    assert person is not None
    for session in await people.sessions_of(person.id, now=desks.stage.clock.now()):
        await sign_out(session.id)
    user.find(marker="where").click()
    await until(lambda: user.notify.contains("You are signed out"))
    assert done == []


@page("/test-fault/{how}", title="Fault")
async def fault_page(desk: Desk, how: str) -> None:
    ui.label("half a page")
    if how == "slow":
        await asyncio.sleep(60)
    raise RuntimeError("a fault of ours")


@pytest.mark.parametrize("path", ["/test-fault/raises?at=2", "/test-fault/slow"])
async def test_a_page_that_fails_says_so_and_gives_a_number(
    desks: Desks, path: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("admin_ui.app.BUILD_S", 0.5)
    user = await desks.sit_down()
    answer = await user.http_client.get(path)
    [failed] = [each for each in caplog.records if each.getMessage() == "page failed"]
    assert answer.status_code == 500
    assert "This page does not work right now" in answer.text
    assert failed.number in answer.text  # type: ignore[attr-defined]
    assert path.replace("=", "&#61;") in answer.text or path in answer.text
    assert "half a page" not in answer.text
    caplog.clear()


async def test_before_anybody_is_known_a_failure_says_so_too(
    desks: Desks, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def away(*_: object, **__: object) -> None:
        raise DatabaseAway("the database is away")

    user = await desks.sit_down()
    monkeypatch.setattr("admin_ui.app.desk_for", away)
    user.http_client.cookies.set("cn_locale", "sw")
    answer = await user.http_client.get("/inbox")
    assert answer.status_code == 503
    assert "Ukurasa huu haufanyi kazi kwa sasa" in answer.text
    caplog.clear()

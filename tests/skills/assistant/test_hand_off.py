"""Asking for a person: kept where organizers find it, and answered with how to reach them."""

from __future__ import annotations

from bot.testing import Stage
from bot.testing.people import enrol
from store.jsonb import from_jsonb, to_jsonb
from store.models import Membership
from store.tenancy import organization_scope

CONTACT = {"phone": "+254 700 000 011", "hours": {"en": "weekdays 9 to 5", "sw": "siku za kazi"}}


async def settle_contact(stage: Stage, contact: object) -> None:
    await stage.rows("UPDATE organizations SET settings = $1::jsonb", to_jsonb({"contact": contact}))
    stage.runtime.directory.forget()


async def requests(stage: Stage) -> list[dict[str, object]]:
    found = await stage.rows("SELECT actor, subject, after FROM audit_entries WHERE action = 'handoff.requested'")
    return [{**row, "after": from_jsonb(row["after"])} for row in map(dict, found)]


async def test_a_request_is_kept_and_answered_with_how_to_reach_them(stage: Stage) -> None:
    await settle_contact(stage, CONTACT)
    ann, bob = stage.person("Ann"), stage.person("Bob")
    [said] = await ann.say("talk to a person")
    assert said.text.endswith("get in touch directly:\n📞 +254 700 000 011\n🕘 weekdays 9 to 5")
    [said] = await bob.say("nataka mtu")
    assert said.text.endswith("kuwasiliana nasi moja kwa moja:\n📞 +254 700 000 011\n🕘 siku za kazi")
    assert [row["subject"] for row in await requests(stage)] == [f"contacts:{each.contact_id}" for each in (ann, bob)]
    assert (await requests(stage))[0]["after"] == {"reason": "asked", "session": str(ann.session_id)}


async def test_where_people_answer_it_is_said_and_nobody_else_is_promised(stage: Stage) -> None:
    ann = stage.person("Ann")
    member = await enrol(stage.runtime, stage.organization_id, "vera@example.org", "viewer")
    stage.runtime.directory.forget()
    [said] = await ann.say("talk to a person")
    assert "Nobody answers in this chat" in said.text, "a viewer may read, not answer"
    with organization_scope(stage.organization_id):
        await Membership.filter(user_id=member).update(role="event_manager")
    stage.runtime.directory.forget()
    [said] = await ann.say("talk to a person")
    assert "can answer you right here" in said.text
    [said] = await ann.say("nataka mtu")
    assert "wanaweza kukujibu papa hapa" in said.text
    await ann.say("language")
    said, _ = await ann.say("I don't know")
    assert "*person* to ask one of us" in said.text or "*mtu* kumuuliza" in said.text


async def test_contact_settings_that_are_wrong_do_not_stop_the_chat(stage: Stage) -> None:
    await settle_contact(stage, {"phone": ["not", "one"]})
    [said] = await stage.person("Ann").say("agent")
    assert said.text.endswith("so I cannot say whether or when somebody gets back to you.")
    assert len(await requests(stage)) == 1

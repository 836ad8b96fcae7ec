"""The Channels pages and the inbox's templates, as one uses them; Meta is a fake at its port (tests/bot/numbers has the real wire)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from bot.demo.templates import TEMPLATES
from bot.messages import Template
from bot.provider import Finding, Introduced, Known, Line, NotConnected, NumberFacts, Outcome, TemplateFacts
from bot.testing.fakes import AwayProvider
from store.models import ChannelAccount
from store.tenancy import organization_scope
from tests.admin_ui.desk import Desks, until
from tests.admin_ui.test_inbox import open_inbox

PATIENCE = 40


class Meta(AwayProvider):
    """Knows one token, and finds one thing broken."""

    checks = {
        "token": {"en": "The access token lives", "sw": "Tokeni iko hai"},
        "subscribed": {"en": "The account sends to our app", "sw": "Akaunti inatuma kwa programu yetu"},
    }

    def __init__(self) -> None:
        self.is_subscribed = False

    async def introduce(self, line: Line) -> Introduced:
        if line.token != "good-token":
            raise NotConnected("token", {"en": "Meta does not accept this token", "sw": "Meta haikubali"})
        facts = NumberFacts(
            verified_name="Savanna", display_phone_number="+254 700 1", quality="GREEN", status="CONNECTED"
        )
        return Introduced("app-1", "portfolio-1", facts, None)

    async def templates(self, line: Line) -> Sequence[TemplateFacts]:
        return [
            TemplateFacts(
                str(number),
                each["name"],
                each["language"],
                each["category"],
                each.get("status", "APPROVED"),
                each.get("quality", ""),
                each.get("rejected_reason", ""),
                each.get("parameter_format", "POSITIONAL"),
                each["components"],
            )
            for number, each in enumerate(TEMPLATES)
        ]

    async def examine(self, line: Line, check: str, known: Known) -> Finding:
        is_bad = check == "subscribed" and not self.is_subscribed
        said = {"en": f"asked about {check}", "sw": "imeuliza"}
        came = {"en": "ours is not among them" if is_bad else "all well", "sw": "jibu"}
        mend = {"en": "Press Subscribe", "sw": "Bonyeza"} if is_bad else {}
        outcome = Outcome.BAD if is_bad else Outcome.GOOD
        return Finding(check=check, outcome=outcome, tried=said, came=came, mend=mend, at=known.now)

    async def subscribe(self, line: Line) -> None:
        self.is_subscribed = True


async def with_meta(desks: Desks) -> Meta:
    made = Meta()
    desks.runtime.provider = made
    with organization_scope(desks.organization_id):
        await ChannelAccount.all().update(waba_id="2001")
    return made


async def test_a_number_is_connected_examined_and_mended(desks: Desks) -> None:
    meta = await with_meta(desks)
    user = await desks.sit_down("admin")
    await user.open("/channels")
    user.find(marker="connect").click()
    await user.should_see(marker="connect-go", retries=PATIENCE)
    for marker, text in (
        ("phone-number-id", "99887766"),
        ("waba-id", "20022002"),
        ("token", "bad"),
        ("app-secret", "s"),
        ("verify-token", "v"),
    ):
        user.find(marker=marker).type(text)
    user.find(marker="connect-go").click()
    await user.should_see("Meta does not accept this token", retries=PATIENCE)
    user.find(marker="token").clear().type("good-token")
    user.find(marker="connect-go").click()
    await until(lambda: "/channels/" in user.back_history[-1])
    path = user.back_history[-1].partition("?")[0]
    assert "good-token" not in (await user.http_client.get(path)).text
    await user.open(path)
    await user.should_see("Nobody has looked yet")
    user.find(marker="again-subscribed").click()
    await user.should_see("ours is not among them", retries=PATIENCE)
    await user.should_see("Press Subscribe")
    user.find(marker="subscribe").click()
    await until(lambda: meta.is_subscribed)
    await user.should_see("all well", retries=PATIENCE)


async def test_who_may_only_look_is_offered_no_gesture(desks: Desks) -> None:
    await with_meta(desks)
    user = await desks.sit_down("event_manager")
    assert (await user.http_client.get("/channels")).status_code == 403
    assert (await user.http_client.get(f"/channels/{desks.stage.account_id}")).status_code == 403


async def test_another_organizations_number_is_not_there(desks: Desks) -> None:
    with organization_scope(desks.other_id):
        theirs = await ChannelAccount.first()
    assert theirs is not None
    user = await desks.sit_down("owner")
    assert (await user.http_client.get(f"/channels/{theirs.id}")).status_code == 404


async def test_the_inbox_sends_an_approved_template_by_its_fields(desks: Desks) -> None:
    await with_meta(desks)
    ann = desks.stage.person("Ann Wanjiku")
    await ann.say("hi")
    await desks.stage.move(timedelta(hours=25))
    user = await desks.sit_down("event_manager")
    await open_inbox(user, ann)
    await user.should_see(marker="window-closed", retries=PATIENCE)
    user.find(marker="template").click()
    await user.should_see(marker="template-name", retries=PATIENCE)
    (choice,) = user.find(marker="template-name").elements
    assert sorted(choice.options.values()) == [  # type: ignore[attr-defined]
        "doors_open · en",
        "hello_world · en",
        "ticket_ready · en",
        "ticket_ready · sw",
    ]
    key = next(key for key, name in choice.options.items() if name == "ticket_ready · en")  # type: ignore[attr-defined]
    choice.set_value(key)  # type: ignore[attr-defined]
    await user.should_see(marker="template-body:1", retries=PATIENCE)
    user.find(marker="send-template").click()
    await user.should_see("WhatsApp takes no empty value", retries=PATIENCE)
    for marker, text in (("body:1", "Ann"), ("body:2", "Night Market"), ("button:1", "hall")):
        user.find(marker=f"template-{marker}").type(text)
    user.find(marker="send-template").click()
    await until(lambda: user.notify.contains("Nobody recorded"))
    await agree(desks)
    user.find(marker="send-template").click()
    for _ in range(PATIENCE):
        if await _sent(desks, ann):
            break
        await asyncio.sleep(0.1)
    sent: Any = next(each.part for each in ann.heard if isinstance(each.part, Template))
    assert (sent.name, sent.components[0]["parameters"][0]["text"]) == ("ticket_ready", "Ann")


async def agree(desks: Desks) -> None:
    from store.models import Contact

    with organization_scope(desks.organization_id):
        await Contact.all().update(opted_in_at=desks.stage.clock.now())


async def _sent(desks: Desks, person: Any) -> bool:
    await desks.stage.settle()
    return any(isinstance(each.part, Template) for each in person.heard)

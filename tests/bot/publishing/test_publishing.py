"""An organization writes its own version of a skill: drafts, checks, publishing, rolling back, and what the others see of it: nothing."""

from __future__ import annotations

import asyncio

import pytest

from bot.errors import Refused
from bot.flows import load_skill
from bot.knowledge.open import open_knowledge
from bot.publishing import Unfit, service
from bot.publishing.serve import compiled_for
from bot.registry import Registry
from bot.runtime import WORKER_ADAPTERS
from bot.testing import Stage, found_organization
from bot.unit import open_unit
from store.jsonb import from_jsonb
from tests.bot.publishing.desk import Desk

HOURS = 'responses:\n  utter_shop_hours: [{text: "Usiku na mchana."}]\n'
ALWAYS = """\
slots:
  shop_count: {type: float}
  shop_street: {type: text}
responses:
  utter_ask_shop_count: [{text: "How many loaves?"}]
  utter_ask_shop_street: [{text: "To which street?"}]
  utter_shop_ordered: [{text: "{shop_count} loaves to {shop_street}."}]
  utter_shop_hours: [{text: "Always open."}]
"""


@pytest.fixture
def desk(stage: Stage) -> Desk:
    return Desk(stage)


async def test_a_draft_says_nothing_until_it_is_published(stage: Stage, desk: Desk) -> None:
    await desk.save("domain.yml", ALWAYS)
    assert (await stage.person("Ann").say("hours"))[0].text == "Open from 8 to 5."
    version = await desk.publish()
    assert (version.number, version.published_by, version.shipped_version) == (1, "user:jane", "1.0.0")
    assert dict(version.files) == {"domain.yml": ALWAYS}, "only what differs"
    assert (await stage.person("Bob").say("hours"))[0].text == "Always open."


async def test_another_organization_has_the_skill_as_shipped(stage: Stage, desk: Desk) -> None:
    other, _ = await found_organization("Other", "en", ["shop"])
    await desk.publish("domain.yml", ALWAYS)
    theirs = await compiled_for(stage.runtime, await stage.runtime.directory.organization(other))
    ours = await compiled_for(stage.runtime, await stage.runtime.directory.organization(stage.organization_id))
    assert theirs is stage.runtime.registry.compiled(["shop"])
    assert theirs.content_hash != ours.content_hash
    at_other = Desk(stage, organization_id=other)
    assert await at_other.do(service.versions, "shop") == []
    assert dict((await at_other.open()).files) == {}
    with pytest.raises(Refused, match="has no version 1"):
        await at_other.roll_back(1, 0)


async def test_two_editors_the_second_is_told_who_was_first(stage: Stage, desk: Desk) -> None:
    paul = Desk(stage, "user:paul")
    seen = await desk.open()
    await paul.save("locales/sw.yml", HOURS, revision=seen.revision)
    with pytest.raises(service.Moved, match=r"user:paul changed the draft of shop at .* revision 2, you have 1"):
        await desk.save("domain.yml", ALWAYS, revision=seen.revision)
    with pytest.raises(service.Moved):
        await desk.publish_seen(seen.revision)
    assert dict((await desk.open()).files) == {"locales/sw.yml": HOURS}, "what the first wrote stands"


async def test_a_draft_that_is_older_than_what_counts_is_not_published_unseen(stage: Stage, desk: Desk) -> None:
    first = await desk.publish("domain.yml", ALWAYS)
    draft = await desk.save("locales/sw.yml", (await sw(stage)).replace("Mtaa gani", "Barabara gani"))
    await desk.roll_back(0, first.number)
    with pytest.raises(service.Moved, match="made from version 1, and user:jane published version 2 since"):
        await desk.publish_seen(draft.revision)
    draft = await desk.do(service.rebase, "shop", revision=draft.revision)
    assert (await desk.publish_seen(draft.revision)).number == 3


async def test_a_draft_that_changes_after_it_was_examined_is_not_published(stage: Stage, desk: Desk) -> None:
    seen = await desk.save("domain.yml", ALWAYS)
    examined = await desk.examine()
    await Desk(stage, "user:paul").save("locales/sw.yml", HOURS, revision=seen.revision)
    with pytest.raises(service.Moved, match=r"user:paul changed the draft of shop at .* revision 3, you have 2"):
        await desk.do(service.publish, examined)
    assert await desk.do(service.versions, "shop") == []
    assert (await stage.person("Ann").say("hours"))[0].text == "Open from 8 to 5."


async def test_what_is_published_while_a_draft_is_examined_is_told(stage: Stage, desk: Desk) -> None:
    await desk.save("domain.yml", ALWAYS)
    examined, older = await desk.examine(), await service.examine_version(stage.runtime, desk.at, "shop", 0)
    published = await desk.do(service.publish, examined)
    with pytest.raises(service.Moved):
        await desk.do(service.publish, examined)
    with pytest.raises(service.Moved, match="changed while it was checked"):
        await desk.do(service.roll_back, older, current=published.number)
    assert len(await desk.do(service.versions, "shop")) == 1


async def test_another_skill_that_is_published_meanwhile_is_a_reason_to_look_again(stage: Stage, desk: Desk) -> None:
    await desk.save("domain.yml", ALWAYS)
    examined = await desk.examine()
    source = stage.runtime.registry.skills["tour"].source
    assert source is not None
    await desk.publish("domain.yml", source.files["domain.yml"] + "# ours\n", skill="tour")
    with pytest.raises(service.Moved, match="what counts beside the draft of shop changed while it was checked"):
        await desk.do(service.publish, examined)
    assert (await desk.publish()).number == 1


async def test_examining_waits_for_nobody_and_nobody_waits_for_it(stage: Stage, desk: Desk) -> None:
    await desk.save("domain.yml", ALWAYS)
    async with open_unit(stage.runtime, desk.at, actor="user:paul") as work:
        await service.rebase(work, "shop", revision=2)  # has the draft's row until the end
        assert (await asyncio.wait_for(service.examine(stage.runtime, desk.at, "shop"), 20)).errors == []


async def sw(stage: Stage) -> str:
    source = stage.runtime.registry.skills["shop"].source
    assert source is not None
    return source.files["locales/sw.yml"]


MISTAKES = {
    "flow": (
        "flows/order.yml",
        "flows:\n  shop_order:\n    steps:\n      - colect: shop_count\n",
        "flows/order.yml:4:",
    ),
    "no yaml": ("flows/order.yml", "flows: [\n", "flows/order.yml:2:"),
    "names nothing": (
        "flows/more.yml",
        "flows:\n  shop_more:\n    description: x\n    steps:\n      - action: utter_nothing\n",
        "flows/more.yml:5:",
    ),
    "locale": ("locales/sw.yml", "responses: [\n  utter_shop_hours\n", "locales/sw.yml:3:"),
}


@pytest.mark.parametrize("what", MISTAKES)
async def test_a_draft_with_mistakes_is_kept_and_not_published(stage: Stage, desk: Desk, what: str) -> None:
    path, text, place = MISTAKES[what]
    draft = await desk.save(path, text)
    errors = [str(each) for each in await desk.check() if each.severity == "error"]
    assert errors
    assert errors[0].startswith(place)
    with pytest.raises(service.NotSound, match=place):
        await desk.publish_seen(draft.revision)
    assert await desk.do(service.versions, "shop") == []
    [said, *_] = await stage.person("Ann").say("hours")
    assert said.text == "Open from 8 to 5."


async def test_what_does_not_stop_a_draft_is_told_with_its_place(desk: Desk) -> None:
    title = "A title that is much too long for a button"
    button = f'{{text: "Always.", buttons: [{{title: "{title}", payload: "/shop_gone"}}]}}'
    draft = await desk.save("domain.yml", ALWAYS.replace('{text: "Always open."}', button))
    told = [f"{each.file}:{each.line}:{each.column} {each.code}" for each in await desk.check()]
    assert told == ["domain.yml:8:50 CN-RESP-022", "domain.yml:8:50 CN-WA-002"]
    assert (await desk.publish_seen(draft.revision)).number == 1


async def test_a_sound_draft_has_nothing_to_be_said_of(desk: Desk) -> None:
    """The control of the test above."""
    await desk.save("domain.yml", ALWAYS)
    assert await desk.check() == []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("skill.yml", "name: shop\n"),
        ("actions.py", "import os\n"),
        ("../tour/domain.yml", "x"),
        ("/etc/passwd.yml", "x"),
        ("flows/../../x.yml", "x"),
        ("flows/.hidden.yml", "x"),
        ("knowledge/run.py", "x"),
        ("domain.yml", "a\x00b"),
        ("domain.yml", "x" * 1_000_001),
        ("flows/" + "x" * 300 + ".yml", "x"),
    ],
)
async def test_only_flows_texts_and_knowledge_may_be_written(desk: Desk, path: str, text: str) -> None:
    with pytest.raises(Unfit):
        await desk.save(path, text)
    assert dict((await desk.open()).files) == {}


async def test_the_text_as_shipped_is_no_difference(stage: Stage, desk: Desk) -> None:
    await desk.save("domain.yml", ALWAYS)
    source = stage.runtime.registry.skills["shop"].source
    assert source is not None
    draft = await desk.save("domain.yml", source.files["domain.yml"])
    assert dict(draft.files) == {}
    with pytest.raises(Refused, match="does not differ"):
        await desk.publish_seen(draft.revision)


async def test_diff_names_files_and_lines(desk: Desk) -> None:
    await desk.save("domain.yml", ALWAYS)
    await desk.save("knowledge/cakes.md", "# Cakes\nOn Sundays.\n")
    await desk.save("flows/hours.yml", None)
    changed, removed, added = await desk.do(service.diff, "shop")
    assert (changed.path, changed.what) == ("domain.yml", "changed")
    assert (
        '-  utter_shop_hours: [{text: "Open from 8 to 5."}]\n+  utter_shop_hours: [{text: "Always open."}]'
        in changed.text
    )
    assert (removed.path, removed.what) == ("flows/hours.yml", "removed")
    assert (added.path, added.what) == ("knowledge/cakes.md", "added")


async def test_rolling_back_is_a_new_version_and_is_written_down(stage: Stage, desk: Desk) -> None:
    await desk.publish("domain.yml", ALWAYS)
    await desk.publish("domain.yml", ALWAYS.replace("Always open", "Never open"))
    ann = stage.person("Ann")
    assert (await ann.say("hours"))[0].text == "Never open."
    made = await desk.roll_back(1, 2)
    assert (made.number, made.restores) == (3, 1)
    assert (await ann.say("hours"))[0].text == "Always open."
    await desk.roll_back(0, 3)
    assert (await ann.say("hours"))[0].text == "Open from 8 to 5."
    assert [each.number for each in await desk.do(service.versions, "shop")] == [4, 3, 2, 1]
    rows = await stage.rows("SELECT actor, action, subject, after FROM audit_entries ORDER BY at, id")
    done = [(row["actor"], row["action"], row["subject"]) for row in rows if row["action"] != "skill.draft_saved"]
    assert done == [
        ("user:jane", "skill.published", "skills:shop"),
        ("user:jane", "skill.published", "skills:shop"),
        ("user:jane", "skill.rolled_back", "skills:shop"),
        ("user:jane", "skill.rolled_back", "skills:shop"),
    ]
    assert from_jsonb(rows[-1]["after"])["restores"] == 0


async def test_rolling_back_what_somebody_else_published_is_told(desk: Desk) -> None:
    await desk.publish("domain.yml", ALWAYS)
    await desk.publish("domain.yml", ALWAYS.replace("Always open", "Never open"))
    with pytest.raises(service.Moved, match="version 2 of shop counts by now, not 1"):
        await desk.roll_back(0, 1)


async def test_knowledge_is_published_with_the_rest_and_leaves_the_flows_shared(stage: Stage, desk: Desk) -> None:
    version = await desk.publish("knowledge/cakes.md", "# Cakes\nOn Sundays.\n")
    assert version.number == 1
    found = await desk.do(service.knowledge_of, "shop")
    assert found == {
        "knowledge/bread.md": "# Bread\nWe bake at night.\n",
        "knowledge/cakes.md": "# Cakes\nOn Sundays.\n",
    }
    profile = await stage.runtime.directory.organization(stage.organization_id)
    assert await compiled_for(stage.runtime, profile) is stage.runtime.registry.compiled(["shop", "tour"])


async def test_questions_are_answered_from_the_knowledge_that_is_published(stage: Stage, desk: Desk) -> None:
    knowledge = await open_knowledge(stage.runtime)

    async def answer(question: str) -> list[str]:
        return [each.text for each in await knowledge.search(stage.organization_id, question)]

    assert await answer("when do you bake bread") == ["We bake at night."]
    await desk.publish("knowledge/cakes.md", "# Cakes\nCakes are there on Sundays.\n")
    assert await answer("cakes on sundays") == ["Cakes are there on Sundays."]
    assert await answer("when do you bake bread") == ["We bake at night."], "what is shipped still counts beside it"
    await desk.publish("knowledge/bread.md", "# Bread\nWe bake bread at noon.\n")
    assert await answer("when do you bake bread") == ["We bake bread at noon."]
    await desk.roll_back(0, 2)
    assert await answer("when do you bake bread") == ["We bake at night."]
    assert await answer("cakes on sundays") == []


async def test_a_chat_answers_from_what_its_organization_published_and_no_other_chat_does(
    stage: Stage, desk: Desk
) -> None:
    await stage.runtime.bind({port: WORKER_ADAPTERS[port] for port in ("knowledge", "router")})
    other_id, account_id = await found_organization("Other", "en", ["shop", "tour"])
    await desk.publish("knowledge/bread.md", "# Bread\nWe bake bread at noon.\n")
    question = "when do you bake bread?"

    ours = " ".join(each.text for each in await stage.person("Ann").say(question))
    assert "We bake bread at noon." in ours
    assert "at night" not in ours

    other = Stage(stage.runtime, stage.clock, other_id, account_id)
    theirs = " ".join(each.text for each in await other.person("Ben").say(question))
    assert "We bake at night." in theirs
    assert "noon" not in theirs


async def test_a_version_that_an_upgrade_of_the_skill_broke_gives_way_to_the_skill_as_shipped(
    stage: Stage, desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    await desk.publish("domain.yml", ALWAYS)
    tour = stage.runtime.registry.skills["tour"].source
    assert tour is not None
    own = tour.files["domain.yml"].replace("Which day?", "Which day or night?")
    await desk.publish("domain.yml", own, skill="tour")
    source = stage.runtime.registry.skills["shop"].source
    assert source is not None
    # The upgrade asks for something that the organization's own domain does not have.
    files = {**source.files, "flows/order.yml": source.files["flows/order.yml"].replace("shop_street", "shop_door")}
    files["domain.yml"] = files["domain.yml"].replace("shop_street", "shop_door")
    registry = stage.runtime.registry
    registry.skills["shop"].source = load_skill("shop", files)
    stage.runtime.registry = Registry(list(registry.skills.values()))
    ann = stage.person("Ann")
    assert (await ann.say("hours"))[0].text == "Open from 8 to 5."
    assert (await ann.say("tour"))[0].text == "Which day or night?", "the other skill's version still counts"
    assert any("does not fit the skill any more" in record.message for record in caplog.records)


async def test_who_wrote_at_the_draft_is_told_when_another_publishes_it(stage: Stage) -> None:
    from bot.identity.roles import Role
    from bot.testing.people import enrol
    from store.notifications import Board

    jane, ben, eve = [
        await enrol(stage.runtime, stage.organization_id, f"{name}@shop.example", Role.ADMIN)
        for name in ("jane", "ben", "eve")
    ]
    await Desk(stage, f"user:{jane}").save("domain.yml", ALWAYS)
    await Desk(stage, f"user:{ben}").publish("locales/sw.yml", HOURS)
    board = Board(stage.organization_id)
    [notice] = await board.latest(jane)
    assert (notice.kind, notice.link) == ("skill.published", "/skills/shop")
    assert [await board.latest(each) for each in (ben, eve)] == [[], []]

"""Conversations that are under way when a version is published or rolled back, or a skill is switched off."""

from __future__ import annotations

import pytest

from bot.accounts import Directory
from bot.publishing.stranded import Stranded, stranded
from bot.testing import Person, Stage
from tests.bot.publishing.desk import Desk

ORDER = """\
flows:
  shop_order:
    description: Orders bread
    words: {{en: [order]}}
    steps:
{steps}
"""
FIRST_GREETS = ORDER.format(
    steps="""\
      - action: utter_shop_hours
      - collect: shop_count
      - collect: shop_street
      - action: utter_shop_ordered"""
)
ONLY_STREET = ORDER.format(
    steps="""\
      - collect: shop_street
      - action: utter_shop_hours"""
)
CHANGED = "changed"  # a word of core's utter for pattern_code_change


@pytest.fixture
def desk(stage: Stage) -> Desk:
    return Desk(stage)


async def asked(stage: Stage, name: str = "Ann") -> Person:
    """Somebody who is asked how many loaves."""
    person = stage.person(name)
    assert [each.text for each in await person.say("order")] == ["How many loaves?"]
    return person


def texts(said: object) -> list[str]:
    return [each.text for each in said]  # type: ignore[attr-defined]


async def domain(stage: Stage, old: str, new: str) -> str:
    source = stage.runtime.registry.skills["shop"].source
    assert source is not None
    assert old in source.files["domain.yml"]
    return source.files["domain.yml"].replace(old, new)


async def test_a_step_that_is_still_there_goes_on_in_new_words(stage: Stage, desk: Desk) -> None:
    ann = await asked(stage)
    await desk.publish("domain.yml", await domain(stage, "To which street?", "Where to?"))
    assert texts(await ann.say("3")) == ["Where to?"]
    await desk.roll_back(0, 1)
    assert texts(await ann.say("Moi Avenue"))[0] == "3 loaves to Moi Avenue."


async def test_a_question_that_moved_is_begun_anew(stage: Stage, desk: Desk) -> None:
    """A number can only be the answer and counts; free text may be anything, so the question is put again."""
    ann = await asked(stage)
    await desk.publish("flows/order.yml", FIRST_GREETS)
    assert texts(await ann.say("3")) == ["To which street?"]
    await desk.roll_back(0, 1)
    assert texts(await ann.say("Moi Avenue")) == ["To which street?"]
    assert texts(await ann.say("Moi Avenue"))[0] == "3 loaves to Moi Avenue."


async def test_a_question_that_moved_is_put_again_to_who_says_something_else(stage: Stage, desk: Desk) -> None:
    ann = await asked(stage)
    await desk.publish("flows/order.yml", FIRST_GREETS)
    assert texts(await ann.say("hours"))[0] == "Open from 8 to 5."
    assert "How many loaves?" in texts(ann.heard)[-1] or "order" in texts(ann.heard)[-1].lower()


async def test_a_question_that_is_gone_ends_the_flow_and_says_so(stage: Stage, desk: Desk) -> None:
    ann = await asked(stage)
    await desk.publish("flows/order.yml", ONLY_STREET)
    said = texts(await ann.say("3"))
    assert CHANGED in " ".join(said)
    state = await ann.state()
    assert [frame.flow for frame in state.stack] == []
    assert "shop:shop_count" not in state.slots
    assert texts(await ann.say("order")) == ["To which street?"], "the new flow can be started"
    await desk.roll_back(0, 1)
    await ann.say("Moi Avenue")
    assert texts(await ann.say("order"))[-1] in ("How many loaves?", "To which street?")


async def test_a_slot_that_asks_for_something_else_now_forgets_what_does_not_fit(stage: Stage, desk: Desk) -> None:
    ann = await asked(stage)
    await ann.say("3")
    choice = "shop_count: {type: categorical, values: [few, many]}"
    await desk.publish("domain.yml", await domain(stage, "shop_count: {type: float}", choice))
    await ann.say("Moi Avenue")
    assert (await ann.slots()).get("shop:shop_count") is None


async def test_a_step_id_that_means_another_question_now_asks_it(stage: Stage, desk: Desk) -> None:
    steps = "      - {{id: ask, collect: {slot}}}\n      - action: utter_shop_hours"
    await desk.publish("flows/order.yml", ORDER.format(steps=steps.format(slot="shop_count")))
    ann = await asked(stage)
    await desk.publish("flows/order.yml", ORDER.format(steps=steps.format(slot="shop_street")))
    assert texts(await ann.say("3"))[-1] == "To which street?"
    assert texts(await ann.say("Moi Avenue"))[0] == "Open from 8 to 5."


async def test_a_skill_that_is_switched_off_ends_its_conversation_kindly(stage: Stage) -> None:
    ann = await asked(stage)
    await stage.rows("UPDATE skill_installs SET enabled = false WHERE skill = 'shop'")
    stage.runtime.directory.forget()  # other processes: within FRESH_S
    said = texts(await ann.say("3"))
    assert CHANGED in " ".join(said)
    assert (await ann.state()).stack == []
    assert texts(await ann.say("tour")) == ["Which day?"], "the other skills answer"
    await stage.rows("UPDATE skill_installs SET enabled = true WHERE skill = 'shop'")
    stage.runtime.directory.forget()
    assert "How many loaves?" in texts(await (stage.person("Bob")).say("order"))


async def test_the_directory_finds_a_new_version_by_itself(stage: Stage, desk: Desk) -> None:
    stage.runtime.directory = Directory(fresh_s=0.0)
    ann = stage.person("Ann")
    await ann.say("hours")
    text = await domain(stage, "Open from 8 to 5.", "Always open.")
    draft = await desk.save("domain.yml", text)
    await desk.publish_seen(draft.revision)  # without forget(): as another process sees it
    assert texts(await ann.say("hours"))[0] == "Always open."


# -- before it is published


async def test_stranded_counts_conversations_by_flow_and_step(stage: Stage, desk: Desk) -> None:
    for name in ("Ann", "Bob"):
        await asked(stage, name)
    eve = await asked(stage, "Eve")
    await eve.say("3")
    await stage.person("Tom").say("tour")
    await stage.person("Idle").say("hours")
    await desk.save("flows/order.yml", ONLY_STREET)
    found = await stranded(stage.organization_id, await desk.compiled())
    assert found == [
        Stranded("shop:shop_order", "0_collect_shop_count", "dropped", 2),
        Stranded("shop:shop_order", "1_collect_shop_street", "asked again", 1),
    ]
    await desk.save("flows/order.yml", FIRST_GREETS)
    found = await stranded(stage.organization_id, await desk.compiled())
    assert [(each.fate, each.conversations) for each in found] == [("asked again", 2), ("asked again", 1)]
    await desk.save("flows/order.yml", None)
    found = await stranded(stage.organization_id, await desk.compiled())
    assert sum(each.conversations for each in found) == 3
    assert {each.fate for each in found} == {"dropped"}


async def test_what_it_foretells_is_what_happens(stage: Stage, desk: Desk) -> None:
    people = [await asked(stage, "Ann"), await asked(stage, "Bob")]
    await people[1].say("3")
    await desk.save("flows/order.yml", ONLY_STREET)
    foretold = {each.step: each.fate for each in await stranded(stage.organization_id, await desk.compiled())}
    await desk.publish()
    told = [CHANGED in " ".join(texts(await each.say("4"))) for each in people]
    assert foretold == {"0_collect_shop_count": "dropped", "1_collect_shop_street": "asked again"}
    assert told == [True, False]


async def test_a_text_change_strands_nobody(stage: Stage, desk: Desk) -> None:
    await asked(stage)
    await desk.save("domain.yml", await domain(stage, "To which street?", "Where to?"))
    assert await stranded(stage.organization_id, await desk.compiled()) == []

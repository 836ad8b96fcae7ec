"""Whole conversations with the registration skill, through load, compile, understand and advance."""

from __future__ import annotations

import pytest

from bot.flows import ActionResult, Phase, Say
from tests.bot.flows.registration import DOMAIN, FILES, FLOWS
from tests.bot.flows.talk import Talk, compiled

COMPLETED = "Is there anything else? Just write to me."


@pytest.fixture
def talk() -> Talk:
    saved = lambda seen: ActionResult(messages=[Say(f"Saved {seen['full_name']}.")])  # noqa: E731
    return Talk(compiled(FLOWS, DOMAIN, **FILES), actions={"shop_register": saved})


def fill(talk: Talk, *messages: str) -> list[str]:
    said: list[str] = []
    for message in messages:
        said = talk.write(message)
    return said


def test_from_the_wish_to_the_action(talk: Talk) -> None:
    assert talk.state.phase == Phase.IDLE
    assert talk.write("sign me up") == ["What is your name?"]
    assert talk.state.phase == Phase.LOCKED
    assert talk.write("My name is Ann Wanjiru") == ["Your e-mail?"]
    assert talk.write("it is ann@x.co") == ["Gold or Silver?"]
    assert talk.write("the second one") == ["How many seats?"]
    assert talk.write("two please") == ["Ann Wanjiru, ann@x.co, Silver, 2: right?"]
    assert talk.write("ndiyo") == ["Saved Ann Wanjiru.", COMPLETED]
    assert talk.ran == ["shop:shop_register"]
    assert talk.state.phase == Phase.IDLE
    assert talk.state.slots == {}


def test_a_tap_is_an_answer(talk: Talk) -> None:
    fill(talk, "register", "Ann W", "ann@x.co")
    assert talk.tap("Gold") == ["Do you want the lounge?"]


def test_a_refused_answer_says_why_and_asks_again(talk: Talk) -> None:
    fill(talk, "register", "Ann W")
    assert talk.write("nonsense") == ["nonsense is no e-mail.", "Your e-mail?"]
    assert talk.slot("email") is None


def test_each_wrong_answer_helps_more(talk: Talk) -> None:
    fill(talk, "register", "Ann W", "ann@x.co")
    assert talk.write("platinum") == [
        "I am not sure which one you mean. Please tap one, or write its name or number.",
        "Gold or Silver?",
    ]
    assert talk.write("bronze") == [
        "Please tap one of these, or write its number:\n1. Gold\n2. Silver",
        "Gold or Silver?",
    ]
    stuck, question = talk.write("wood")
    assert (stuck[:15], question) == ("We are a bit st", "Gold or Silver?")
    [said] = talk.write("talk to a person")
    assert said.startswith("I have noted that you would like to talk to a person")
    assert talk.asked == "tier"  # the question stands, but is not put again


def test_swahili_texts_with_english_for_what_is_not_translated(talk: Talk) -> None:
    talk.locale = "sw-KE"
    assert talk.write("nisajili") == ["Jina lako nani?"]
    assert talk.write("Ann W") == ["Your e-mail?"]
    assert talk.write("ghairi") == ["Sawa, nimesimamisha: usajili.", "Kuna kingine? Niandikie tu."]


def test_another_flow_in_between_and_back(talk: Talk) -> None:
    fill(talk, "register", "Ann W")
    assert talk.write("opening hours") == [
        "From 9 to 5.",
        "We have not finished this yet: *registration*. Shall we go on with it?",
    ]
    assert talk.write("yes") == ["Your e-mail?"]


def test_the_waiting_answer_may_be_given_instead_of_yes(talk: Talk) -> None:
    fill(talk, "register", "Ann W", "ann@x.co", "Silver", "hours")
    assert talk.write("4") == ["Ann W, ann@x.co, Silver, 4: right?"]


def test_no_leaves_the_interrupted_flow(talk: Talk) -> None:
    fill(talk, "register", "Ann W", "hours")
    assert talk.write("no") == ["Okay, I have left it."]
    assert talk.state.stack == []
    assert talk.state.slots == {}


def test_an_interrupting_flow_that_needs_the_same_slot_gives_it_back(talk: Talk) -> None:
    fill(talk, "register", "Ann W", "ann@x.co", "Silver")
    assert talk.write("send me news") == ["Your e-mail?"]
    assert talk.write("other@x.co") == [
        "Subscribed other@x.co.",
        "We have not finished this yet: *registration*. Shall we go on with it?",
    ]
    assert talk.write("yes") == ["How many seats?"]
    assert talk.slot("email") == "ann@x.co"


def test_cancel_resets_the_slots(talk: Talk) -> None:
    fill(talk, "register", "Ann W")
    assert talk.write("cancel please") == ["Okay, I have stopped: registration.", COMPLETED]
    assert talk.state.slots == {}


def test_nothing_to_cancel(talk: Talk) -> None:
    assert talk.write("cancel") == ["There is nothing to cancel right now."]


def test_not_understood(talk: Talk) -> None:
    assert talk.write("qwertz") == [
        "Sorry, I did not understand that. Could you put it another way? *menu* shows what I can do."
    ]


def test_back_asks_the_question_before(talk: Talk) -> None:
    fill(talk, "register", "Ann W", "ann@x.co")
    assert talk.write("back") == ["Your e-mail?"]
    assert talk.write("rudi") == ["What is your name?"]
    assert talk.write("back") == ["This is the first question.", "What is your name?"]


def test_repeat_says_the_last_messages_again(talk: Talk) -> None:
    fill(talk, "register", "Ann W")
    talk.write("nonsense")
    assert talk.write("repeat") == ["nonsense is no e-mail.", "Your e-mail?"]
    assert talk.write("ann@x.co") == ["Gold or Silver?"]
    talk.write("say that again")
    assert talk.buttons == ["Gold", "Silver"]
    assert talk.write("2") == ["How many seats?"]


def test_skip_is_declined_kindly(talk: Talk) -> None:
    fill(talk, "register", "Ann W")
    assert talk.write("skip") == ["I need this answer to go on. You can also write *cancel* to stop.", "Your e-mail?"]


def test_restart_forgets_everything(talk: Talk) -> None:
    fill(talk, "register", "Ann W")
    assert talk.write("start over") == ["All right, let us start over."]
    assert talk.state.stack == []
    assert talk.state.slots == {}


def test_asking_for_what_is_already_running_puts_its_question_again(talk: Talk) -> None:
    fill(talk, "register", "Ann W")
    assert talk.write("sign me up") == ["Your e-mail?"]
    assert talk.open_flows == ["register"]


def test_a_flow_on_the_stack_is_not_started_twice_but_resumed(talk: Talk) -> None:
    fill(talk, "register", "Ann W", "send me news")
    assert talk.open_flows == ["register", "newsletter"]
    assert talk.write("sign me up") == ["Your e-mail?"]
    assert talk.open_flows == ["newsletter", "register"]

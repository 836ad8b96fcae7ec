"""What a message means to the open question, and without one."""

from __future__ import annotations

from typing import Any

import pytest

from bot.flows import (
    Back,
    Cancel,
    CannotHandle,
    Clarify,
    Command,
    FlowState,
    HandOff,
    Repeat,
    Restart,
    Retry,
    SetSlot,
    SkipQuestion,
    StartFlow,
    Unusable,
    UserText,
    View,
    advance,
)
from bot.messages import (
    Choice,
    ContactCard,
    ContactCards,
    FormReply,
    Inbound,
    Location,
    Media,
    MediaKind,
    Reaction,
    Text,
    Unsupported,
)
from bot.understand import understand
from tests.bot.flows.talk import NOW, compiled

SLOTS = {
    "text": "{type: text}",
    "bool": "{type: bool}",
    "float": "{type: float}",
    "tier": "{type: categorical, values: [Gold, Silver, Very Important]}",
    "action": "{type: categorical, values: [cancel, move]}",
    "email": "{type: text, accept: email}",
    "phone": "{type: text, accept: phone}",
    "name": "{type: text, accept: name}",
    "place": "{type: any, accept: location}",
    "photo": "{type: any, accept: image}",
    "paper": "{type: any, accept: document}",
    "file": "{type: any, accept: media}",
    "card": "{type: any, accept: contact}",
    "option": "{type: text}",
    "forced": "{type: text}",
    "checked": "{type: text, accept: email}",
}
DOMAIN = (
    "slots: {"
    + ", ".join(f"{name}: {kind}" for name, kind in SLOTS.items())
    + "}\nresponses:\n  utter_no: [{text: no}]\n"
    + "".join(f"  utter_ask_{name}: [{{text: q}}]\n" for name in SLOTS if name != "option")
    + """
  utter_ask_option:
    - text: q
      buttons:
        - {title: Morning session, payload: /SetSlots(option=am)}
        - {title: Afternoon session, payload: pm}
        - {title: Stop, payload: stopped}
"""
)
FLOWS = (
    "flows:\n"
    + "".join(
        f"  ask_{name}: {{description: x, if: false, steps: [{{collect: {name}}}]}}\n"
        for name in SLOTS
        if name not in ("forced", "checked")
    )
    + """
  ask_forced: {description: x, if: false, steps: [{collect: forced, force_slot_filling: true}]}
  ask_checked: {description: x, if: false, steps: [{collect: checked, rejections: [{if: true, utter: utter_no}]}]}
  my_tickets: {description: Shows tickets, name: my tickets, steps: [{action: utter_no}]}
  shop_see_event: {description: Shows an event, nlu_trigger: [{intent: see}], steps: [{action: utter_no}]}
  menu: {description: Menu, words: {en: [menu, "hi there"], sw: [menyu]}, steps: [{action: utter_no}]}
  stop: {description: Opt out, words: [stop], steps: [{action: utter_no}]}
"""
)
NLU = """
nlu:
  - intent: my_tickets
    examples: |
      - where are my tickets
      - show the booking
  - intent: see
    examples: |
      - show the programme of the event
      - show the booking
"""
FLOWS_COMPILED = compiled(FLOWS, DOMAIN, **{"nlu.yml": NLU})
HOME = FlowState()


def asking(slot: str) -> FlowState:
    return advance(FLOWS_COMPILED, FlowState(), [StartFlow(f"ask_{slot}", forced=True)], View(now=NOW)).state


def hear(message: str | Inbound, asked: str | None = None, **options: Any) -> list[Command]:
    part = Text(text=message) if isinstance(message, str) else message
    state = asking(asked) if asked else HOME
    return understand(part, state, FLOWS_COMPILED, **{"locale": "en", "now": NOW, **options})


def value_of(message: str | Inbound, asked: str, **options: Any) -> Any:
    """The value that the message gives to the asked slot; None when it is no answer."""
    commands = hear(message, asked, **options)
    assert len(commands) == 1
    command = commands[0]
    if isinstance(command, SetSlot):
        assert command.name.rpartition(":")[2] == asked
        return command.value
    return None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("yes", True), ("Yes please!", True), ("OK", True), ("ndiyo", True), ("Sawa sawa", True), ("ehe", True), ("fiti", True),
        ("👍🏾", True), ("✅", True), ("yes, go ahead", True),
        ("That's fine", True), ("looks good", True), ("perfect!", True), ("iko sawa", True), ("kila kitu ni sawa", True),
        ("no", False), ("No thanks", False), ("hapana", False), ("zii", False), ("👎", False), ("si kweli", False),
        ("perhaps", None), ("👍👎", None), ("yes and no", None), ("what does it cost to register no idea", None), ("2", None),
    ],
)  # fmt: skip
def test_yes_and_no(text: str, expected: bool | None) -> None:
    assert value_of(text, "bool") is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2", 2), ("2 tickets please", 2), ("2.5", 2.5), ("2,5", 2.5), ("1,500", 1500), ("1 500", 1500), ("KSh 2,500.50", 2500.5),
        ("2k", 2000), ("-3", -3), ("two", 2), ("a dozen", 12), ("twenty five", 25), ("one hundred and five", 105),
        ("two thousand three hundred", 2300), ("mbili", 2), ("watu wawili", 2), ("ishirini na tano", 25), ("mia moja", 100),
        ("elfu mbili mia tatu", 2300), ("kumi na moja", 11),
        ("2 or 3", None), ("two or three", None), ("many", None), ("", None),
    ],
)  # fmt: skip
def test_numbers_in_digits_and_words(text: str, expected: float | None) -> None:
    assert value_of(text, "float") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("gold", "Gold"), ("SILVER!", "Silver"), ("sliver", "Silver"), ("2", "Silver"), ("the second one", "Silver"),
        ("ya tatu", "Very Important"), ("last", "Very Important"), ("I take the gold", "Gold"), ("very importent", "Very Important"),
        ("bronze", None), ("4", None),
    ],
)  # fmt: skip
def test_values_of_a_list(text: str, expected: str | None) -> None:
    assert value_of(text, "tier") == expected


def test_an_offered_value_wins_over_a_global_word() -> None:
    assert value_of("cancel", "action") == "cancel"
    assert value_of("Stop", "option") == "stopped"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1", "am"),
        ("afternoon session", "pm"),
        ("the afternoon", "pm"),
        ("whenever", None),
        ("Afternon session", "pm"),
        ("namba 2", "pm"),
        ("two", "pm"),
        ("namba mbili", "pm"),
        ("moja", "am"),
        ("zero", None),
        ("morning session please", "am"),
    ],
)
def test_offered_options(text: str, expected: str | None) -> None:
    commands = hear(text, "option")
    assert commands == (
        [SetSlot("option" if expected == "am" else "shop:option", expected, "button")] if expected else [UserText(text)]
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("it is Ann.W+x@mail.co.ke, thanks", "Ann.W+x@mail.co.ke"),
        ("ann@x", None),
        ("a@x.co or b@x.co", None),
        ("none", None),
    ],
)
def test_email(text: str, expected: str | None) -> None:
    assert value_of(text, "email") == expected


@pytest.mark.parametrize(
    ("text", "country", "expected"),
    [
        ("0712 345 678", "KE", "+254712345678"),
        ("my number is +255 712 345 678", "KE", "+255712345678"),
        ("0712345678", "TZ", "+255712345678"),
        ("12", "KE", None),
    ],
)
def test_phone_in_international_form(text: str, country: str, expected: str | None) -> None:
    assert value_of(text, "phone", country=country) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ann Wanjiru", "Ann Wanjiru"), ("my name is Ann", "Ann"), ("I'm Ann W.", "Ann W"), ("Naitwa Juma Otieno", "Juma Otieno"),
        ("Ngũgĩ wa Thiong'o", "Ngũgĩ wa Thiong'o"), ("why do you ask?", None), ("12345", None), ("a@x.co", None),
    ],
)  # fmt: skip
def test_a_persons_name(text: str, expected: str | None) -> None:
    assert value_of(text, "name") == expected


def test_what_is_no_email_goes_to_the_flow_that_has_words_for_it() -> None:
    assert hear("none", "checked") == [UserText("none")]
    assert hear("none", "email") == [CannotHandle("")]


def test_free_text_is_the_answer_as_it_is() -> None:
    assert hear("Anything, really? 5", "text") == [UserText("Anything, really? 5")]


def test_free_text_does_not_swallow_global_words_and_known_wishes() -> None:
    assert hear("cancel", "text") == [Cancel()]
    assert hear("Menu", "text") == [StartFlow("shop:menu")]
    assert hear("where are my tickets?", "text") == [StartFlow("shop:my_tickets")]


def test_forced_text_is_taken_whatever_it_says() -> None:
    assert hear("cancel", "forced") == [UserText("cancel")]


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("Cancel please", Cancel()), ("ghairi", Cancel()), ("acha", Cancel()), ("back", Back()), ("rudi nyuma", Back()),
        ("repeat", Repeat()), ("sema tena", Repeat()), ("I", None), ("talk to a human", HandOff()), ("nataka mtu", HandOff()),
        ("start over", Restart()), ("anza upya", Restart()), ("skip", SkipQuestion()), ("ruka", SkipQuestion()),
        ("STOP", StartFlow("shop:stop")), ("menyu", StartFlow("shop:menu")), ("Hi there!", StartFlow("shop:menu")),
    ],
)  # fmt: skip
@pytest.mark.parametrize("locale", ["en", "sw-KE", "fr"])
def test_global_words_in_both_languages_whatever_the_locale(text: str, command: Command | None, locale: str) -> None:
    assert hear(text, locale=locale) == [command or CannotHandle("")]


@pytest.mark.parametrize("word", ["help", "msaada"])
def test_help_without_a_flow_for_it_offers_what_can_be_started(word: str) -> None:
    assert hear(word) == [Clarify(("shop:my_tickets", "shop:shop_see_event", "shop:menu", "shop:stop"))]


@pytest.mark.parametrize(
    ("text", "commands"),
    [
        ("my tickets", [StartFlow("shop:my_tickets")]),
        ("see event", [StartFlow("shop:shop_see_event")]),
        ("Where are my tickets??", [StartFlow("shop:my_tickets")]),
        ("please show programme of event", [StartFlow("shop:shop_see_event")]),
        ("show the booking", [Clarify(("shop:my_tickets", "shop:shop_see_event"))]),
        ("ask bool", [CannotHandle("")]),  # its guard says no
        ("pattern cancel flow", [CannotHandle("")]),
        ("the weather tomorrow", [CannotHandle("")]),
    ],
)
def test_wishes_by_name_and_example(text: str, commands: list[Command]) -> None:
    assert hear(text) == commands


# -- payloads -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("payload", "commands"),
    [
        ("/SetSlots(a=1, b= two words )", [SetSlot("a", "1", "button"), SetSlot("b", "two words", "button")]),
        ("/SetSlots(a=null)", [SetSlot("a", None, "button")]),
        ("/start shop:menu", [StartFlow("shop:menu")]),
        ("/my_tickets", [StartFlow("shop:my_tickets")]),
        ('/see{"tier": "Gold"}', [StartFlow("shop:shop_see_event", forced=True), SetSlot("tier", "Gold", "button")]),
        ("/cancel", [Cancel()]),
        ("/handoff", [HandOff()]),
        ("/retry", [Retry()]),
        ("my tickets", [StartFlow("shop:my_tickets")]),  # free text, as if typed
        ("/SetSlots(nonsense)", [CannotHandle("")]),
        ("/see{broken", [CannotHandle("")]),
    ],
)
def test_payload_of_a_verified_option(payload: str, commands: list[Command]) -> None:
    assert hear(Choice(option_id="x", title="t"), option_payload=payload) == commands


def test_a_typed_payload_is_no_button() -> None:
    assert hear("/SetSlots(a=1)") == [SetSlot("a", "1", "user")]


def test_a_tap_that_was_not_verified_counts_by_its_title() -> None:
    assert hear(Choice(option_id="x", title="menu")) == [StartFlow("shop:menu")]


# -- other parts ----------------------------------------------------------------------------------

IMAGE = Media(kind=MediaKind.IMAGE, media_id="m1", mime_type="image/jpeg", caption="me")
VOICE = Media(kind=MediaKind.VOICE, media_id="m2")
PLACE = Location(latitude=-1.28, longitude=36.82, name="KICC")
CARD = ContactCards(cards=(ContactCard(name="Ann", phones=("0712345678",), emails=("a@x.co",)),))


def test_parts_that_the_question_takes() -> None:
    assert value_of(IMAGE, "photo")["media_id"] == "m1"
    assert value_of(VOICE, "file")["kind"] == "voice"
    assert value_of(PLACE, "place") == {"latitude": -1.28, "longitude": 36.82, "name": "KICC", "address": ""}
    assert value_of(CARD, "card")["name"] == "Ann"
    assert value_of(CARD, "phone") == "+254712345678"
    assert value_of(CARD, "name") == "Ann"
    assert value_of(CARD, "email") == "a@x.co"


@pytest.mark.parametrize(
    ("part", "asked", "what"),
    [
        (IMAGE, "text", "image"),
        (IMAGE, "paper", "image"),
        (IMAGE, None, "image"),
        (VOICE, "photo", "voice"),
        (PLACE, "bool", "location"),
        (CARD, "bool", "contacts"),
        (ContactCards(cards=()), "card", "contacts"),
        (FormReply(response=[1]), None, "form_reply"),
        (Unsupported(what="order"), "text", "order"),
    ],
)
def test_parts_that_cannot_be_used_here(part: Inbound, asked: str | None, what: str) -> None:
    assert hear(part, asked) == [Unusable(what)]


def test_a_form_fills_slots() -> None:
    assert hear(FormReply(response={"tier": "Gold", "float": 2})) == [
        SetSlot("tier", "Gold", "button"),
        SetSlot("float", 2, "button"),
    ]


def test_a_thumb_on_the_question_answers_it_and_other_reactions_ask_for_nothing() -> None:
    thumb = Reaction(message_id="m", emoji="👍")
    assert value_of(thumb, "bool") is True
    assert hear(thumb, "text") == []
    assert hear(Reaction(message_id="m", emoji="🎉"), "bool") == []
    assert hear(Reaction(message_id="m"), "bool") == []


@pytest.mark.parametrize(
    "text",
    ["", "   ", "\n", "🎉", "\u0000", "x" * 100_000, "((((((", "{{slots}}", "/", "/SetSlots(" + "a=1," * 5000 + ")"],
)
@pytest.mark.parametrize("asked", [None, "bool", "float", "tier", "option", "email", "phone", "name"])
def test_any_text_is_understood_or_not_but_never_raises(text: str, asked: str | None) -> None:
    assert hear(text, asked)

"""Our JSON is the contract's; for what pywa can build, it is pywa's."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from pywa import WhatsApp
from pywa import types as pywa

from bot.messages import Choices, ContactCard, MediaKind, Option
from bot.render import (
    Button,
    RButtons,
    RContacts,
    RCta,
    Rendered,
    RFlow,
    RList,
    RLocation,
    RLocationRequest,
    RMedia,
    Row,
    RReaction,
    RTemplate,
    RText,
    Section,
    render,
)
from channels.whatsapp.outbound import mark_read, to_json

TO, URL = "+254712000001", "https://example.org/a"
Send = Callable[[WhatsApp], object]


def sent_by_pywa(send: Send) -> dict[str, Any]:
    bodies: list[dict[str, Any]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        bodies.append(json.loads(request.content))
        accepted = {"contacts": [{"input": TO, "wa_id": TO}], "messages": [{"id": "wamid.1"}], "success": True}
        return httpx.Response(200, json={"messaging_product": "whatsapp"} | accepted)

    send(WhatsApp(phone_id="1", token="t", session=httpx.Client(transport=httpx.MockTransport(answer))))
    return bodies[-1]


def filled(value: Any) -> Any:
    """Without the nulls and empty lists that pywa writes for what was not given."""
    if isinstance(value, dict):
        return {key: filled(item) for key, item in value.items() if item not in (None, [])}
    return [filled(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (RText("Hi", preview_url=True), lambda wa: wa.send_message(to=TO, text="Hi", preview_url=True)),
        (
            RButtons("Pick", (Button("1", "Yes"), Button("2", "No")), header="H", footer="F"),
            lambda wa: wa.send_message(
                to=TO,
                text="Pick",
                header="H",
                footer="F",
                buttons=[pywa.Button("Yes", callback_data="1"), pywa.Button("No", callback_data="2")],
            ),
        ),
        (
            RList("Pick", "Open", (Section((Row("1", "A", "d"), Row("2", "B")), "S"),), footer="F"),
            lambda wa: wa.send_message(
                to=TO,
                text="Pick",
                footer="F",
                buttons=pywa.SectionList(
                    "Open",
                    [
                        pywa.Section(
                            "S",
                            [
                                pywa.SectionRow("A", callback_data="1", description="d"),
                                pywa.SectionRow("B", callback_data="2"),
                            ],
                        )
                    ],
                ),
            ),
        ),
        (
            RCta("Read", "Open", URL),
            lambda wa: wa.send_message(to=TO, text="Read", buttons=pywa.URLButton("Open", URL)),
        ),
        (RLocationRequest("Where?"), lambda wa: wa.request_location(to=TO, text="Where?")),
        (
            RFlow("Tell", "7", "Start", "tok", screen="S", data={"a": 1}),
            lambda wa: wa.send_message(
                to=TO,
                text="Tell",
                buttons=pywa.FlowButton(
                    "Start",
                    flow_id="7",
                    flow_token="tok",
                    mode="published",
                    flow_action_type="navigate",
                    flow_action_screen="S",
                    flow_action_payload={"a": 1},
                ),
            ),
        ),
        (
            RFlow("Tell", "7", "Start", "tok", draft=True),
            lambda wa: wa.send_message(
                to=TO,
                text="Tell",
                buttons=pywa.FlowButton(
                    "Start", flow_id="7", flow_token="tok", mode="draft", flow_action_type="data_exchange"
                ),
            ),
        ),
        (RMedia(MediaKind.IMAGE, link=URL, caption="c"), lambda wa: wa.send_image(to=TO, image=URL, caption="c")),
        (
            RMedia(MediaKind.VIDEO, media_id="123", caption="c"),
            lambda wa: wa.send_video(to=TO, video="123", caption="c"),
        ),
        (
            RMedia(MediaKind.DOCUMENT, media_id="123", filename="a.pdf", caption="c"),
            lambda wa: wa.send_document(to=TO, document="123", filename="a.pdf", caption="c"),
        ),
        (RMedia(MediaKind.AUDIO, media_id="123"), lambda wa: wa.send_audio(to=TO, audio="123")),
        (RMedia(MediaKind.VOICE, media_id="123"), lambda wa: wa.send_voice(to=TO, voice="123")),
        (RMedia(MediaKind.STICKER, media_id="123"), lambda wa: wa.send_sticker(to=TO, sticker="123")),
        (
            RLocation(1.5, 2.5, name="n", address="a"),
            lambda wa: wa.send_location(to=TO, latitude=1.5, longitude=2.5, name="n", address="a"),
        ),
        (
            RContacts((ContactCard(name="Ann Bee", phones=("+254",), emails=("a@b.c",), organization="Org"),)),
            lambda wa: wa.send_contact(
                to=TO,
                contact=pywa.Contact(
                    name=pywa.Contact.Name(formatted_name="Ann Bee", first_name="Ann", last_name="Bee"),
                    phones=[pywa.Contact.Phone(phone="+254")],
                    emails=[pywa.Contact.Email(email="a@b.c")],
                    org=pywa.Contact.Org(company="Org"),
                ),
            ),
        ),
        (RReaction("wamid.9", "👍"), lambda wa: wa.send_reaction(to=TO, emoji="👍", message_id="wamid.9")),
        (RReaction("wamid.9"), lambda wa: wa.remove_reaction(to=TO, message_id="wamid.9")),
        (
            RTemplate("hello", "en_US", ({"type": "BODY", "parameters": [{"type": "text", "text": "Ann"}]},)),
            lambda wa: wa.send_template(
                to=TO,
                name="hello",
                language=pywa.templates.TemplateLanguage.ENGLISH_US,
                params=[pywa.templates.BodyText.params("Ann")],
            ),
        ),
    ],
    ids=lambda value: type(value).__name__ if not callable(value) else "",
)
def test_our_json_equals_that_of_pywa(ours: Rendered, theirs: Send) -> None:
    assert to_json(ours, to=TO, recipient=None) == filled(sent_by_pywa(theirs))


def test_reply_and_correlation_id_equal_those_of_pywa() -> None:
    ours = to_json(RText("Hi"), to=TO, recipient=None, reply_to="wamid.1", opaque="outbox-7")

    assert ours == sent_by_pywa(
        lambda wa: wa.send_message(to=TO, text="Hi", reply_to_message_id="wamid.1", tracker="outbox-7")
    )


def test_read_and_typing_equal_those_of_pywa() -> None:
    assert mark_read("wamid.1") == sent_by_pywa(lambda wa: wa.mark_message_as_read(message_id="wamid.1"))
    assert mark_read("wamid.1", typing=True) == sent_by_pywa(lambda wa: wa.indicate_typing(message_id="wamid.1"))


def test_the_phone_number_goes_out_with_a_plus_sign() -> None:
    assert to_json(RText("Hi"), to="254712000001", recipient=None)["to"] == TO
    assert to_json(RText("Hi"), to=TO, recipient=None)["to"] == TO


def test_who_has_no_phone_number_is_reached_by_id() -> None:
    body = to_json(RText("Hi"), to=None, recipient="KE.1")

    assert (body.get("to"), body["recipient"]) == (None, "KE.1")


def test_a_reaction_quotes_nothing() -> None:
    assert "context" not in to_json(RReaction("wamid.1", "👍"), to=TO, recipient=None, reply_to="wamid.2")


def test_a_list_of_one_section_needs_no_title() -> None:
    body = to_json(RList("Pick", "Open", (Section((Row("1", "A"),)),)), to=TO, recipient=None)

    assert body["interactive"]["action"]["sections"] == [{"rows": [{"id": "1", "title": "A"}]}]


def test_a_card_without_a_name_shows_its_number() -> None:
    body = to_json(RContacts((ContactCard(phones=("+254700",)),)), to=TO, recipient=None)

    assert body["contacts"][0]["name"] == {"formatted_name": "+254700", "first_name": "+254700"}


def test_whatever_was_rendered_can_be_written() -> None:
    options = tuple(Option(title=f"Option {'x' * n}", payload="/x", description="d" * n) for n in range(120))
    part = Choices(text="t" * 9000, options=options, header="h" * 80, footer="f" * 80)

    for page in range(15):
        paged = part.model_copy(update={"page": page})
        for message in render(paged, option_id=lambda n: f"o{n}", page_id=lambda n: f"p{n}"):
            assert to_json(message, to=TO, recipient=None)["type"] in {"text", "interactive"}


BUTTON, ROW = Button("1", "Yes"), Row("1", "A")


@pytest.mark.parametrize(
    ("rendered", "complaint"),
    [
        (RText(""), "text.body is empty, 1 to 4096"),
        (RText("x" * 4097), "text.body has 4097 characters, at most 4096"),
        (RText("😀" * 2049), "text.body has 4098 characters, at most 4096"),
        (RButtons("x" * 1025, (BUTTON,)), "interactive.body has 1025 characters, at most 1024"),
        (RButtons("x", ()), "buttons are 0, 1 to 3"),
        (RButtons("x", tuple(Button(str(n), str(n)) for n in range(4))), "buttons are 4, 1 to 3"),
        (RButtons("x", (Button("1", "t" * 21),)), "button.title has 21 characters, at most 20"),
        (RButtons("x", (Button("i" * 257, "t"),)), "button.id has 257 characters, at most 256"),
        (RButtons("x", (BUTTON, Button("1", "No"))), "button ids must be unique"),
        (RButtons("x", (BUTTON, Button("2", "Yes"))), "button titles must be unique"),
        (RButtons("x", (BUTTON,), header="h" * 61), "interactive.header has 61 characters, at most 60"),
        (RButtons("x", (BUTTON,), footer="f" * 61), "interactive.footer has 61 characters, at most 60"),
        (RList("x", "b" * 21, (Section((ROW,)),)), "list.button has 21 characters, at most 20"),
        (RList("x", "b", (Section(tuple(Row(str(n), str(n)) for n in range(11))),)), "list rows are 11, 1 to 10"),
        (RList("x", "b", (Section((Row("1", "t" * 25),)),)), "row.title has 25 characters, at most 24"),
        (RList("x", "b", (Section((Row("i" * 201, "t"),)),)), "row.id has 201 characters, at most 200"),
        (RList("x", "b", (Section((Row("1", "t", "d" * 73),)),)), "row.description has 73 characters, at most 72"),
        (RList("x", "b", (Section((ROW,)), Section((Row("2", "B"),)))), "section.title is empty"),
        (RCta("x", "l" * 21, URL), "cta_url.display_text has 21 characters, at most 20"),
        (RCta("x", "l", "ftp://example.org"), "cta_url.url must begin with"),
        (RLocationRequest("x" * 1025), "interactive.body has 1025 characters, at most 1024"),
        (RFlow("x", "7", "l" * 21, "t"), "flow.flow_cta has 21 characters, at most 20"),
        (RFlow("x", "7", "l", ""), "flow.flow_token is empty"),
        (RMedia(MediaKind.IMAGE), "image needs either a media id or a link"),
        (RMedia(MediaKind.IMAGE, link="http://example.org"), "image.link must begin with https"),
        (RMedia(MediaKind.IMAGE, media_id="1", caption="c" * 1025), "image.caption has 1025 characters, at most 1024"),
        (RMedia(MediaKind.VOICE, media_id="1", caption="c"), "audio.caption is not allowed"),
        (RLocation(90.5, 0), "location.latitude must lie between -90 and 90"),
        (RLocation(0, float("inf")), "location.longitude must lie between -180 and 180"),
        (RContacts(()), "contacts are 0, 1 to 5"),
        (RContacts((ContactCard(),)), "contact.name is empty"),
        (RTemplate("n" * 513, "en"), "template.name has 513 characters, at most 512"),
        (RTemplate("n", ""), "template.language is empty"),
        (
            RTemplate("n", "en", ({"type": "body", "parameters": [{"type": "text", "text": " "}]},)),
            "parameter of the template's body is empty",
        ),
        (RReaction("", "👍"), "reaction.message_id is empty"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_limit_that_does_not_hold_is_named(rendered: Rendered, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        to_json(rendered, to=TO, recipient=None)


def test_somebody_must_be_addressed() -> None:
    with pytest.raises(ValueError, match="to or recipient"):
        to_json(RText("Hi"), to=None, recipient=None)


def test_the_correlation_id_has_a_limit() -> None:
    with pytest.raises(ValueError, match="biz_opaque_callback_data has 513 characters, at most 512"):
        to_json(RText("Hi"), to=TO, recipient=None, opaque="x" * 513)

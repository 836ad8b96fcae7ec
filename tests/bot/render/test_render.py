"""Each neutral part becomes WhatsApp messages in order, and `check` says beforehand what happens to it."""

from __future__ import annotations

import pytest

from bot.messages import (
    Choices,
    ContactCard,
    ContactCards,
    Form,
    Link,
    Location,
    LocationRequest,
    MediaKind,
    MediaOut,
    Option,
    Outbound,
    Reaction,
    Template,
    Text,
)
from bot.render import (
    Outcome,
    Problem,
    RContacts,
    RCta,
    Rendered,
    RFlow,
    RLocation,
    RLocationRequest,
    RMedia,
    RReaction,
    RTemplate,
    RText,
    check,
    render,
)

IMAGE = MediaOut(kind=MediaKind.IMAGE, blob="abc", mime_type="image/png")
LINK = Link(text="Read on", url="https://example.org/a", label="Open")
FORM = Form(text="Tell us", form_id="7", label="Start", token="t")


def shown(part: Outbound) -> list[Rendered]:
    return render(part, option_id=str, page_id=lambda page: f"page:{page}")


def changed(part: Outbound, **values: object) -> Outbound:
    return part.model_copy(update=values)


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (Text(text="Hi", preview_url=True), RText("Hi", preview_url=True)),
        (IMAGE, RMedia(MediaKind.IMAGE, blob="abc", mime_type="image/png")),
        (LINK, RCta("Read on", "Open", "https://example.org/a")),
        (LocationRequest(text="Where?"), RLocationRequest("Where?")),
        (Location(latitude=1.5, longitude=2.5, name="Here"), RLocation(1.5, 2.5, name="Here")),
        (ContactCards(cards=(ContactCard(name="Ann"),)), RContacts((ContactCard(name="Ann"),))),
        (FORM, RFlow("Tell us", "7", "Start", "t")),
        (Template(name="hello", language="en", category="marketing"), RTemplate("hello", "en", (), "marketing")),
        (Reaction(message_id="wamid.1", emoji="👍"), RReaction("wamid.1", "👍")),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_part_that_fits_is_one_message_without_problems(part: Outbound, expected: Rendered) -> None:
    assert shown(part) == [expected]
    assert check(part) == []


def test_a_long_text_goes_out_as_several_in_order() -> None:
    assert shown(Text(text="a" * 4096 + " " + "b" * 10)) == [RText("a" * 4096), RText("b" * 10)]


def test_a_blank_text_sends_nothing_and_is_reported() -> None:
    assert shown(Text(text=" \n")) == []
    assert check(Text(text=" \n")) == [Problem("text", 1, 0, Outcome.REFUSED)]


def test_a_long_caption_is_followed_by_the_rest_as_text() -> None:
    caption = " ".join(["word"] * 300)

    media, rest = shown(changed(IMAGE, caption=caption))

    assert isinstance(media, RMedia)
    assert isinstance(rest, RText)
    assert f"{media.caption} {rest.body}" == caption
    assert len(media.caption) <= 1024


@pytest.mark.parametrize("kind", [MediaKind.AUDIO, MediaKind.VOICE, MediaKind.STICKER])
def test_what_cannot_have_a_caption_is_followed_by_it(kind: MediaKind) -> None:
    part = changed(IMAGE, kind=kind, caption="Listen")

    assert shown(part) == [RMedia(kind, blob="abc", mime_type="image/png"), RText("Listen")]
    assert check(part) == [Problem("caption", 0, 6, Outcome.MOVED)]


def test_only_documents_carry_a_file_name() -> None:
    document = shown(changed(IMAGE, kind=MediaKind.DOCUMENT, filename="a.pdf"))[0]
    image = shown(changed(IMAGE, filename="a.png"))[0]

    assert isinstance(document, RMedia)
    assert isinstance(image, RMedia)
    assert (document.filename, image.filename) == ("a.pdf", "")


def test_a_long_label_is_shortened_and_stands_in_full_in_the_body() -> None:
    link = shown(changed(LINK, label="Open the whole programme"))[0]
    form = shown(changed(FORM, label="Start the long questionnaire"))[0]

    assert link == RCta("Read on\n\nOpen the whole programme", "Open the whole…", "https://example.org/a")
    assert isinstance(form, RFlow)
    assert (form.body, form.label) == ("Tell us\n\nStart the long questionnaire", "Start the long…")


def test_a_link_no_button_takes_goes_out_as_text() -> None:
    part = changed(LINK, url="javascript:alert(1)")

    assert shown(part) == [RText("Read on\n\nOpen\n\njavascript:alert(1)", preview_url=True)]
    assert check(part) == [Problem("url", 2000, 19, Outcome.MOVED)]


def test_a_long_body_beside_a_button_is_split_and_the_last_text_carries_the_button() -> None:
    text = " ".join(["word"] * 300)

    for part in (changed(LINK, text=text), changed(FORM, text=text), LocationRequest(text=text)):
        *before, last = shown(part)
        assert all(isinstance(message, RText) for message in before)
        assert isinstance(last, RCta | RFlow | RLocationRequest)
        bodies = [message.body for message in (*before, last) if isinstance(message, RText | type(last))]
        assert " ".join(bodies) == text
        assert Problem("text", 1024, len(text), Outcome.SPLIT) in check(part)


def test_more_than_five_cards_go_out_in_several_messages() -> None:
    cards = tuple(ContactCard(name=f"Person {n}") for n in range(7))

    assert shown(ContactCards(cards=cards)) == [RContacts(cards[:5]), RContacts(cards[5:])]
    assert check(ContactCards(cards=cards)) == [Problem("cards", 5, 7, Outcome.SPLIT)]


def test_check_names_every_option_that_would_not_be_seen_in_full() -> None:
    options = (
        Option(title="Fits", payload="/a"),
        Option(title="x" * 25, payload="/b"),
        Option(title="fits", payload="/c", description="d" * 73),
        *(Option(title=f"Option {n}", payload="/d") for n in range(8)),
    )

    problems = check(Choices(text="?", options=options, header="h" * 61, button="b" * 21))

    assert set(problems) == {
        Problem("header", 60, 61, Outcome.MOVED),
        Problem("button", 20, 21, Outcome.SHORTENED),
        Problem("options", 10, 11, Outcome.PAGED),
        Problem("options[1].title", 24, 25, Outcome.SHORTENED),
        Problem("options[2].description", 72, 73, Outcome.MOVED),
        Problem("options[2].title", 1, 2, Outcome.SHORTENED),
    }


@pytest.mark.parametrize(
    ("part", "field"),
    [
        (MediaOut(kind=MediaKind.IMAGE), "blob"),
        (MediaOut(kind=MediaKind.IMAGE, blob="a", link="https://example.org"), "blob"),
        (MediaOut(kind=MediaKind.IMAGE, link="http://example.org"), "link"),
        (ContactCards(cards=()), "cards"),
        (Location(latitude=91, longitude=0), "latitude"),
        (Location(latitude=0, longitude=float("nan")), "longitude"),
        (Template(name="n" * 513, language="en"), "name"),
    ],
)
def test_what_whatsapp_would_refuse_is_reported(part: Outbound, field: str) -> None:
    assert [(problem.field, problem.outcome) for problem in check(part)] == [(field, Outcome.REFUSED)]


def test_a_problem_reads_as_a_sentence() -> None:
    assert str(Problem("text", 1024, 1500, Outcome.SPLIT)) == "text has 1500 of at most 1024: split"

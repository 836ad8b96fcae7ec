"""Options of any number and wording: all of them reachable, each once, within WhatsApp's limits."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.messages import Choices, Option
from bot.render import RButtons, Rendered, RList, RText, limits, page_ranges, render
from bot.render.limits import size


def option_id(index: int) -> str:
    return f"option:{index}"


def page_id(page: int) -> str:
    return f"page:{page}"


def shown(part: Choices, **words: str) -> list[Rendered]:
    return render(part, option_id=option_id, page_id=page_id, **words)


def choices(*titles: str, text: str = "Which one?", page: int = 0) -> Choices:
    options = tuple(Option(title=title, payload=f"/p{n}") for n, title in enumerate(titles))
    return Choices(text=text, options=options, page=page)


def ids(messages: list[Rendered]) -> list[str]:
    last = messages[-1] if messages else None
    if isinstance(last, RButtons):
        return [button.id for button in last.buttons]
    return [row.id for row in last.rows] if isinstance(last, RList) else []


def walk(part: Choices) -> list[str]:
    """The option ids a person sees who taps every page row once, in the order of the pages."""
    seen_pages, waiting, found = set(), [0], []
    while waiting:
        page = waiting.pop()
        if page in seen_pages:
            continue
        seen_pages.add(page)
        on_page = ids(shown(part.model_copy(update={"page": page})))
        found += [row for row in on_page if row.startswith("option:")]
        waiting += [int(row.removeprefix("page:")) for row in on_page if row.startswith("page:")]
    return found


def assert_within_limits(message: Rendered) -> None:
    if isinstance(message, RText):
        assert 1 <= size(message.body) <= limits.TEXT_BODY
        return
    assert isinstance(message, RButtons | RList)
    assert size(message.header) <= limits.HEADER_TEXT
    assert size(message.footer) <= limits.FOOTER
    if isinstance(message, RButtons):
        assert 1 <= size(message.body) <= limits.BUTTONS_BODY
        titles = [button.title for button in message.buttons]
        assert 1 <= len(titles) <= limits.BUTTONS_MAX
        assert all(1 <= size(title) <= limits.BUTTON_TITLE for title in titles)
    else:
        assert 1 <= size(message.body) <= limits.LIST_BODY
        assert 1 <= size(message.button) <= limits.LIST_BUTTON
        titles = [row.title for row in message.rows]
        assert 1 <= len(titles) <= limits.LIST_ROWS
        assert all(1 <= size(row.title) <= limits.ROW_TITLE for row in message.rows)
        assert all(size(row.description) <= limits.ROW_DESCRIPTION for row in message.rows)
    assert len({title.casefold() for title in titles}) == len(titles)
    assert all(title.strip() for title in titles)


any_text = st.text(st.characters(), max_size=90)  # half surrogates and control characters too
any_option = st.builds(Option, title=any_text, payload=st.just("/x"), description=st.one_of(st.just(""), any_text))


@settings(max_examples=60, deadline=None)
@given(
    options=st.integers(0, 200).flatmap(lambda n: st.lists(any_option, min_size=n, max_size=n)),
    text=st.text(max_size=6000),
    header=any_text,
    footer=any_text,
    button=any_text,
)
def test_every_option_is_reachable_once_and_every_message_is_within_limits(
    options: list[Option], text: str, header: str, footer: str, button: str
) -> None:
    part = Choices(text=text, options=tuple(options), header=header, footer=footer, button=button)

    assert sorted(walk(part)) == sorted(option_id(n) for n in range(len(options)))
    for page in range(len(page_ranges(len(options)))):
        for message in shown(part.model_copy(update={"page": page})):
            assert_within_limits(message)


@pytest.mark.parametrize("count", range(201))
def test_each_number_of_options_comes_back_whole(count: int) -> None:
    part = choices(*(f"Option {n}" for n in range(count)))

    assert walk(part) == [option_id(n) for n in range(count)]


@pytest.mark.parametrize("count", range(11, 201))
def test_the_first_page_can_be_reached_from_every_later_page(count: int) -> None:
    part = choices(*(f"Option {n}" for n in range(count)))

    for page in range(1, len(page_ranges(count))):
        assert page_id(0) in ids(shown(part.model_copy(update={"page": page})))


def test_no_options_are_a_text() -> None:
    assert shown(Choices(text="Nothing today", options=())) == [RText("Nothing today")]


def test_up_to_three_short_titles_are_buttons() -> None:
    assert isinstance(shown(choices("Yes", "No", "x" * 20))[0], RButtons)


@pytest.mark.parametrize(
    "part",
    [
        choices("Yes", "No", "Perhaps", "Never"),
        choices("x" * 21),
        choices("😀" * 11),
        choices("Yes", "yes"),
        Choices(text="?", options=(Option(title="Yes", payload="/y", description="I am in"),)),
    ],
    ids=["four", "long title", "long in UTF-16 only", "titles that read the same", "a description"],
)
def test_what_buttons_cannot_show_is_a_list(part: Choices) -> None:
    assert isinstance(shown(part)[0], RList)


def test_ten_options_fit_one_list_and_eleven_are_paged() -> None:
    ten, eleven = shown(choices(*map(str, range(10))))[0], shown(choices(*map(str, range(11))))[0]

    assert isinstance(ten, RList)
    assert isinstance(eleven, RList)
    assert [row.id for row in ten.rows] == [option_id(n) for n in range(10)]
    assert [row.id for row in eleven.rows] == [*(option_id(n) for n in range(9)), page_id(1)]


def test_a_page_that_does_not_exist_is_the_last_one() -> None:
    part = choices(*map(str, range(25)))

    assert ids(shown(part.model_copy(update={"page": 99}))) == ids(shown(part.model_copy(update={"page": 2})))


def test_a_later_page_repeats_only_the_end_of_a_long_text() -> None:
    part = choices(*map(str, range(25)), text="word " * 1000 + "Which one?")

    first, later = shown(part), shown(part.model_copy(update={"page": 1}))

    assert [type(message) for message in first] == [RText, RList]
    assert [type(message) for message in later] == [RList]
    assert isinstance(later[0], RList)
    assert later[0].body.endswith("Which one?")


def test_the_words_of_the_renderer_are_the_callers() -> None:
    part = choices(*map(str, range(30)), page=1)

    message = shown(part, more_label="Zaidi", first_label="Mwanzo", list_label="Chagua")[0]

    assert isinstance(message, RList)
    assert message.button == "Chagua"
    assert [row.title for row in message.rows[-2:]] == ["Zaidi", "Mwanzo"]


def test_a_long_title_is_shortened_and_stands_in_full_beside_it() -> None:
    title = "Advanced workshop on soil chemistry"

    message = shown(choices(title))[0]

    assert isinstance(message, RList)
    assert message.rows[0].title == "Advanced workshop on…"
    assert message.rows[0].description == title


def test_a_long_title_keeps_its_description() -> None:
    option = Option(title="Advanced workshop on soil", payload="/x", description="Hall 3")

    message = shown(Choices(text="?", options=(option,)))[0]

    assert isinstance(message, RList)
    assert message.rows[0].description == "Advanced workshop on soil — Hall 3"


def test_what_no_row_can_hold_stands_numbered_in_the_body() -> None:
    title = "A title of " + "many " * 20 + "words"

    message = shown(choices("Short", title))[0]

    assert isinstance(message, RList)
    assert message.body == f"Which one?\n\n2. {title}"
    assert message.rows[1].title == "2. A title of many many…"


def test_titles_that_read_the_same_are_told_apart() -> None:
    message = shown(choices("Morning", "morning", "Noon", "MORNING"))[0]

    assert isinstance(message, RList)
    assert [row.title for row in message.rows] == ["Morning", "morning (2)", "Noon", "MORNING (3)"]


def test_long_titles_with_one_beginning_are_told_apart() -> None:
    first, second = "Introduction to farming, part one", "Introduction to farming, part two"

    message = shown(choices(first, second))[0]

    assert isinstance(message, RList)
    assert message.rows[0].title != message.rows[1].title
    assert [row.description for row in message.rows] == [first, second]


def test_an_option_that_reads_like_the_way_on_is_told_apart_from_it() -> None:
    message = shown(choices("More…", *map(str, range(12))))[0]

    assert isinstance(message, RList)
    assert message.rows[0].title == "More… (2)"
    assert message.rows[-1].title == "More…"


def test_a_title_with_nothing_to_see_shows_its_number() -> None:
    message = shown(choices("Yes", " \u200b"))[0]

    assert isinstance(message, RButtons)
    assert [button.title for button in message.buttons] == ["Yes", "2"]


def test_a_long_body_is_split_and_the_last_text_carries_the_options() -> None:
    text = " ".join(f"word{n}" for n in range(400))

    *before, last = shown(choices("Yes", "No", text=text))

    assert isinstance(last, RButtons)
    assert all(isinstance(message, RText) for message in before)
    bodies = [message.body for message in before if isinstance(message, RText)]
    assert " ".join([*bodies, last.body]) == text
    assert len(before) == 1


def test_long_header_and_footer_move_into_the_body() -> None:
    part = Choices(text="Text", options=(Option(title="Yes", payload="/y"),), header="h" * 61, footer="f" * 61)

    message = shown(part)[0]

    assert isinstance(message, RButtons)
    assert message.body == f"{'h' * 61}\n\nText\n\n{'f' * 61}"
    assert (message.header, message.footer) == ("", "")


def test_a_body_is_there_even_when_nobody_wrote_one() -> None:
    message = shown(choices("Yes", text="  "), list_label="Choose")[0]

    assert isinstance(message, RButtons)
    assert message.body == "Choose"

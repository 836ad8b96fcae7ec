"""Long texts are cut where it hurts least, and nothing of them is lost."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.render.cut import is_blank, safe, shorten, split_text
from bot.render.limits import size

FAMILY = "👨‍👩‍👧‍👦"
KENYA = "🇰🇪"
WAVE = "👋🏿"
KEYCAP = "1️⃣"


def without_space(text: str) -> str:
    return "".join(text.split())


@settings(max_examples=200, deadline=None)
@given(text=st.text(st.characters(), max_size=300), limit=st.integers(10, 60), last=st.integers(10, 60))
@example(text="0" * 23 + "\u200b" * 12, limit=16, last=10)
def test_the_pieces_fit_and_together_are_the_text(text: str, limit: int, last: int) -> None:
    pieces = split_text(text, limit, last_limit=last)

    assert all(size(piece) <= limit for piece in pieces)
    assert all(size(piece) <= last for piece in pieces[-1:])
    assert not any(is_blank(piece) for piece in pieces)
    dropped = [ch for ch in without_space(safe(text)) if is_blank(ch)]
    assert len(without_space("".join(pieces))) >= len(without_space(safe(text))) - len(dropped)


@settings(max_examples=100, deadline=None)
@given(words=st.lists(st.text("abcdefg", min_size=1, max_size=12), min_size=1, max_size=200), limit=st.integers(12, 80))
def test_words_stay_whole_and_in_order(words: list[str], limit: int) -> None:
    pieces = split_text(" ".join(words), limit)

    assert [word for piece in pieces for word in piece.split()] == words


def test_a_text_within_the_limit_is_one_piece() -> None:
    assert split_text("x" * 4096, 4096) == ["x" * 4096]


def test_one_more_character_makes_two_pieces() -> None:
    assert [len(piece) for piece in split_text("x" * 4097, 4096)] == [4096, 1]


def test_emoji_count_twice() -> None:
    assert [size(piece) for piece in split_text("😀" * 2049, 4096)] == [4096, 2]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One one. Two.\n\nThree three three", ["One one. Two.", "Three three three"]),
        ("One one. Two.\nThree three three", ["One one. Two.", "Three three three"]),
        ("One one one one. Three three", ["One one one one.", "Three three"]),
        ("Habari ya asubuhi rafiki yangu", ["Habari ya asubuhi", "rafiki yangu"]),
        (
            "今日は天気がいい。明日も晴れるでしょう。散歩に行く",
            ["今日は天気がいい。", "明日も晴れるでしょう。散歩に行く"],
        ),
    ],
    ids=["paragraph", "line", "sentence", "word", "no spaces"],
)
def test_the_kindest_cut_is_taken(text: str, expected: list[str]) -> None:
    assert split_text(text, 18) == expected


def test_a_kind_cut_that_leaves_almost_nothing_is_not_taken() -> None:
    assert split_text("Hi.\n\n" + "word " * 10, 30)[0] != "Hi."


@pytest.mark.parametrize("cluster", [FAMILY, KENYA, WAVE, KEYCAP, "é", "कि", "각"])
def test_what_a_reader_sees_as_one_character_is_never_cut(cluster: str) -> None:
    for limit in range(size(cluster), size(cluster) * 3):
        pieces = split_text(cluster * 9, limit)
        assert all(len(piece) % len(cluster) == 0 for piece in pieces), limit
        assert "".join(pieces) == cluster * 9


def test_a_character_larger_than_the_limit_is_cut_all_the_same() -> None:
    pieces = split_text("a" + "\u0301" * 50, 10)

    assert all(size(piece) <= 10 for piece in pieces)


def test_the_last_piece_leaves_room_for_the_options_beside_it() -> None:
    pieces = split_text("word " * 400, 4096, last_limit=1024)

    assert [size(piece) <= limit for piece, limit in zip(pieces, (4096, 1024), strict=True)] == [True, True]


@pytest.mark.parametrize("text", ["", "  \n ", "\u200b\u200d", "\u3164", "\x00\x07"])
def test_blank_text_has_no_pieces(text: str) -> None:
    assert split_text(text, 10) == []


def test_an_emoji_newer_than_this_python_is_seen() -> None:
    assert split_text("\U0001fadf", 10) == ["\U0001fadf"]


def test_what_the_wire_refuses_is_taken_out() -> None:
    assert split_text("a\x00b\ud83dc\r\nd", 50) == ["ab\ufffdc\nd"]


@given(text=st.text(st.characters(), min_size=1, max_size=80), limit=st.integers(4, 30))
def test_a_shortened_text_fits(text: str, limit: int) -> None:
    assert size(shorten(text, limit)) <= limit


def test_shortening_prefers_a_whole_word_and_says_so() -> None:
    assert shorten("Advanced workshop on soil", 20) == "Advanced workshop…"
    assert shorten("Donaudampfschifffahrt", 10) == "Donaudamp…"

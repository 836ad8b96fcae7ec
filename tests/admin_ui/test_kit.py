"""The parts of pages that can be asked without a page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import BaseModel, Field, ValidationError

from admin_ui.gate import safe_next
from admin_ui.kit.form import sentence
from admin_ui.kit.map import FloorPlan
from admin_ui.kit.table import _harmless
from admin_ui.kit.theme import AA, accent_css, contrast
from admin_ui.kit.whatsapp_preview import formatted

THEME = (Path(__file__).parents[2] / "admin_ui" / "static" / "theme.css").read_text()
# What is written with which colour on which ground; both are tokens.
TEXTS = [
    *((ink, ground) for ink in ("ink", "muted", "faint") for ground in ("paper", "panel", "sunken", "hover")),
    *((f"{tone}", f"{tone}-soft") for tone in ("good", "warn", "bad", "info")),
    ("accent-ink", "accent-soft"), ("accent-ink", "panel"), ("accent-ink", "paper"), ("on-accent", "accent"), ("on-accent", "accent-hover"), ("bad", "panel"), ("good", "panel"),
]  # fmt: skip
LINES = [("line-strong", "panel"), ("accent", "panel"), ("accent", "paper")]  # borders of fields, focus rings


def tokens(theme: str) -> dict[str, str]:
    light = dict(re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{6})", THEME.partition(":root {")[2].partition("}")[0]))
    dark = dict(
        re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{6})", THEME.partition('html[data-theme="dark"] {')[2].partition("}")[0])
    )
    return light if theme == "light" else {**light, **dark}


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("ink", "ground"), TEXTS)
def test_texts_can_be_read(theme: str, ink: str, ground: str) -> None:
    found = tokens(theme)
    assert contrast(found[ink], found[ground]) >= AA, (found[ink], found[ground])


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("line", "ground"), LINES)
def test_borders_and_focus_rings_can_be_seen(theme: str, line: str, ground: str) -> None:
    found = tokens(theme)
    assert contrast(found[line], found[ground]) >= 3


@pytest.mark.parametrize("colour", ["#ffff00", "#ff0000", "#0000ff", "#ffffff", "#000000", "#888888", "#00ff7f"])
def test_any_colour_of_an_organization_is_made_readable(colour: str) -> None:
    light, dark = re.findall(r"--accent:(#[0-9a-f]{6});--on-accent:(#[0-9a-f]{6})", accent_css(colour))
    assert contrast(*light) >= AA
    assert contrast(*dark) >= AA
    assert contrast(light[0], "#f7f6f3") >= AA
    assert contrast(dark[0], "#191c1e") >= AA


def test_what_is_no_colour_changes_nothing() -> None:
    assert accent_css("red;} body{display:none") == ""


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("*bold* and _soft_ and ~gone~", "<strong>bold</strong> and <em>soft</em> and <s>gone</s>"),
        ("2 * 3 * 4", "2 * 3 * 4"),
        ("snake_case_name", "snake_case_name"),
        ("```a *b* c```", "<code>a *b* c</code>"),
        ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
        ("*<b>*", "<strong>&lt;b&gt;</strong>"),
        ("see https://x.example/a?b=1", 'see <span class="cn-wa-more">https://x.example/a?b=1</span>'),
        ("* not bold*", "* not bold*"),
    ],
)
def test_whatsapps_marks_are_drawn_and_markup_is_not(text: str, shown: str) -> None:
    assert formatted(text) == shown


@pytest.mark.parametrize("cell", ["=1+1", "+cmd", "-2+3", "@SUM(A1)", "\t=1"])
def test_no_cell_of_an_export_is_a_formula(cell: str) -> None:
    assert _harmless(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["+254 700 000 001", "-12", "plain", ""])
def test_numbers_stay_as_they_are(cell: str) -> None:
    assert _harmless(cell) == cell


@pytest.mark.parametrize(
    "address", ["//evil.example", "/\\evil", "https://evil.example", "", "javascript:alert(1)", "/\nSet-Cookie: x"]
)
def test_the_way_back_stays_with_us(address: str) -> None:
    assert safe_next(address) == "/"


class _Form(BaseModel):
    name: str = Field(min_length=2, max_length=5)
    count: int = Field(ge=1, le=9)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"name": "", "count": 1}, "Please fill this in"),
        ({"name": "too long", "count": 1}, "At most 5 characters"),
        ({"name": "good", "count": 0}, "At least 1"),
        ({"name": "good", "count": "x"}, "A number, please"),
    ],
)
def test_what_a_model_refuses_is_said_in_words(given: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError) as refused:
        _Form.model_validate(given)
    assert sentence(refused.value.errors()[0]) == said


def test_places_of_a_floor_plan_come_back_as_they_went() -> None:
    plan = FloorPlan.__new__(FloorPlan)
    plan._scale, plan._height = 1 / 1600, 900
    assert plan.pixel(*plan.at(120, 300)) == pytest.approx((120, 300))

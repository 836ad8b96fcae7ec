"""Files that somebody broke: whatever is in them, the loader answers, and each flow has a fate with a reason."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.check.flows import report_flows
from bot.check.language import LANGUAGE_RULES
from bot.flows import compile_flows, load_skill
from tests.bot.flows.registration import DOMAIN, FLOWS

FOREIGN = Path(__file__).parents[2] / "support" / "foreign"
CORE = Path(__file__).parents[3] / "bot" / "flows" / "core"
FILES = {
    "data/flows.yml": FLOWS,
    "domain.yml": DOMAIN,
    "data/core.yml": (CORE / "flows.yml").read_text(),
    "domain/clinic.yml": (FOREIGN / "clinic" / "domain" / "forms.yml").read_text(),
    "data/rules.yml": (FOREIGN / "clinic" / "data" / "rules.yml").read_text(),
    "data/nlu.yml": (FOREIGN / "clinic" / "data" / "nlu.yml").read_text(),
    "data/visits.yml": (FOREIGN / "library" / "data" / "flows" / "visits.yml").read_text(),
    "domain/visits.yml": (FOREIGN / "library" / "domain" / "responses" / "visits.yml").read_text(),
}
BITS = [
    "[",
    "]",
    "{",
    "}",
    ": ",
    "- ",
    "\n",
    "  ",
    "\t",
    "null",
    "true",
    "&a ",
    "*a ",
    "!x ",
    "<<: ",
    "'",
    '"',
    "\x00",
    "slots.",
]
BITS += [
    "{{",
    "}}",
    "{%",
    "%}",
    "if",
    "1",
    "?",
    "|",
    "#",
    "\u2028",
    "é",
    "\ud800",
    "~",
    ".inf",
    "0x1",
    "1e999",
    "yes",
    "\ufeff",
    "---\n",
]


@st.composite
def broken(draw: st.DrawFn) -> dict[str, str]:
    files = dict(FILES)
    path = draw(st.sampled_from(sorted(files)))
    text = files[path]
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(text)))
        match draw(st.integers(0, 3)):
            case 0:
                text = text[:at] + draw(st.sampled_from(BITS)) + text[at:]
            case 1:
                text = text[:at] + text[at + draw(st.integers(1, 12)) :]
            case 2:
                lines = text.split("\n")
                a, b = draw(st.integers(0, len(lines) - 1)), draw(st.integers(0, len(lines) - 1))
                lines[a], lines[b] = lines[b], lines[a]
                text = "\n".join(lines)
            case _:
                lines = text.split("\n")
                n = draw(st.integers(0, len(lines) - 1))
                lines[n] = " " * draw(st.integers(0, 6)) + lines[n].lstrip()
                text = "\n".join(lines)
    files[path] = text
    return files


@settings(max_examples=120, deadline=None)
@given(broken())
def test_a_broken_file_never_breaks_the_loader(files: dict[str, str]) -> None:
    skill = load_skill("shop", files, by_content=True)
    made = compile_flows([skill])
    found = [*skill.diagnostics, *made.diagnostics, *(each for rule in LANGUAGE_RULES for each in rule(skill, made))]
    for flow in report_flows(skill, made, found):
        runs = f"shop:{flow.flow}" in made.flows
        assert flow.status in ("run", "warn", "refused")
        assert runs or flow.status == "refused"
        assert flow.status == "run" or flow.diagnostics, "a fate without a reason"
    for each in found:
        assert each.line >= 1
        assert each.column >= 1
        assert each.code.startswith("CN-")


def test_very_large_files_are_refused_with_a_reason_in_bounded_time() -> None:
    steps = "".join(f"      - id: s{n}\n        action: utter_x\n" for n in range(10_000))
    flows = f"flows:\n  large:\n    description: x\n    steps:\n{steps}  fine: {{description: x, steps: [{{action: utter_x}}]}}\n"
    domain = "responses:\n  utter_x: [{text: x}]\n  utter_long: [{text: '" + "x" * 900_000 + "'}]\n"
    skill = load_skill("shop", {"flows.yml": flows, "domain.yml": domain})
    made = compile_flows([skill])
    assert {"shop:fine"} == {flow for flow in made.flows if flow.startswith("shop:")}
    assert sorted((each.code, each.flow, each.line) for each in skill.diagnostics) == [
        ("CN-FLOW-006", "large", 4_005),
        ("CN-RESP-010", "", 3),
    ]
    skill = load_skill("shop", {"flows.yml": "# " + "x" * 1_100_000})
    assert [each.code for each in skill.diagnostics] == ["CN-YAML-003"]


def test_control_characters_are_named_where_they_stand() -> None:
    skill = load_skill(
        "shop", {"domain.yml": 'responses:\n  utter_x: [{text: "a\\0b\\ud800"}]\n  utter_y: [{text: fine}]\n'}
    )
    assert [(each.code, each.line, each.column) for each in skill.diagnostics] == [("CN-YAML-006", 2, 20)]
    skill = load_skill("shop", {"flows.yml": "flows:\n  a: b\n  c\x01: d\n"})
    assert [(each.code, each.line, each.column) for each in skill.diagnostics if each.code == "CN-YAML-001"] == [
        ("CN-YAML-001", 3, 4)
    ]

"""What the editor offers at a place of a file that is half written."""

from __future__ import annotations

import pytest

from bot.registry import Registry
from bot.tools.completion import Names, complete, names_of

FLOW = """
flows:
  pay:
    name: pay
    steps:
      - id: ask
        collect: amount
        next:
          - if: slots.amount
            then: thanks
          - else: ask
      - id: thanks
        action: utter_thanks
"""


@pytest.fixture(scope="module")
def names() -> Names:
    return names_of(Registry.load().sources(["events"]))


def offered(path: str, text: str, names: Names, below: str = "") -> list[str]:
    *above, head = text.split("\n")
    return [each.label for each in complete(path, above, head, names, below=below.split("\n"))]


@pytest.mark.parametrize(
    ("path", "text", "some", "none"),
    [
        ("flows/a.yml", "", ["flows", "version"], ["slots"]),
        ("flows/a.yml", "flows:\n  pay:\n    na", ["name"], ["steps"]),
        ("flows/a.yml", "flows:\n  pay:\n    steps:\n      - act", ["action"], ["collect"]),
        ("flows/a.yml", "flows:\n  pay:\n    steps:\n    - id: a\n      col", ["collect"], ["action"]),
        ("flows/a.yml", "flows:\n  pay:\n    steps:\n      - collect: events_em", ["events_email"], ["events_name"]),
        ("flows/a.yml", "flows:\n  pay:\n    steps:\n      - action: utter_events_s", ["utter_events_summary"], []),
        ("flows/a.yml", "flows:\n  pay:\n    steps:\n      - {action: events_look", ["events_look_up"], []),
        ("flows/a.yml", "flows:\n  pay:\n    steps:\n      - link: events_re", ["events_register"], []),
        (
            "flows/a.yml",
            "flows:\n  pay:\n    steps:\n      - set_slots:\n          - events_res",
            ["events_result"],
            [],
        ),
        ("flows/a.yml", "flows:\n  pay:\n    run_pattern_completed: ", ["true", "false"], []),
        ("domain.yml", "slots:\n  x: {ty", ["type"], ["values"]),
        ("domain.yml", "slots:\n  x: {type: cat", ["categorical"], ["text"]),
        (
            "domain.yml",
            "slots:\n  x:\n    mappings:\n      - {type: from_",
            ["from_entity", "from_llm"],
            ["controlled"],
        ),
        ("domain.yml", "slots:\n  x:\n    mappings:\n      - type: from_intent\n        int", ["intent"], []),
        ("domain.yml", "responses:\n  utter_x:\n  - text: hello\n    but", ["buttons"], ["text"]),
        ("locales/sw.yml", "flows:\n  events_re", ["events_register"], ["events_about"]),
    ],
)
def test_schema_and_names_tell_what_may_stand_there(
    path: str, text: str, some: list[str], none: list[str], names: Names
) -> None:
    found = offered(path, text, names)
    assert set(some) <= set(found)
    assert not set(none) & set(found)


def test_a_step_goes_on_at_a_step_of_the_file(names: Names) -> None:
    assert offered("flows/a.yml", FLOW + "      - next: ", names, "      - id: after") == [
        "END",
        "ask",
        "thanks",
        "after",
    ]
    assert offered("flows/a.yml", FLOW + "      - next: [{if: slots.amount, then: th", names) == ["thanks"]


def test_nothing_is_offered_where_everything_may_stand(names: Names) -> None:
    assert offered("flows/a.yml", "flows:\n  pay:\n    description: co", names) == []
    assert offered("knowledge/a.md", "flo", names) == []


@pytest.mark.parametrize("text", ["}", "- - - ", "flows: [[{", "'", ": :", "a: 'b", "\t- x", "{a: b}, "])
def test_no_half_written_line_is_too_much(text: str, names: Names) -> None:
    offered("flows/a.yml", text, names)

"""A form of three slots, engine only: microseconds a turn, beside what a hand-written program needs for the same words.

Loading and compiling are left out on both sides. The rounds are interleaved (A B A B ...) and the medians compared.
"""

from __future__ import annotations

import json
import re
import statistics
import time
from datetime import UTC, datetime
from typing import Any

import jinja2

from bot.flows import Compiled, FlowState, StartFlow, UserText, View, advance, compile_flows, load_skill
from bot.messages import Text
from bot.understand import understand

TURNS_PER_FORM = 4  # the wish, then three answers
FORMS_PER_ROUND = 100
ROUNDS = 15

_FLOWS = r"""
flows:
  form:
    description: Takes a name, an e-mail and a number of seats
    run_pattern_completed: false
    steps:
      - collect: name
      - collect: email
        rejections:
          - if: not slots.email matches '^[^@ ]+@[^@ ]+[.][a-z]+$'
            utter: utter_bad_email
      - collect: seats
        rejections:
          - if: slots.seats < 1 or slots.seats > 9
            utter: utter_bad_seats
      - action: utter_done
"""
_DOMAIN = """
slots:
  name: {type: text}
  email: {type: text}
  seats: {type: float}
responses:
  utter_ask_name: [{text: "What is your name?"}]
  utter_ask_email: [{text: "Thanks {name}. What is your e-mail?"}]
  utter_bad_email: [{text: "{email} is no e-mail."}]
  utter_ask_seats: [{text: "How many seats, {name}?"}]
  utter_bad_seats: [{text: "Between 1 and 9, please."}]
  utter_done: [{text: "Booked {seats} seats for {name} <{email}>."}]
"""
_ANSWERS = ("Amina Otieno", "amina@example.com", "3")
_VIEW = View(now=datetime(2026, 11, 1, 9, tzinfo=UTC))


def run() -> dict[str, Any]:
    """Medians in microseconds a turn: `engine`, `engine_json` (state read and written as JSON each turn, as the host does),
    `engine_understand` (with the deterministic understanding of the text), `floor` (by hand, Jinja texts, JSON state)."""
    compiled = compile_flows([load_skill("bench", {"flows.yml": _FLOWS, "domain.yml": _DOMAIN})])
    runs = {
        "engine": lambda: _form(compiled),
        "engine_json": lambda: _form_json(compiled),
        "engine_understand": lambda: _form_understood(compiled),
        "floor": _form_by_hand,
    }
    expected = "Booked 3 seats for Amina Otieno <amina@example.com>."
    for name, form in runs.items():
        said = form()
        assert said == expected, f"{name} said {said!r}"
    taken: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(ROUNDS):
        for name, form in runs.items():
            start = time.perf_counter()
            for _ in range(FORMS_PER_ROUND):
                form()
            taken[name].append((time.perf_counter() - start) / (FORMS_PER_ROUND * TURNS_PER_FORM) * 1e6)
    medians = {name: round(statistics.median(values), 1) for name, values in taken.items()}
    return {"unit": "us/turn", "target": 100, **medians, "ratio": round(medians["engine"] / medians["floor"], 2)}


def _form(compiled: Compiled) -> str:
    state = advance(compiled, FlowState(), [StartFlow("bench:form")], _VIEW).state
    for answer in _ANSWERS:
        step = advance(compiled, state, [UserText(answer)], _VIEW)
        state = step.state
    return _said(step.effects)


def _form_json(compiled: Compiled) -> str:
    stored = json.dumps(advance(compiled, FlowState(), [StartFlow("bench:form")], _VIEW).state.to_json())
    for answer in _ANSWERS:
        step = advance(compiled, FlowState.from_json(json.loads(stored)), [UserText(answer)], _VIEW)
        stored = json.dumps(step.state.to_json())
    return _said(step.effects)


def _form_understood(compiled: Compiled) -> str:
    state = advance(compiled, FlowState(), [StartFlow("bench:form")], _VIEW).state
    for answer in _ANSWERS:
        commands = understand(Text(text=answer), state, compiled, locale="en", now=_VIEW.now)
        step = advance(compiled, state, commands, _VIEW)
        state = step.state
    return _said(step.effects)


def _said(effects: list[Any]) -> str:
    return str(next(effect.text for effect in reversed(effects) if hasattr(effect, "text")))


# -- the floor: what one would write by hand for this form and nothing else -------------------------------------------

_texts = {
    name: jinja2.Environment(autoescape=False).from_string(text)
    for name, text in {
        "name": "What is your name?",
        "email": "Thanks {{ name }}. What is your e-mail?",
        "seats": "How many seats, {{ name }}?",
        "done": "Booked {{ seats }} seats for {{ name }} <{{ email }}>.",
        "bad_email": "{{ email }} is no e-mail.",
        "bad_seats": "Between 1 and 9, please.",
    }.items()
}
_EMAIL = re.compile(r"^[^@ ]+@[^@ ]+[.][a-z]+$")


def _form_by_hand() -> str:
    stored, said = _turn_by_hand("{}", "")
    for answer in _ANSWERS:
        stored, said = _turn_by_hand(stored, answer)
    return said


def _turn_by_hand(stored: str, text: str) -> tuple[str, str]:
    state = json.loads(stored)
    asked = state.get("asked")
    if asked is not None:
        refused = _take_by_hand(state, asked, text)
        if refused is not None:
            return json.dumps(state), _texts[refused].render(**state, **{asked: text})
    for slot in ("name", "email", "seats"):
        if slot not in state:
            state["asked"] = slot
            return json.dumps(state), _texts[slot].render(**state)
    return "{}", _texts["done"].render(**state)


def _take_by_hand(state: dict[str, Any], asked: str, text: str) -> str | None:
    if asked == "email" and not _EMAIL.search(text):
        return "bad_email"
    if asked != "seats":
        state[asked] = text
        return None
    if not text.isdigit() or not 1 <= int(text) <= 9:
        return "bad_seats"
    state[asked] = int(text)
    return None


if __name__ == "__main__":
    print(json.dumps(run(), indent=2))

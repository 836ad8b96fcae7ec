"""Conversation tests as data: `skills/<name>/tests/*.yml`, in the e2e format of Rasa with our keys (decision 26).

    skills: [assistant, events]             # on for the organization; default: the skill itself
    given: {events: [{slug: fair, ...}]}    # per skill: passed to `given()` of its testing.py
    test_cases:
      - test_case: the last seat goes to the first who asks
        people: {ann: Ann Njeri, bob: ""}   # profile names; default: one person
        now: 2026-06-01T06:00:00Z
        steps:
          - user: register
            from: ann
            jobs: [events.render_ticket]    # exactly these were made
            charges: [events.ticket_issued] # exactly these, besides message.out
          - utter: utter_events_registered
          - tap: Yes, register me           # a button or row by its title, of the newest message that has it
            older: 1                        # or of the one before that
          - media: {kind: image}
          - now: +25h                       # time passes
          - user: two, please
            commands: [{set_slot: {events_seats: 2}}]   # instead of understanding it
            assertions: [{flow_started: events_register}]
          - bot: All right.
          - slot_was_set: [events_result: issued]

Between two steps of a person the others stand in any order. `hold_jobs: true` on a step leaves jobs undone until a step without it.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from bot.registry import Registry
from bot.testing.expect import Heard, check
from bot.testing.script import parse_commands, parse_media, parse_moment
from bot.testing.stage import Person, Stage
from bot.testing.stubs import with_stubs
from store.tenancy import organization_scope

__all__ = ["ACTS", "Case", "CaseFailed", "find_cases", "read_cases", "run_case", "update_file"]

ACTS = ("user", "tap", "media", "now")  # what somebody or the clock does; everything else is expected of the bot
SOMEBODY = "somebody"


class CaseFailed(AssertionError):
    """A step was not answered as it says. The message names file, line, case and step, and what was heard instead."""


@dataclass(frozen=True, slots=True)
class Case:
    file: Path
    skill: str
    name: str
    data: Mapping[str, Any]
    shared: Mapping[str, Any]  # the file's top level

    def __str__(self) -> str:
        return f"{self.skill}/{self.file.stem}: {self.name}"


@dataclass(slots=True)
class CaseRun:
    """How a case went. `heard` holds, for each `bot:` step, what could stand there."""

    texts: list[tuple[int, str]] = field(default_factory=list)


def find_cases(root: Path) -> list[Case]:
    """Every case of every skill folder below `root`."""
    return [case for path in sorted(root.glob("*/tests/*.yml")) if path.stem != "conftest" for case in read_cases(path)]


def read_cases(path: Path) -> list[Case]:
    data = YAML(typ="rt").load(path.read_text()) or {}
    common = path.parent / "conftest.yml"
    if common.is_file():
        shared = YAML(typ="rt").load(common.read_text()) or {}
        data = {**shared, **data, "fixtures": [*_listed(shared.get("fixtures")), *_listed(data.get("fixtures"))]}
    skill = path.parent.parent.name
    cases = [Case(path, skill, str(each["test_case"]), each, data) for each in data.get("test_cases") or ()]
    names = [case.name for case in cases]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"{path}: two cases are named {name!r}")
    return cases


async def run_case(
    case: Case, *, package: str = "skills", replace: Callable[[Registry], Registry] | None = None, update: bool = False
) -> CaseRun:
    """Plays a case on a stage of its own. Needs `store.db` connected to an empty, migrated database.

    With `update` a wrong `bot:` text is no failure; what was said is in the result.

    Raises:
        CaseFailed: the bot did something else.
    """
    stubs = case.shared.get("stub_custom_actions") or {}

    def changed(registry: Registry) -> Registry:
        registry = with_stubs(registry, stubs, case.skill, case.name) if stubs else registry
        return replace(registry) if replace else registry

    now = parse_moment(case.data.get("now", case.shared.get("now")), datetime.now(UTC))
    async with Stage.open(
        skills=tuple(case.shared.get("skills") or (case.skill,)),
        locale=str(case.data.get("locale", case.shared.get("locale", "en"))),
        now=now,
        package=package,
        replace=changed,
    ) as stage:
        await _set_the_scene(case, stage, package)
        return await _Play(case, stage, update=update).run()


async def _set_the_scene(case: Case, stage: Stage, package: str) -> None:
    for given in (case.shared.get("given"), case.data.get("given")):
        for skill, value in (given or {}).items():
            with organization_scope(stage.organization_id):
                await importlib.import_module(f"{package}.{skill}.testing").given(value, now=stage.clock.now())


class _Play:
    def __init__(self, case: Case, stage: Stage, *, update: bool) -> None:
        self._case = case
        self._stage = stage
        self._update = update
        self._run = CaseRun()
        self._people: Mapping[str, str] = case.data.get("people") or case.shared.get("people") or {SOMEBODY: ""}
        self._marks: dict[str, int] = {}
        self._bots: dict[str, int] = {}
        self._last = next(iter(self._people))

    async def run(self) -> CaseRun:
        for number, step in enumerate(self._case.data.get("steps") or ()):
            try:
                if any(act in step for act in ACTS):
                    await self._act(step)
                    self._expect_of_turn(step)
                    await self._check(number, {"assertions": step["assertions"]} if "assertions" in step else {})
                else:
                    await self._check(number, step)
            except AssertionError as e:
                raise CaseFailed(self._where(number, step) + str(e)) from e
        return self._run

    async def _act(self, step: Mapping[str, Any]) -> None:
        stage = self._stage
        self._last = str(step.get("from", self._last))
        person = self._person(self._last)
        self._marks = {key: len(self._person(key).heard) for key in self._people}
        self._bots = {}
        stage.hold_jobs = bool(step.get("hold_jobs", False))
        await self._apply_fixtures(person)
        if "now" in step:
            moment = parse_moment(step["now"], stage.clock.now())
            assert moment is not None
            await stage.move(moment - stage.clock.now())
        elif "tap" in step:
            await person.tap(str(step["tap"]), older=int(step.get("older", 0)))
        elif "media" in step:
            await person.send_media(*parse_media(step["media"]))
        else:
            commands = parse_commands(step["commands"], self._case.skill) if "commands" in step else None
            await person.say(str(step["user"] if step["user"] is not None else ""), commands=commands)

    async def _apply_fixtures(self, person: Person) -> None:
        """Slots that the case begins with, once, before the person's first message."""
        if person.session_id is not None:
            return
        slots: dict[str, Any] = {}
        known = _fixtures(self._case.shared.get("fixtures"))
        for name in self._case.data.get("fixtures") or ():
            if name not in known:
                raise AssertionError(f"there is no fixture {name!r}")
            slots.update(known[name])
        if slots:
            await self._stage.seat(person, {_loaded(name, self._case.skill): value for name, value in slots.items()})

    def _expect_of_turn(self, step: Mapping[str, Any]) -> None:
        log = self._stage.log
        for key, found in (("jobs", log.jobs), ("charges", [each for each in log.charges if each != "message.out"])):
            if key in step and sorted(found) != sorted(str(each) for each in step[key] or ()):
                raise AssertionError(f"{key}: {list(step[key] or ())} expected, {found} made")

    async def _check(self, number: int, step: Mapping[str, Any]) -> None:
        if not step:
            return
        key = str(step.get("from", self._last))
        person = self._person(key)
        heard = Heard(
            skill=self._case.skill,
            messages=person.heard[self._marks.get(key, 0) :],
            effects=self._stage.log.effects,
            slots=await person.slots(),
        )
        if "bot" in step:
            place = self._bots[key] = self._bots.get(key, -1) + 1
            texts = heard.texts
            self._run.texts.append((number, texts[place] if place < len(texts) else ""))
            if self._update:
                return
        check(step, heard)

    def _person(self, key: str) -> Person:
        if key not in self._people:
            raise AssertionError(f"nobody is called {key!r}; there is {list(self._people)}")
        return self._stage.person(str(self._people[key] or ""), key=key)

    def _where(self, number: int, step: Any) -> str:
        line = getattr(getattr(step, "lc", None), "line", 0) + 1
        on_phone = (
            self._person(self._last).heard[self._marks.get(self._last, 0) :] if self._last in self._people else []
        )
        heard = [f"{each.text!r} {list(each.titles) or ''}" for each in on_phone]
        return f"{self._case.file}:{line} {self._case.name!r}, step {number + 1}: heard {heard}\n  "


def update_file(path: Path, said: Mapping[str, Sequence[tuple[int, str]]]) -> bool:
    """Writes what was said into the `bot:` steps of the cases (by name); True when something changed."""
    yaml = YAML(typ="rt")
    yaml.width = 10_000
    yaml.indent(mapping=2, sequence=4, offset=2)
    data = yaml.load(path.read_text())
    changed = False
    for case in data.get("test_cases") or ():
        for number, text in said.get(str(case["test_case"]), ()):
            step = case["steps"][number]
            if text and str(step["bot"]).strip() != text.strip():
                step["bot"] = text
                changed = True
    if changed:
        with path.open("w") as file:
            yaml.dump(data, file)
    return changed


def _fixtures(data: Any) -> dict[str, dict[str, Any]]:
    """Rasa writes a list of {name: [{slot: value}]}; its documentation also a mapping."""
    named = [data] if isinstance(data, Mapping) else _listed(data)
    found: dict[str, dict[str, Any]] = {}
    for each in named:
        for name, slots in each.items():
            found[str(name)] = {slot: value for pair in slots for slot, value in pair.items()}
    return found


def _listed(value: Any) -> list[Any]:
    return list(value or ())


def _loaded(name: str, skill: str) -> str:
    return name if ":" in name else f"{skill}:{name}"

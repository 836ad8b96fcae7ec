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
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from bot.flows import Compiled, Effect
from bot.registry import Registry
from bot.testing.expect import JUDGED, STEPS, Heard, check, kind_problem
from bot.testing.foreign import ForeignActions
from bot.testing.memory import MemoryPerson, MemoryStage
from bot.testing.script import parse_commands, parse_media, parse_moment
from bot.testing.stage import Person, Stage
from bot.testing.stubs import with_stubs
from store.tenancy import organization_scope

__all__ = [
    "ACTS",
    "Case",
    "CaseFailed",
    "CaseRun",
    "CaseSkipped",
    "Unreadable",
    "find_cases",
    "read_cases",
    "run_case",
    "run_foreign_case",
    "update_file",
]

ACTS = ("user", "tap", "media", "now")  # what somebody or the clock does; everything else is expected of the bot
BESIDE_AN_ACT = (
    *("from", "metadata", "assertions", "assertion_order_enabled", "commands", "older", "jobs", "charges"),
    "hold_jobs",
)
SOMEBODY = "somebody"

Watch = Callable[[Sequence[Effect]], None]


class CaseFailed(AssertionError):
    """A step was not answered as it says. The message names file, line, case and step, and what was heard instead."""


class CaseSkipped(Exception):
    """It cannot be decided here. The message says why."""


class Unreadable(ValueError):
    """A file holds no cases that could be played. The message begins with file:line:col."""


@dataclass(frozen=True, slots=True)
class Case:
    file: Path
    skill: str
    name: str
    data: Mapping[str, Any]
    shared: Mapping[str, Any]  # the file's top level

    def __str__(self) -> str:
        return f"{self.skill}/{self.file.stem}: {self.name}"

    @property
    def line(self) -> int:
        return int(self.place.partition(":")[0])

    @property
    def place(self) -> str:
        """line:col"""
        return _place(self.data)


@dataclass(slots=True)
class CaseRun:
    """How a case went. `texts` holds, for each `bot:` step, what could stand there."""

    texts: list[tuple[int, str]] = field(default_factory=list)


def find_cases(root: Path) -> list[Case]:
    """Every case of every skill folder below `root`."""
    return [case for path in sorted(root.glob("*/tests/*.yml")) if path.stem != "conftest" for case in read_cases(path)]


def read_cases(path: Path, *, skill: str = "", root: Path | None = None) -> list[Case]:
    """The cases of a file, with what `conftest.yml` beside it (or above it, up to `root`) shares.

    Raises:
        Unreadable: no YAML, no cases, or two of one name.
    """
    data = _mapping(path)
    for common in _shared_files(path, root):
        shared = _mapping(common)
        for key in ("fixtures", "metadata"):
            data[key] = [*_entries(shared.pop(key, None)), *_entries(data.get(key))]
        for key, value in shared.items():
            data.setdefault(key, value)
    entries = data.get("test_cases")
    if not isinstance(entries, list):
        raise Unreadable(f"{path}:1:1 has no list of test_cases")
    skill = skill or path.parent.parent.name
    cases: list[Case] = []
    for each in entries:
        if not isinstance(each, Mapping) or not str(each.get("test_case") or "").strip():
            raise Unreadable(f"{path}:{_place(each, _place(entries))} a case has a name, test_case")
        name = str(each["test_case"])
        if any(name == other.name for other in cases):
            raise Unreadable(f"{path}:{_place(each)} two cases are named {name!r}")
        cases.append(Case(path, skill, name, each, data))
    return cases


def _mapping(path: Path) -> Any:
    try:
        data = YAML(typ="rt").load(path.read_text("utf-8")) or {}
    except MarkedYAMLError as e:
        mark = e.problem_mark or e.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise Unreadable(f"{path}:{line}:{column} {e.problem}") from e
    except (YAMLError, UnicodeDecodeError, OSError, RecursionError, ValueError) as e:
        raise Unreadable(f"{path}:1:1 cannot be read as YAML in UTF-8: {' '.join(str(e).split())}") from e
    if not isinstance(data, Mapping):
        raise Unreadable(f"{path}:1:1 is no mapping with test_cases")
    return data


def _shared_files(path: Path, root: Path | None) -> Iterator[Path]:
    for folder in (path.parent, *path.parent.parents):
        common = folder / "conftest.yml"
        if common.is_file():
            yield common
        if root is None or folder == root:
            return


async def run_case(
    case: Case,
    *,
    package: str = "skills",
    replace: Callable[[Registry], Registry] | None = None,
    update: bool = False,
    watch: Watch | None = None,
) -> CaseRun:
    """Plays a case on a stage of its own. Needs `store.db` connected to an empty, migrated database.

    With `update` a wrong `bot:` text is no failure; what was said is in the result. `watch` sees what each act did.

    Raises:
        CaseFailed: the bot did something else, or the case cannot be played as it is written.
        CaseSkipped: a model would have to judge.
    """
    _validate(case)
    stubs = case.shared.get("stub_custom_actions") or {}

    def changed(registry: Registry) -> Registry:
        registry = with_stubs(registry, stubs, case.skill, case.name) if stubs else registry
        return replace(registry) if replace else registry

    async with Stage.open(
        skills=tuple(case.shared.get("skills") or (case.skill,)),
        locale=_locale(case),
        now=_begin(case),
        package=package,
        replace=changed,
    ) as stage:
        await _set_the_scene(case, stage, package)
        return await _Play(case, stage, update=update, watch=watch).run()


async def run_foreign_case(
    case: Case,
    compiled: Compiled,
    folder: Path,
    *,
    actions: ForeignActions | None = None,
    update: bool = False,
    watch: Watch | None = None,
) -> CaseRun:
    """The same for a project of another engine, in memory.

    Raises:
        CaseFailed, CaseSkipped: as `run_case`.
    """
    _validate(case)
    made = actions or ForeignActions(folder, case.shared.get("stub_custom_actions"), case.name)
    stage = MemoryStage(compiled, case.skill, made, now=_begin(case), locale=_locale(case))
    try:
        return await _Play(case, stage, update=update, watch=watch).run()
    except CaseFailed as e:
        if not stage.problems:
            raise
        raise CaseFailed(f"{e}\n  " + "\n  ".join(dict.fromkeys(stage.problems))) from e


def _begin(case: Case) -> datetime:
    try:
        found = parse_moment(case.data.get("now", case.shared.get("now")), datetime.now(UTC))
    except ValueError as e:
        raise CaseFailed(f"{case.file}:{case.place} {case.name!r}: now: {e}") from e
    assert found is not None
    return found


def _locale(case: Case) -> str:
    return str(case.data.get("locale", case.shared.get("locale", "en")))


def _validate(case: Case) -> None:
    """Before anything is played: a kind that nobody knows must not wait for the steps before it to pass."""
    steps = case.data.get("steps")
    if not isinstance(steps, list) or not steps:
        raise CaseFailed(f"{case.file}:{case.place} {case.name!r}: a case has a list of steps")
    judged = ""
    for step in steps:
        where = f"{case.file}:{_place(step, case.place)} {case.name!r}: "
        if not isinstance(step, Mapping):
            raise CaseFailed(f"{where}a step is a mapping such as `user: hi`, not {step!r}")
        is_act = any(act in step for act in ACTS)
        for key in step:
            known = (*ACTS, *BESIDE_AN_ACT) if is_act else ("from", "metadata", *STEPS)
            if str(key) not in known and (
                problem := kind_problem(str(key), is_assertion=False, acts=ACTS) if not is_act else "x"
            ):
                about = f"{key!r} does not stand beside an act; there is {list(known)}" if is_act else problem
                raise CaseFailed(where + about)
        assertions = step.get("assertions") or ()
        if not isinstance(assertions, list | tuple):
            raise CaseFailed(f"{where}assertions are a list")
        for assertion in assertions:
            at = f"{case.file}:{_place(assertion, _place(step, case.place))} {case.name!r}: "
            if not isinstance(assertion, Mapping):
                raise CaseFailed(f"{at}an assertion is a mapping, not {assertion!r}")
            for key in assertion:
                if problem := kind_problem(str(key), is_assertion=True):
                    raise CaseFailed(at + problem)
                if str(key) in JUDGED:
                    judged = judged or f"{at}{key} needs a model as judge"
    if judged:
        raise CaseSkipped(judged)


def _place(node: Any, default: str = "1:1") -> str:
    """line:col of something read from the file."""
    mark = getattr(node, "lc", None)
    return default if mark is None or mark.line is None else f"{mark.line + 1}:{mark.col + 1}"


async def _set_the_scene(case: Case, stage: Stage, package: str) -> None:
    for given in (case.shared.get("given"), case.data.get("given")):
        for skill, value in (given or {}).items():
            with organization_scope(stage.organization_id):
                await importlib.import_module(f"{package}.{skill}.testing").given(value, now=stage.clock.now())


class _Play:
    def __init__(self, case: Case, stage: Stage | MemoryStage, *, update: bool, watch: Watch | None) -> None:
        self._case = case
        self._stage = stage
        self._update = update
        self._watch = watch
        self._run = CaseRun()
        self._people: Mapping[str, str] = case.data.get("people") or case.shared.get("people") or {SOMEBODY: ""}
        self._marks: dict[str, int] = {}
        self._bots: dict[str, int] = {}
        self._last = next(iter(self._people))
        self._seated: set[str] = set()
        steps = case.data.get("steps") or ()
        # As in Rasa: where assertions are used the steps beside them do not count.
        self._only_assertions = isinstance(stage, MemoryStage) and any("assertions" in step for step in steps)

    async def run(self) -> CaseRun:
        for number, step in enumerate(self._case.data.get("steps") or ()):
            try:
                if any(act in step for act in ACTS):
                    await self._act(step)
                    self._expect_of_turn(step)
                    await self._check(number, {key: step[key] for key in step if str(key).startswith("assertion")})
                elif not self._only_assertions:
                    await self._check(number, step)
            except (AssertionError, ValueError, KeyError, TypeError, AttributeError, re.error) as e:
                what = str(e) if isinstance(e, AssertionError) else f"cannot be read: {type(e).__name__}: {e}"
                raise CaseFailed(self._where(number, step) + what) from e
        return self._run

    async def _act(self, step: Mapping[str, Any]) -> None:
        stage = self._stage
        self._last = str(step.get("from", self._last))
        person = self._person(self._last)
        await self._apply_fixtures(person)
        self._tell_metadata(person, step)
        self._marks = {key: len(self._person(key).heard) for key in self._people}
        self._bots = {}
        stage.hold_jobs = bool(step.get("hold_jobs", False))
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
            await person.say(_text(step["user"]), commands=commands)
        if self._watch is not None:
            self._watch(stage.log.effects)

    async def _apply_fixtures(self, person: Person | MemoryPerson) -> None:
        """Slots that the case begins with, once, before the person's first message."""
        if self._last in self._seated:
            return
        self._seated.add(self._last)
        slots: dict[str, Any] = {}
        known = _fixtures(self._case.shared.get("fixtures"))
        for name in _listed(self._case.data.get("fixtures")):
            if str(name) not in known:
                raise AssertionError(f"there is no fixture {name!r}; there is {sorted(known)}")
            slots.update(known[str(name)])
        if slots:
            seat: Any = self._stage.seat
            await seat(person, {_loaded(name, self._case.skill): value for name, value in slots.items()})

    def _tell_metadata(self, person: Person | MemoryPerson, step: Mapping[str, Any]) -> None:
        """That of the case, and of the step on top of it."""
        known = {str(k): v for each in _entries(self._case.shared.get("metadata")) for k, v in each.items()}
        told: dict[str, Any] = {}
        for name in (self._case.data.get("metadata"), step.get("metadata")):
            if name is not None and str(name) not in known:
                raise AssertionError(f"there is no metadata {name!r}; there is {sorted(known)}")
            told |= dict(known.get(str(name)) or {})
        if isinstance(person, MemoryPerson):
            person.metadata = told

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

    def _person(self, key: str) -> Person | MemoryPerson:
        if key not in self._people:
            raise AssertionError(f"nobody is called {key!r}; there is {list(self._people)}")
        return self._stage.person(str(self._people[key] or ""), key=key)

    def _where(self, number: int, step: Any) -> str:
        on_phone = (
            self._person(self._last).heard[self._marks.get(self._last, 0) :] if self._last in self._people else []
        )
        heard = [f"{each.text!r} {list(each.titles) or ''}".strip() for each in on_phone]
        return f"{self._case.file}:{_place(step, self._case.place)} {self._case.name!r}, step {number + 1}: heard {heard}\n  "


def _text(value: Any) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


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
    found: dict[str, dict[str, Any]] = {}
    for each in _entries(data):
        for name, slots in each.items():
            pairs = [slots] if isinstance(slots, Mapping) else _listed(slots)
            found[str(name)] = {str(slot): value for pair in pairs for slot, value in pair.items()}
    return found


def _entries(data: Any) -> list[Any]:
    """Rasa writes a list of {name: [...]}; its documentation also a mapping."""
    return [data] if isinstance(data, Mapping) else _listed(data)


def _listed(value: Any) -> list[Any]:
    return [value] if isinstance(value, str) else list(value or ())


def _loaded(name: str, skill: str) -> str:
    return name if ":" in name else f"{skill}:{name}"

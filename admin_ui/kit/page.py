"""Pages say themselves what they are: where, in which group of the menu, for whom. There is no list of them."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from admin_ui.scope import Desk
from admin_ui.words import Words

__all__ = [
    "Builder",
    "Group",
    "Hit",
    "Missing",
    "Page",
    "Search",
    "Todo",
    "link_to",
    "may_see",
    "owned_by",
    "owner_of",
    "page",
    "pages",
    "search",
    "searches",
    "todo",
    "todos",
]

Builder = Callable[..., Awaitable[Any]]


class Group(StrEnum):
    """Of the menu, in this order."""

    WORK = "work"  # without a title, on top
    EVENTS = "events"
    AUDIENCE = "audience"
    CONTENT = "content"
    SETTINGS = "settings"
    PLATFORM = "platform"


class Missing(Exception):
    """Raised by a page whose subject is not there: the not-found page is shown."""


@dataclass(frozen=True, slots=True)
class Page:
    path: str
    title: Words
    build: Builder
    icon: str = ""
    group: Group | None = None  # None: not in the menu
    permission: str | None = None  # None: for everybody who is signed in
    order: int = 50
    public: bool = False  # for those who are not signed in; built without a desk
    parent: str | None = None  # path of the page above, for breadcrumbs and for what is lit in the menu
    wide: bool = False
    frame: bool = True

    @property
    def module(self) -> str:
        return self.build.__module__

    @property
    def skill(self) -> str | None:
        """Whose page it is; shown only where that skill is on."""
        return _owners.get(self.module)

    def arguments(self, path: Mapping[str, Any], query: Mapping[str, str]) -> dict[str, Any]:
        """
        Raises:
            Missing: a part of the address is not what the page asks for.
        """
        found: dict[str, Any] = {}
        for parameter in list(inspect.signature(self.build, eval_str=True).parameters.values())[
            0 if self.public else 1 :
        ]:
            if parameter.name in path:
                found[parameter.name] = _read(parameter, path[parameter.name])
            elif parameter.name in query:
                found[parameter.name] = _read(parameter, query[parameter.name])
        return found


def _read(parameter: inspect.Parameter, text: str) -> Any:
    kind = next(
        (each for each in (UUID, int) if parameter.annotation == each or parameter.annotation == each | None), str
    )
    try:
        return kind(text)
    except ValueError as e:
        raise Missing(f"{parameter.name} is {text!r}") from e


@dataclass(frozen=True, slots=True)
class Hit:
    """One line of the command palette."""

    title: str
    href: str
    icon: str = "chevron_right"
    note: str = ""


@dataclass(frozen=True, slots=True)
class Todo:
    """One line of the checklist of a new organization."""

    title: Words
    text: Words
    href: str
    is_done: bool
    order: int = 50


Search = Callable[[Desk, str], Awaitable[Sequence[Hit]]]
Checklist = Callable[[Desk], Awaitable[Sequence[Todo]]]

_pages: dict[str, Page] = {}
_searches: dict[str, Search] = {}
_todos: dict[str, Checklist] = {}
_owners: dict[str, str] = {}  # module of a skill's pages -> skill


def page(
    path: str,
    *,
    title: Words,
    icon: str = "",
    group: Group | None = None,
    permission: str | None = None,
    order: int = 50,
    public: bool = False,
    parent: str | None = None,
    wide: bool = False,
    frame: bool = True,
) -> Callable[[Builder], Builder]:
    """Registers a page; see `admin_ui.kit`."""

    def register(build: Builder) -> Builder:
        known = _pages.get(path)
        if known is not None and known.build.__qualname__ != build.__qualname__:
            raise ValueError(f"{build.__module__}: the page {path} is that of {known.module} already")
        _pages[path] = Page(path, title, build, icon, group, permission, order, public, parent, wide, frame)
        return build

    return register


def pages() -> list[Page]:
    """All, as the menu has them."""
    groups = list(Group)
    return sorted(
        _pages.values(), key=lambda each: (groups.index(each.group) if each.group else 99, each.order, each.path)
    )


def search(find: Search) -> Search:
    """Adds what `find(desk, text)` gives to the command palette. It runs in the organization's scope, and asks `desk.may` itself."""
    _searches[f"{find.__module__}.{find.__qualname__}"] = find
    return find


def searches() -> list[Search]:
    return list(_searches.values())


def todo(tell: Checklist) -> Checklist:
    """Adds to the checklist of a new organization. It runs in the organization's scope."""
    _todos[f"{tell.__module__}.{tell.__qualname__}"] = tell
    return tell


def todos() -> list[Checklist]:
    return list(_todos.values())


def owned_by(skill: str, package: str) -> None:
    """From now on the pages of this package are the skill's."""
    for each in _pages.values():
        if each.module == package or each.module.startswith(f"{package}."):
            _owners[each.module] = skill
    for name in (*_searches, *_todos):
        if name.startswith(f"{package}."):
            _owners[name.rpartition(".")[0]] = skill


def owner_of(function: Callable[..., Any]) -> str | None:
    return _owners.get(function.__module__)


def link_to(desk: Desk, path: str) -> str:
    """The path if this person has such a page, else "": other people bring pages too, and a link must lead somewhere."""
    found = _pages.get(path.partition("?")[0])
    return path if found is not None and may_see(desk, found) else ""


def may_see(desk: Desk, each: Page) -> bool:
    return (each.permission is None or desk.may(each.permission)) and (each.skill is None or each.skill in desk.skills)

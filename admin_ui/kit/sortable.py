"""A list that is put in order by dragging, or by Alt with an arrow key."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from nicegui import ui
from nicegui.events import SortableEventArguments

from admin_ui.kit.bound import bound
from admin_ui.kit.controls import icon_button
from admin_ui.scope import say
from admin_ui.words import Words

__all__ = ["sortable"]

T = TypeVar("T")


def sortable(
    items: Sequence[T], draw: Callable[[T], Any], moved: Callable[[list[T]], Awaitable[Any]], *, label: Words
) -> ui.element:
    """`draw` shows one item; `moved` gets all of them in their new order, in one transaction."""
    order = list(items)
    host = ui.column().classes("cn-sortable").props('role="list"')
    host.props["aria-label"] = say(label)

    async def move(old: int, new: int) -> None:
        if old == new or not 0 <= new < len(order):
            return
        order.insert(new, order.pop(old))
        await moved(list(order))
        show()

    async def dropped(event: SortableEventArguments) -> None:
        await move(event.old_index, event.new_index)

    def show() -> None:
        host.clear()
        with host:
            for number, item in enumerate(order):
                with ui.element("div").props('role="listitem"'):
                    ui.icon("drag_indicator").classes("cn-grip").props("aria-hidden=true")
                    with ui.element("div").classes("cn-grow"):
                        draw(item)
                    icon_button("keyboard_arrow_up", "Move up", bound(lambda at=number: move(at, at - 1)))
                    icon_button("keyboard_arrow_down", "Move down", bound(lambda at=number: move(at, at + 1)))

    show()
    host.make_sortable(handle=".cn-grip", on_end=bound(dropped))
    return host

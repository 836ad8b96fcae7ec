"""Buttons, fields, panels: the small things, in our look."""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count
from typing import Any, Literal

from nicegui import context, ui

from admin_ui.kit.after import after_commit
from admin_ui.scope import here, say
from admin_ui.words import Words

__all__ = [
    "badge",
    "bar",
    "button",
    "confirm",
    "dialog",
    "facts",
    "field",
    "forget_kept",
    "heading",
    "icon_button",
    "link_button",
    "note",
    "panel",
    "select_field",
    "stat",
    "tag",
    "text_area",
    "text_field",
    "toast",
]

Kind = Literal["plain", "primary", "quiet", "danger"]
Tone = Literal["plain", "good", "warn", "bad", "info", "accent"]

_numbers = count(1)


def tag(name: str, text: str = "", classes: str = "") -> ui.element:
    """An HTML element with a text."""
    found = ui.element(name).classes(classes)
    if text:
        with found:
            ui.label(text).props("tag=span").style("display: contents")
    return found


@contextmanager
def heading(title: Words, text: Words = "") -> Iterator[None]:
    """The page's h1; the block holds its buttons."""
    with ui.element("div").classes("cn-title"):
        with ui.element("div"):
            tag("h1", say(title))
            if text:
                tag("div", say(text), "cn-sub")
        with ui.element("div").classes("cn-actions"):
            yield


@contextmanager
def panel(title: Words = "", *, text: Words = "", classes: str = "", flush: bool = False) -> Iterator[ui.element]:
    """A card. `flush`: without padding, for tables and lists."""
    with ui.element("section").classes(f"cn-panel {'flush' if flush else ''} {classes}") as found:
        if title:
            head = ui.element("div").classes("cn-panel-head").style("padding: 16px 18px 8px" if flush else "")
            with head, ui.element("div").classes("cn-stack tight"):
                tag("h2", say(title))
                if text:
                    tag("div", say(text), "cn-muted cn-small")
        yield found


def button(
    text: Words,
    on_click: Callable[..., Any] | None = None,
    *,
    icon: str | None = None,
    kind: Kind = "plain",
    small: bool = False,
    mark: str = "",
) -> ui.button:
    """`on_click` comes from `bound`."""
    found = ui.button(say(text), on_click=on_click, icon=icon, color=None)
    found.props("unelevated no-caps").classes(f"cn-btn {kind} {'small' if small else ''}")
    return found.mark(mark) if mark else found


def link_button(
    text: Words, href: str, *, icon: str | None = None, kind: Kind = "plain", small: bool = False
) -> ui.button:
    """Looks like a button, is a link: opens in a new tab with the middle button."""
    found = ui.button(say(text), icon=icon, color=None).props(f'unelevated no-caps href="{html.escape(href)}"')
    return found.classes(f"cn-btn {kind} {'small' if small else ''}")


def icon_button(icon: str, label: Words, on_click: Callable[..., Any] | None = None) -> ui.element:
    """`label` is said by screen readers and shown on hover."""
    text = say(label)
    with ui.element("button").classes("cn-icon") as found:
        found.props["aria-label"], found.props["title"], found.props["type"] = text, text, "button"
        ui.icon(icon).props("aria-hidden=true")
    if on_click is not None:
        found.on("click", on_click, [])
    return found


def badge(text: str, tone: Tone = "plain") -> ui.label:
    return ui.label(text).classes(f"cn-pill {tone}")


def bar(share: float, *, label: Words, tone: Tone = "accent") -> None:
    """How much of something is used; `share` from 0 to 1."""
    percent = round(max(0.0, min(1.0, share)) * 100)
    with ui.element("div").classes("cn-bar") as found:
        found.props(f'role="progressbar" aria-valuenow="{percent}" aria-valuemin="0" aria-valuemax="100"')
        found.props["aria-label"] = say(label)
        ui.element("div").classes(tone).style(f"width: {percent}%")


def stat(
    name: Words, value: str | int, note: Words = "", *, href: str = "", tone: Literal["", "up", "down"] = ""
) -> None:
    """A number with its name; a link to where it comes from."""
    text = f"{value:,}" if isinstance(value, int) else value
    with ui.element("a" if href else "div").classes("cn-panel cn-stat") as found:
        if href:
            found.props["href"] = href
        ui.label(say(name)).classes("cn-stat-name")
        ui.label(text).classes("cn-stat-value")
        if note:
            ui.label(say(note)).classes(f"cn-stat-note {tone}")


def note(text: Words, tone: Literal["info", "warn", "bad", "good"] = "info") -> ui.element:
    icons = {"info": "info", "warn": "warning", "bad": "error", "good": "check_circle"}
    with ui.element("div").classes(f"cn-note {tone}").props('role="alert"' if tone == "bad" else "") as found:
        ui.icon(icons[tone]).props("aria-hidden=true")
        ui.label(say(text))
    return found


def facts(pairs: Sequence[tuple[Words, str]], *, numbers: bool = False) -> None:
    """Names with their values; `numbers` stand to the right."""
    with ui.element("dl").classes(f"cn-facts {'numbers num' if numbers else ''}").style("margin: 0"):
        for name, value in pairs:
            tag("dt", say(name))
            tag("dd", value or "–").style("margin: 0")


@contextmanager
def field(label: Words, *, hint: Words = "", target: str = "") -> Iterator[None]:
    """Label above, control in the block, hint below."""
    with ui.element("div").classes("cn-field"):
        found = tag("label", say(label))
        if target:
            found.props["for"] = target
        yield
        if hint:
            ui.label(say(hint)).classes("cn-hint")


def text_field(
    label: Words,
    value: str = "",
    *,
    hint: Words = "",
    kind: str = "text",
    placeholder: Words = "",
    mark: str = "",
    on_change: Callable[..., Any] | None = None,
) -> ui.input:
    """`kind`: an HTML input type: text, email, password, tel, url, datetime-local, date, color."""
    target = f"field-{next(_numbers)}"
    with field(label, hint=hint, target=target):
        is_password = kind == "password"
        found = ui.input(
            value=value,
            placeholder=say(placeholder),
            password=is_password,
            password_toggle_button=is_password,
            on_change=on_change,
        )
        found.props(f'outlined dense hide-bottom-space for="{target}"')
        if not is_password:
            found.props(f'type="{kind}"')
    return found.mark(mark) if mark else found


def text_area(
    label: Words, value: str = "", *, hint: Words = "", rows: int = 4, mark: str = "", keep: str = ""
) -> ui.textarea:
    """`keep`: under this name the browser keeps what is typed until `forget_kept`, through reloads and lost sockets."""
    target = f"field-{next(_numbers)}"
    with field(label, hint=hint, target=target):
        found = (
            ui.textarea(value=value)
            .props(f'outlined dense hide-bottom-space rows="{rows}" for="{target}"')
            .style("width: 100%")
        )
    if keep:
        found.props["data-keep"] = _kept_as(keep)
    return found.mark(mark) if mark else found


def forget_kept(*names: str) -> None:
    """What was typed is saved, or given up. In a handler that writes: after its commit."""
    keys = [_kept_as(each) for each in names]
    after_commit(lambda: ui.run_javascript(f"{json.dumps(keys)}.forEach(cn.forget)"))


def _kept_as(name: str) -> str:
    desk = here()
    return f"{desk.organization.id}:{desk.path}:{name}"


def select_field(
    label: Words,
    options: Mapping[Any, str] | Sequence[str],
    value: Any = None,
    *,
    hint: Words = "",
    multiple: bool = False,
    find: bool = False,
    mark: str = "",
    on_change: Callable[..., Any] | None = None,
) -> ui.select:
    """`find`: with many options one may type."""
    target = f"field-{next(_numbers)}"
    given = dict(options) if isinstance(options, Mapping) else list(options)
    with field(label, hint=hint, target=target):
        found = ui.select(given, value=value, multiple=multiple, with_input=find, on_change=on_change)
        found.props(f'outlined dense hide-bottom-space options-dense for="{target}"').style("width: 100%")
        if multiple:
            found.props("use-chips")
    return found.mark(mark) if mark else found


def toast(message: Words, *, kind: Literal["plain", "bad"] = "plain") -> None:
    """In a handler that writes: after its commit."""
    is_bad, text = kind == "bad", say(message)
    attributes = {"role": "alert" if is_bad else "status"}
    after_commit(
        lambda: ui.notify(text, position="bottom", timeout=7000 if is_bad else 3500, classes=kind, attrs=attributes)
    )


@contextmanager
def dialog(title: Words, *, text: Words = "", wide: bool = False) -> Iterator[ui.dialog]:
    """Made for one showing: opened by `.open()`, gone when it is closed; the focus stays inside (Quasar). End it with a `div.cn-actions`."""
    with context.client.layout:  # not where the button is: that may be drawn again while the dialog is open
        found = ui.dialog()
    found.on("hide", found.delete)
    with found, ui.element("div").classes(f"cn-dialog {'wide' if wide else ''}") as inner:
        inner.props["aria-label"] = say(title)
        inner.props("role=dialog aria-modal=true")
        tag("h2", say(title))
        if text:
            tag("p", say(text), "cn-muted")
        yield found


def confirm(
    title: Words, text: Words, action: Words, on_yes: Callable[..., Any], *, kind: Kind = "danger"
) -> ui.dialog:
    """For what cannot be undone. `on_yes` comes from `bound`. The dialog is gone when it was answered."""
    with dialog(title, text=text) as found, ui.element("div").classes("cn-actions"):
        button(here().word("cancel"), found.close, kind="quiet")
        button(action, kind=kind, mark="confirm").on("click", found.close, []).on("click", on_yes, [])
    found.open()
    return found

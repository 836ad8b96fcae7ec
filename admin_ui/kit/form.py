"""Forms drawn from pydantic models. What the model refuses stands below its field, in words for a person.

    form(Branding, value=branding, save=keep)         # `keep(value: Branding, work: Unit)`

Label: `Field(title=...)`; hint: `Field(description=...)`; kind: from the type, or `json_schema_extra={"ui": "textarea" | "colour" | "password"}`.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from datetime import datetime
from enum import Enum
from typing import Any, Literal, TypeVar, Union, get_args, get_origin
from zoneinfo import ZoneInfo

from nicegui import ui
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from admin_ui.kit.bound import bound
from admin_ui.kit.controls import button, forget_kept, select_field, text_area, text_field, toast
from admin_ui.scope import here, say
from admin_ui.words import Words
from bot.unit import Unit

__all__ = ["Fields", "form"]

M = TypeVar("M", bound=BaseModel)
LOCAL = "%Y-%m-%dT%H:%M"  # of datetime-local


class Fields:
    """The controls of a model; `read` gives the model, or says below the fields why not."""

    def __init__(
        self,
        model: type[BaseModel],
        value: BaseModel | None = None,
        *,
        options: Mapping[str, Mapping[Any, str]] | None = None,
    ) -> None:
        self._model = model
        self._zone = here().organization.zone
        self._controls: dict[str, Any] = {}
        for name, info in model.model_fields.items():
            given = (
                getattr(value, name)
                if value is not None
                else (None if info.is_required() else info.get_default(call_default_factory=True))
            )
            self._controls[name] = self._control(name, info, given, (options or {}).get(name))

    def read(self) -> Any | None:
        for control in self._controls.values():
            if hasattr(control, "error"):
                control.error = None
        try:
            return self._model.model_validate(
                {name: self._value(name, control.value) for name, control in self._controls.items()}
            )
        except ValidationError as e:
            for error in e.errors():
                self.refuse(str(error["loc"][0]) if error["loc"] else "", sentence(error))
            return None

    def refuse(self, name: str, why: str) -> None:
        """Says it below that field; a name that is no field's is said as a toast."""
        control = self._controls.get(name)
        if control is None or not hasattr(control, "error"):
            toast(why, kind="bad")
            return
        control.error = say(why)
        control.run_method("focus")

    def saved(self) -> None:
        """What the browser kept of what was typed is not needed any more."""
        forget_kept(*(self._kept(name) for name in self._controls))

    def _kept(self, name: str) -> str:
        return f"{self._model.__name__}:{name}"

    def control(self, name: str) -> Any:
        return self._controls[name]

    def _control(self, name: str, info: FieldInfo, value: Any, options: Mapping[Any, str] | None) -> Any:
        label: Words = info.title or name.replace("_", " ").capitalize()
        hint = info.description or ""
        extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
        kind, is_list = _kind_of(info.annotation)
        options = options or _options_of(kind)
        if options is not None:
            return select_field(
                label,
                options,
                value if not is_list else list(value or []),
                hint=hint,
                multiple=is_list,
                find=len(options) > 12,
                mark=name,
            )
        if kind is bool:
            with ui.element("div").classes("cn-field"):
                switch = ui.switch(say(label), value=bool(value)).mark(name)
                if hint:
                    ui.label(say(hint)).classes("cn-hint")
            return switch
        if kind is datetime:
            return text_field(label, self._shown(value), hint=hint, kind="datetime-local", mark=name)
        if extra.get("ui") == "textarea" or is_list:
            text = "\n".join(value or []) if is_list else str(value or "")
            return text_area(
                label, text, hint=hint or ("One a line." if is_list else ""), mark=name, keep=self._kept(name)
            )
        html_kind = {"colour": "color", "password": "password", "email": "email"}.get(
            str(extra.get("ui", "")), "number" if kind in (int, float) else "text"
        )
        return text_field(label, "" if value is None else str(value), hint=hint, kind=html_kind, mark=name)

    def _value(self, name: str, given: Any) -> Any:
        kind, is_list = _kind_of(self._model.model_fields[name].annotation)
        if is_list and isinstance(given, str):
            return [line.strip() for line in given.splitlines() if line.strip()]
        if kind is datetime and isinstance(given, str):
            return self._moment(given)
        if isinstance(given, str) and not given.strip() and kind is not str:
            return None
        return given.strip() if isinstance(given, str) else given

    def _shown(self, value: Any) -> str:
        return value.astimezone(self._zone).strftime(LOCAL) if isinstance(value, datetime) else ""

    def _moment(self, given: str) -> Any:
        if not given.strip():
            return None
        try:
            return datetime.strptime(given[:16], LOCAL).replace(tzinfo=ZoneInfo(self._zone.key))
        except ValueError:
            return given  # the model says what is wrong with it


def form(
    model: type[M],
    save: Callable[..., Any],
    *,
    value: M | None = None,
    options: Mapping[str, Mapping[Any, str]] | None = None,
    action: Words = "",
) -> Fields:
    """Fields and a button. `save(value, work)` runs in one transaction; what it raises is said as a toast."""
    desk = here()
    fields = Fields(model, value, options=options)

    async def keep(work: Unit) -> None:
        found = fields.read()
        if found is not None:
            await save(found, work)
            fields.saved()

    with ui.element("div").classes("cn-line"):
        button(action or desk.word("save"), bound(keep), kind="primary", mark=f"save-{model.__name__}")
    return fields


def sentence(error: ErrorDetails) -> str:
    """What pydantic found, for people."""
    bounds = error.get("ctx") or {}
    match error["type"]:
        case "string_too_short" | "missing":
            return say("Please fill this in")
        case "string_too_long":
            return say("At most {most} characters", most=bounds.get("max_length"))
        case "greater_than_equal":
            return say("At least {least}", least=bounds.get("ge"))
        case "greater_than":
            return say("More than {least}", least=bounds.get("gt"))
        case "less_than_equal":
            return say("At most {most}", most=bounds.get("le"))
        case "int_parsing" | "int_type" | "int_from_float" | "float_parsing" | "float_type":
            return say("A number, please")
        case "value_error":
            text = str(error["msg"]).removeprefix("Value error, ")
            return say(text[:1].upper() + text[1:])
        case kind if kind.startswith(("datetime", "string_type", "none_required")) and error.get("input") in (None, ""):
            return say("Please fill this in")
        case _:
            return str(error["msg"])


def _kind_of(annotation: Any) -> tuple[Any, bool]:
    """(the type of one value, whether there are several)."""
    if get_origin(annotation) in (Union, types.UnionType):
        annotation = next(each for each in get_args(annotation) if each is not type(None))
    if get_origin(annotation) in (list, tuple, set, frozenset):
        return next(iter(get_args(annotation)), str), True
    return annotation, False


def _options_of(kind: Any) -> Mapping[Any, str] | None:
    if get_origin(kind) is Literal:
        return {value: say(str(value).replace("_", " ").capitalize()) for value in get_args(kind)}
    if isinstance(kind, type) and issubclass(kind, Enum):
        return {member: say(str(member.value).replace("_", " ").capitalize()) for member in kind}
    return None

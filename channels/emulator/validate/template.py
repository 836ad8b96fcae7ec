"""Templates: what may be created, and whether a send fits what was approved."""

import re
from dataclasses import dataclass
from typing import Any, Final

from channels.emulator.errors import GraphError, invalid_parameter, missing
from channels.emulator.validate.fields import a_list, a_text, required

_VARIABLE: Final = re.compile(r"\{\{\s*([A-Za-z0-9_]+)\s*\}\}")
_NAME: Final = re.compile(r"[a-z0-9_]{1,512}")
_BAD_VALUE: Final = re.compile(r"[\n\t]| {5,}")
MEDIA_HEADERS: Final = ("IMAGE", "VIDEO", "DOCUMENT", "LOCATION")
CATEGORIES: Final = ("MARKETING", "UTILITY", "AUTHENTICATION")


@dataclass(frozen=True, slots=True)
class Rendered:
    """A template as the person sees it."""

    header: dict[str, Any] | None
    body: str
    footer: str
    buttons: list[dict[str, Any]]


def check_create(data: Any) -> None:
    """Raises GraphError when Meta would refuse to take this template into review."""
    if not isinstance(data, dict):
        raise invalid_parameter("The request body must be a JSON object.")
    name = required(data, "name", "")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise invalid_parameter("Param name may only hold a-z, 0-9 and _ (at most 512).")
    a_text(data, "language", "", most=16)
    if str(required(data, "category", "")).upper() not in CATEGORIES:
        raise invalid_parameter(f"Param category must be one of {{{', '.join(CATEGORIES)}}}.")
    components = a_list(data, "components", "")
    if not all(isinstance(c, dict) for c in components):
        raise invalid_parameter("Param components must be an array of objects.")
    bodies = [c for c in components if _type(c) == "BODY"]
    if len(bodies) != 1:
        raise GraphError(2388072, "A template needs exactly one BODY.")
    for component in components:
        _check_component(component)


def _check_component(component: dict[str, Any]) -> None:
    match _type(component):
        case "BODY":
            text = str(component.get("text") or "")
            if not text.strip():
                raise GraphError(2388072, "The body has no text.")
            if len(text) > 1024:
                raise GraphError(2388040, "The body is longer than 1024 characters.")
            _check_variables(text)
        case "HEADER":
            kind = str(component.get("format") or "TEXT").upper()
            text = str(component.get("text") or "")
            if kind not in ("TEXT", *MEDIA_HEADERS) or (kind == "TEXT" and (not text or len(variables_of(text)) > 1)):
                raise GraphError(2388047, "A header is a text with at most one variable, or media.")
            if len(text) > 60:
                raise GraphError(2388040, "The header is longer than 60 characters.")
        case "FOOTER":
            text = str(component.get("text") or "")
            if not text or variables_of(text):
                raise GraphError(2388073, "A footer is a text without variables.")
            if len(text) > 60:
                raise GraphError(2388040, "The footer is longer than 60 characters.")
        case "BUTTONS":
            _check_buttons(a_list(component, "buttons", "components.buttons"))
        case other if other not in ("CAROUSEL", "LIMITED_TIME_OFFER", "CALL_PERMISSION_REQUEST"):
            raise invalid_parameter(f"Component type {other!r} is unknown.")
        case _:
            pass


def _check_variables(text: str) -> None:
    names = variables_of(text)
    if not names:
        return
    stripped = text.strip()
    found = list(_VARIABLE.finditer(stripped))
    if found[0].start() == 0 or found[-1].end() == len(stripped):
        raise GraphError(2388299, "Variables can't be at the start or end of the template.")
    if all(n.isdigit() for n in names) and sorted(int(n) for n in set(names)) != list(range(1, len(set(names)) + 1)):
        raise GraphError(2388072, "Positional variables must be numbered from 1 without gaps.")
    if len(_VARIABLE.sub("", text).split()) < 2 * len(names):
        raise GraphError(2388293, "This template has too many variables for its length.")


def _check_buttons(buttons: list[Any]) -> None:
    if len(buttons) > 10:
        raise GraphError(2388040, "A template has at most 10 buttons.")
    kinds = [str(b.get("type", "")).upper() if isinstance(b, dict) else "" for b in buttons]
    if kinds.count("URL") > 2 or kinds.count("PHONE_NUMBER") > 1 or kinds.count("COPY_CODE") > 1:
        raise invalid_parameter("At most 2 URL buttons, 1 phone button and 1 copy-code button.")
    positions = [i for i, kind in enumerate(kinds) if kind == "QUICK_REPLY"]
    if positions and positions[-1] - positions[0] + 1 != len(positions):
        raise invalid_parameter("Quick replies must stand together.")
    for button, kind in zip(buttons, kinds, strict=True):
        if not kind:
            raise missing("components.buttons.type")
        if len(str(button.get("text") or "")) > 25:
            raise GraphError(2388040, "A button text is longer than 25 characters.")


def variables_of(text: str) -> list[str]:
    return _VARIABLE.findall(text)


def check_and_render(template: dict[str, Any], content: dict[str, Any]) -> Rendered:
    """The template filled with the send's parameters.

    Raises:
        GraphError: 132000 count differs, 132012 named against positional or wrong type, 131008 an empty value, 132018 a value
            with line breaks, 132005 the filled text is too long.
    """
    named = template.get("parameter_format") == "NAMED"
    sent = {_type(c): c for c in content.get("components", []) if _type(c) != "BUTTON"}
    header: dict[str, Any] | None = None
    body, footer = "", ""
    buttons: list[dict[str, Any]] = []
    for component in template["components"]:
        match _type(component):
            case "HEADER":
                header = _render_header(component, sent.get("HEADER"), named=named)
            case "BODY":
                values = _values(component.get("text", ""), sent.get("BODY"), "body", named=named)
                body = _fill(component.get("text", ""), values)
            case "FOOTER":
                footer = str(component.get("text", ""))
            case "BUTTONS":
                buttons = _render_buttons(component.get("buttons", []), content.get("components", []))
            case _:
                pass
    if len(body) > 1024:
        raise GraphError(132005, f"The hydrated body has {len(body)} characters; the maximum is 1024.")
    return Rendered(header, body, footer, buttons)


def _render_header(component: dict[str, Any], sent: dict[str, Any] | None, *, named: bool) -> dict[str, Any]:
    kind = str(component.get("format") or "TEXT").upper()
    if kind == "TEXT":
        text = str(component.get("text", ""))
        return {"type": "text", "text": _fill(text, _values(text, sent, "header", named=named))}
    parameters = _parameters(sent, "header")
    if len(parameters) != 1:
        raise GraphError(
            132000,
            f"header: number of localizable_params ({len(parameters)}) does not match the expected number of params (1)",
        )
    if parameters[0].get("type") != kind.lower() or not isinstance(parameters[0].get(kind.lower()), dict):
        raise GraphError(
            132012, f"header: Format mismatch, expected {kind}, received {str(parameters[0].get('type')).upper()}"
        )
    return {"type": kind.lower(), kind.lower(): parameters[0][kind.lower()]}


def _render_buttons(buttons: list[dict[str, Any]], components: list[dict[str, Any]]) -> list[dict[str, Any]]:
    sent = {str(c.get("index")): c for c in components if _type(c) == "BUTTON"}
    unknown = set(sent) - {str(i) for i in range(len(buttons))}
    if unknown:
        raise GraphError(132018, f"button index {sorted(unknown)[0]} does not exist in the template.")
    return [_render_button(b, i, sent.get(str(i))) for i, b in enumerate(buttons)]


def _render_button(button: dict[str, Any], index: int, sent: dict[str, Any] | None) -> dict[str, Any]:
    kind = str(button.get("type", "")).upper()
    out = {"type": kind.lower(), "text": button.get("text", ""), "index": index}
    parameters = _parameters(sent, f"button[{index}]")
    if kind == "URL":
        url = str(button.get("url", ""))
        expected = len(variables_of(url))
        if len(parameters) != expected:
            raise GraphError(
                132000,
                f"button[{index}]: number of params ({len(parameters)}) does not match the expected number ({expected})",
            )
        out["url"] = _fill(
            url, {name: str(p.get("text", "")) for name, p in zip(variables_of(url), parameters, strict=True)}
        )
    elif kind == "QUICK_REPLY":
        out["payload"] = str(parameters[0].get("payload", "")) if parameters else button.get("text", "")
    elif kind == "COPY_CODE":
        out["code"] = str(parameters[0].get("coupon_code", "")) if parameters else ""
    elif kind == "PHONE_NUMBER":
        out["phone_number"] = button.get("phone_number", "")
    return out


def _values(text: str, sent: dict[str, Any] | None, where: str, *, named: bool) -> dict[str, str]:
    names = list(dict.fromkeys(variables_of(text)))
    parameters = _parameters(sent, where)
    if len(parameters) != len(names):
        raise GraphError(
            132000,
            f"{where}: number of localizable_params ({len(parameters)}) does not match the expected number of params ({len(names)})",
        )
    values: dict[str, str] = {}
    for i, parameter in enumerate(parameters):
        name = parameter.get("parameter_name")
        if named and name not in names:
            raise GraphError(132012, f"{where}: Parameter name is missing or unknown: {name!r}")
        if not named and name is not None:
            raise GraphError(132012, f"{where}: named parameter in a positional template")
        values[str(name) if named else names[i]] = _value(parameter, where)
    return values


def _value(parameter: dict[str, Any], where: str) -> str:
    kind = parameter.get("type", "text")
    if kind == "text":
        text = parameter.get("text")
    elif kind in ("currency", "date_time"):
        part = parameter.get(kind)
        text = part.get("fallback_value") if isinstance(part, dict) else None
    else:
        raise GraphError(132012, f"{where}: Format mismatch, expected TEXT, received {str(kind).upper()}")
    if not isinstance(text, str) or not text:
        raise missing(f"template.components.{where}.parameters.text")
    if _BAD_VALUE.search(text):
        raise GraphError(132018, "Param text cannot have new-line/tab characters or more than 4 consecutive spaces")
    return text


def _parameters(component: dict[str, Any] | None, where: str) -> list[dict[str, Any]]:
    parameters = (component or {}).get("parameters", [])
    if not isinstance(parameters, list) or not all(isinstance(p, dict) for p in parameters):
        raise invalid_parameter(f"Param {where}['parameters'] must be an array of objects.")
    return parameters


def _fill(text: str, values: dict[str, str]) -> str:
    return _VARIABLE.sub(lambda m: values.get(m.group(1), m.group(0)), text)


def _type(component: dict[str, Any]) -> str:
    return str(component.get("type", "")).upper()

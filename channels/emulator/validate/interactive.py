"""Interactive messages: buttons, lists, links, location and contact requests, flows, carousels, catalogues."""

from collections.abc import Callable
from typing import Any, Final

from channels.emulator.errors import invalid, invalid_parameter
from channels.emulator.validate.fields import a_list, a_text, a_url, an_object, maybe_text, required

BUTTON_TITLE: Final = 20
ROW_TITLE: Final = 24
ROW_DESCRIPTION: Final = 72
MOST_BUTTONS: Final = 3
MOST_ROWS: Final = 10
MOST_SECTIONS: Final = 10
HEADER_MEDIA: Final = ("image", "video", "document")


def check_interactive(data: dict[str, Any]) -> None:
    """Raises GraphError when Meta would refuse this `interactive` object."""
    kind = required(data, "type", "interactive")
    check = _CHECKS.get(kind) if isinstance(kind, str) else None
    if check is None:
        raise invalid_parameter(
            f"Param interactive['type'] must be one of {{{', '.join(sorted(_CHECKS))}}} - got {kind!r}."
        )
    check(data, an_object(data, "action", "interactive"))


def _buttons(data: dict[str, Any], action: dict[str, Any]) -> None:
    _body(data, most=1024)
    _header(data, media=True)
    _footer(data)
    buttons = a_list(action, "buttons", "interactive.action", most=MOST_BUTTONS)
    titles: list[str] = []
    ids: list[str] = []
    for i, button in enumerate(buttons):
        path = f"interactive.action.buttons[{i}]"
        if not isinstance(button, dict) or button.get("type") != "reply":
            raise invalid(f"{path}.type must be reply.")
        reply = an_object(button, "reply", path)
        titles.append(a_text(reply, "title", f"{path}.reply", most=BUTTON_TITLE))
        ids.append(a_text(reply, "id", f"{path}.reply", most=256))
    _unique(titles, "button titles")
    _unique(ids, "button ids")


def _list(data: dict[str, Any], action: dict[str, Any]) -> None:
    _body(data, most=4096)
    _header(data, media=False)
    _footer(data)
    a_text(action, "button", "interactive.action", most=20)
    sections = a_list(action, "sections", "interactive.action", most=MOST_SECTIONS)
    ids: list[str] = []
    for i, section in enumerate(sections):
        path = f"interactive.action.sections[{i}]"
        if not isinstance(section, dict):
            raise invalid_parameter(f"Param {path} must be a JSON object.")
        if len(sections) > 1 or section.get("title"):
            a_text(section, "title", path, most=24)
        for j, row in enumerate(a_list(section, "rows", path)):
            row_path = f"{path}.rows[{j}]"
            if not isinstance(row, dict):
                raise invalid_parameter(f"Param {row_path} must be a JSON object.")
            ids.append(a_text(row, "id", row_path, most=200))
            a_text(row, "title", row_path, most=ROW_TITLE)
            if row.get("description"):
                a_text(row, "description", row_path, most=ROW_DESCRIPTION)
    if len(ids) > MOST_ROWS:
        raise invalid(f"Total row count exceed max allowed count: {MOST_ROWS}; got {len(ids)}.")
    _unique(ids, "row ids")


def _cta_url(data: dict[str, Any], action: dict[str, Any]) -> None:
    _body(data, most=1024)
    _header(data, media=True)
    _footer(data)
    _named(action, "cta_url")
    parameters = an_object(action, "parameters", "interactive.action")
    a_text(parameters, "display_text", "interactive.action.parameters", most=20)
    a_url(parameters, "url", "interactive.action.parameters")


def _location_request(data: dict[str, Any], action: dict[str, Any]) -> None:
    _body(data, most=1024)
    _named(action, "send_location")


def _contact_request(data: dict[str, Any], action: dict[str, Any]) -> None:
    _body(data, most=1024)
    _named(action, "request_contact_info")


def _flow(data: dict[str, Any], action: dict[str, Any]) -> None:
    _body(data, most=1024)
    _header(data, media=True)
    _footer(data)
    _named(action, "flow")
    path = "interactive.action.parameters"
    parameters = an_object(action, "parameters", "interactive.action")
    if str(parameters.get("flow_message_version", "")) != "3":
        raise invalid(f"{path}.flow_message_version must be 3.")
    if not parameters.get("flow_id") and not parameters.get("flow_name"):
        required(parameters, "flow_id", path)
    if parameters.get("flow_id") and parameters.get("flow_name"):
        raise invalid(f"{path}: only one of flow_id and flow_name may be set.")
    a_text(parameters, "flow_cta", path, most=30)
    if parameters.get("mode", "published") not in ("draft", "published"):
        raise invalid(f"{path}.mode must be draft or published.")
    _flow_action(parameters, path)


def _flow_action(parameters: dict[str, Any], path: str) -> None:
    flow_action = parameters.get("flow_action", "navigate")
    if flow_action not in ("navigate", "data_exchange"):
        raise invalid(f"{path}.flow_action must be navigate or data_exchange.")
    payload = parameters.get("flow_action_payload")
    if payload is None:
        return
    if not isinstance(payload, dict):
        raise invalid_parameter(f"Param {path}['flow_action_payload'] must be a JSON object.")
    if flow_action == "navigate":
        a_text(payload, "screen", f"{path}.flow_action_payload", most=100)
    if "data" in payload and (not isinstance(payload["data"], dict) or not payload["data"]):
        raise invalid(f"{path}.flow_action_payload.data must be a non-empty object.")


def _carousel(data: dict[str, Any], action: dict[str, Any]) -> None:
    _body(data, most=1024)
    cards = a_list(action, "cards", "interactive.action", most=10)
    if len(cards) < 2:
        raise invalid("interactive.action.cards needs at least 2 cards.")
    shapes = set()
    for i, card in enumerate(cards):
        if not isinstance(card, dict):
            raise invalid_parameter(f"Param interactive.action.cards[{i}] must be a JSON object.")
        if card.get("body"):
            a_text(an_object(card, "body", f"cards[{i}]"), "text", f"cards[{i}].body", most=160)
        shapes.add(tuple(sorted(key for key in card if key != "card_index")))
    if len(shapes) > 1:
        raise invalid("All cards of a carousel must have the same components.")


def _product(data: dict[str, Any], action: dict[str, Any]) -> None:
    del data
    required(action, "catalog_id", "interactive.action")
    required(action, "product_retailer_id", "interactive.action")


def _product_list(data: dict[str, Any], action: dict[str, Any]) -> None:
    _body(data, most=1024)
    required(data, "header", "interactive")
    required(action, "catalog_id", "interactive.action")
    items = 0
    for i, section in enumerate(a_list(action, "sections", "interactive.action", most=MOST_SECTIONS)):
        items += len(a_list(section, "product_items", f"interactive.action.sections[{i}]"))
    if items > 30:
        raise invalid(f"A product list holds at most 30 items; got {items}.")


def _catalog(data: dict[str, Any], action: dict[str, Any]) -> None:
    _body(data, most=1024)
    _named(action, "catalog_message")


_CHECKS: Final[dict[str, Callable[[dict[str, Any], dict[str, Any]], None]]] = {
    "button": _buttons,
    "list": _list,
    "cta_url": _cta_url,
    "location_request_message": _location_request,
    "request_contact_info": _contact_request,
    "flow": _flow,
    "carousel": _carousel,
    "product": _product,
    "product_list": _product_list,
    "catalog_message": _catalog,
}


def _body(data: dict[str, Any], *, most: int) -> None:
    a_text(an_object(data, "body", "interactive"), "text", "interactive.body", most=most)


def _footer(data: dict[str, Any]) -> None:
    if data.get("footer") is not None:
        a_text(an_object(data, "footer", "interactive"), "text", "interactive.footer", most=60)


def _header(data: dict[str, Any], *, media: bool) -> None:
    if data.get("header") is None:
        return
    header = an_object(data, "header", "interactive")
    kind = required(header, "type", "interactive.header")
    if kind == "text":
        a_text(header, "text", "interactive.header", most=60)
    elif media and kind in HEADER_MEDIA:
        part = an_object(header, kind, "interactive.header")
        if not part.get("id") and not part.get("link"):
            required(part, "id", f"interactive.header.{kind}")
    else:
        raise invalid(f"interactive.header.type {kind!r} is not allowed here.")


def _named(action: dict[str, Any], name: str) -> None:
    if required(action, "name", "interactive.action") != name:
        raise invalid(f"interactive.action.name must be {name}.")


def _unique(values: list[str], what: str) -> None:
    if len(set(values)) != len(values):
        raise invalid(f"Duplicated {what} are not allowed.")


def check_caption(data: dict[str, Any], path: str) -> None:
    maybe_text(data, "caption", path, most=1024)

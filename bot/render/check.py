"""What rendering a part would do to it: for `chatnation check`, the policy gate and the admin's preview."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from bot.messages import (
    Choices,
    ContactCards,
    Form,
    Link,
    Location,
    LocationRequest,
    MediaOut,
    Outbound,
    Template,
    Text,
)
from bot.render import limits
from bot.render.choices import fits_buttons, shown_title
from bot.render.cut import is_blank, one_line, safe
from bot.render.limits import size
from bot.render.render import WITHOUT_CAPTION, is_web_url

__all__ = ["Outcome", "Problem", "check"]


class Outcome(StrEnum):
    SPLIT = "split"  # goes out as several messages
    PAGED = "paged"  # goes out as pages of a list
    SHORTENED = "shortened"  # the visible form is shortened; the full one stands beside it
    MOVED = "moved"  # stands in the body, or in a text of its own, instead
    REPLACED = "replaced"  # nothing to see, something neutral stands there
    REFUSED = "refused"  # does not go out, or WhatsApp would refuse it


@dataclass(frozen=True, slots=True)
class Problem:
    """`field` as a path in the part ("options[3].title"); `size` and `limit` in characters, options, cards or 0 and 1."""

    field: str
    limit: int
    size: int
    outcome: Outcome

    def __str__(self) -> str:
        return f"{self.field} has {self.size} of at most {self.limit}: {self.outcome}"


def check(part: Outbound) -> list[Problem]:
    """Everything that would not go out as it was written; empty when all fits."""
    match part:
        case Text():
            return [*_body("text", part.text, limits.TEXT_BODY, if_blank=Outcome.REFUSED)]
        case Choices():
            return [*_choices(part)]
        case MediaOut():
            return [*_media(part)]
        case Link():
            return [*_link(part)]
        case LocationRequest():
            return [*_body("text", part.text, limits.LOCATION_REQUEST_BODY)]
        case Form():
            return [*_body("text", part.text, limits.FLOW_BODY), *_short("label", part.label, limits.FLOW_LABEL)]
        case ContactCards():
            return [*_cards(part)]
        case Location():
            return [*_degrees("latitude", part.latitude, 90), *_degrees("longitude", part.longitude, 180)]
        case Template():
            return [*_over("name", size(part.name), limits.TEMPLATE_NAME, Outcome.REFUSED)]
        case _:
            return []


def _over(field: str, found: int, limit: int, outcome: Outcome) -> Iterator[Problem]:
    if found > limit:
        yield Problem(field, limit, found, outcome)


def _body(field: str, text: str, limit: int, *, if_blank: Outcome = Outcome.REPLACED) -> Iterator[Problem]:
    if is_blank(text):
        yield Problem(field, 1, 0, if_blank)
    yield from _over(field, size(safe(text).strip()), limit, Outcome.SPLIT)


def _short(field: str, text: str, limit: int) -> Iterator[Problem]:
    if is_blank(text):
        yield Problem(field, 1, 0, Outcome.REPLACED)
    yield from _over(field, size(one_line(text)), limit, Outcome.SHORTENED)


def _frame(header: str, footer: str) -> Iterator[Problem]:
    yield from _over("header", size(one_line(header)), limits.HEADER_TEXT, Outcome.MOVED)
    yield from _over("footer", size(one_line(footer)), limits.FOOTER, Outcome.MOVED)


def _choices(part: Choices) -> Iterator[Problem]:
    if not part.options:
        yield Problem("options", 1, 0, Outcome.REPLACED)
        yield from _body("text", part.text, limits.TEXT_BODY, if_blank=Outcome.REFUSED)
        return
    is_list = not fits_buttons(part.options)
    yield from _body("text", part.text, limits.LIST_BODY if is_list else limits.BUTTONS_BODY)
    yield from _frame(part.header, part.footer)
    if not is_list:
        return
    yield from _over("button", size(one_line(part.button)), limits.LIST_BUTTON, Outcome.SHORTENED)
    yield from _over("options", len(part.options), limits.LIST_ROWS, Outcome.PAGED)
    seen: set[str] = set()
    for index, option in enumerate(part.options):
        path = f"options[{index}]"
        title = shown_title(option, index)
        yield from _short(f"{path}.title", option.title, limits.ROW_TITLE)
        yield from _over(
            f"{path}.description", size(one_line(option.description)), limits.ROW_DESCRIPTION, Outcome.MOVED
        )
        if title.casefold() in seen:
            yield Problem(f"{path}.title", 1, 2, Outcome.SHORTENED)
        seen.add(title.casefold())


def _media(part: MediaOut) -> Iterator[Problem]:
    if bool(part.blob) == bool(part.link):
        yield Problem("blob", 1, 2 if part.blob else 0, Outcome.REFUSED)
    if part.link and not part.link.startswith("https://"):
        yield Problem("link", 0, 1, Outcome.REFUSED)
    if part.kind in WITHOUT_CAPTION:
        yield from _over("caption", size(part.caption), 0, Outcome.MOVED)
    else:
        yield from _over("caption", size(safe(part.caption).strip()), limits.CAPTION, Outcome.SPLIT)


def _link(part: Link) -> Iterator[Problem]:
    yield from _body("text", part.text, limits.CTA_BODY)
    yield from _short("label", part.label, limits.CTA_LABEL)
    yield from _frame(part.header, part.footer)
    if not is_web_url(part.url):
        yield Problem("url", limits.CTA_URL, size(part.url), Outcome.MOVED)


def _cards(part: ContactCards) -> Iterator[Problem]:
    if not part.cards:
        yield Problem("cards", 1, 0, Outcome.REFUSED)
    yield from _over("cards", len(part.cards), limits.CONTACT_CARDS, Outcome.SPLIT)
    for index, card in enumerate(part.cards):
        if is_blank(card.name) and not card.phones:
            yield Problem(f"cards[{index}].name", 1, 0, Outcome.REPLACED)


def _degrees(field: str, value: float, limit: int) -> Iterator[Problem]:
    if not -limit <= value <= limit:
        yield Problem(field, limit, round(abs(value)) if value == value else 0, Outcome.REFUSED)

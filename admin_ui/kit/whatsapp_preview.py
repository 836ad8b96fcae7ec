"""How a message looks on the phone. It draws what `bot.render` makes of it, which is also what is sent: splitting, paging and moving included."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from nicegui import ui

from admin_ui.kit.controls import note
from admin_ui.scope import say
from bot.messages import ContactCard, Outbound
from bot.render import (
    Outcome,
    RButtons,
    RContacts,
    RCta,
    Rendered,
    RFlow,
    RList,
    RLocation,
    RLocationRequest,
    RMedia,
    RReaction,
    RTemplate,
    RText,
    check,
    render,
)
from bot.render.template import shown

__all__ = ["bubble", "draw", "formatted", "phone", "template_preview", "whatsapp_preview"]

READ_MORE_AFTER = 768  # characters; WhatsApp folds longer texts on phones

_CODE = re.compile(r"```(.+?)```", re.DOTALL)
_MARKS = (("*", "strong"), ("_", "em"), ("~", "s"))
_LINK = re.compile(r"(?<![\w/])(https?://[^\s<]+)")
_WORDS = {
    Outcome.SPLIT: "{field} is long and goes out as several messages ({size} of {limit}).",
    Outcome.PAGED: "{field} has many options and goes out as pages of a list ({size} of {limit}).",
    Outcome.SHORTENED: "{field} is shortened where it is seen; the whole stands beside it ({size} of {limit}).",
    Outcome.MOVED: "{field} does not fit there and stands in the text instead ({size} of {limit}).",
    Outcome.REPLACED: "{field} shows nothing; something neutral stands there ({size} of {limit}).",
    Outcome.REFUSED: "{field} does not go out like this ({size} of {limit}).",
}


def whatsapp_preview(part: Outbound, *, media_src: str = "") -> None:
    """A phone with all the messages that `part` becomes, and below it what happened to it on the way."""
    with phone():
        for each in render(part, option_id=str, page_id=lambda page: f"p{page}"):
            draw(each, media_src=media_src)
    for problem in check(part):
        tone = "bad" if problem.outcome is Outcome.REFUSED else "warn"
        told = say(_WORDS[problem.outcome], field=problem.field, size=problem.size, limit=problem.limit)
        note(told, tone)  # type: ignore[arg-type]


def template_preview(components: Sequence[Mapping[str, Any]], sent: Sequence[Mapping[str, Any]] = ()) -> None:
    """A phone with a template as it is defined, filled with what is sent (`bot.render.template.filled`)."""
    found = shown(components, sent)
    with phone():
        with _box():
            if found.media:
                ui.label(found.media.capitalize()).classes("cn-wa-media")
            if found.header:
                ui.label(found.header).classes("cn-wa-head")
            _text(found.body)
            if found.footer:
                ui.label(found.footer).classes("cn-wa-foot")
        _buttons(found.buttons)


@contextmanager
def phone() -> Iterator[None]:
    with ui.element("div").classes("cn-phone").props("role=group") as found:
        found.props["aria-label"] = say("Preview on a phone")
        yield


def bubble(text: str, *, mine: bool = False, incoming: bool = True) -> None:
    """One plain message. `mine`: on the right."""
    with ui.element("div").classes(f"cn-bubble {'mine' if mine else ''} {'in' if incoming else ''}"):
        _text(text)


def draw(message: Rendered, *, media_src: str = "") -> None:
    """One WhatsApp message, as the person gets it: on the left, for it is we who write."""
    match message:
        case RText(body=body):
            _bubble(body)
        case RButtons():
            _bubble(message.body, message.header, message.footer)
            _buttons([each.title for each in message.buttons])
        case RList():
            _bubble(message.body, message.header, message.footer)
            _buttons([f"☰ {message.button}"])
            _list(message)
        case RMedia():
            _media(message, media_src)
        case RCta():
            _bubble(message.body, message.header, message.footer)
            _buttons([f"↗ {message.label}"])
        case RFlow():
            _bubble(message.body, message.header, message.footer)
            _buttons([message.label])
        case RLocationRequest(body=body):
            _bubble(body)
            _buttons([f"📍 {say('Send location')}"])
        case RLocation():
            with _box():
                ui.label(f"📍 {message.name or f'{message.latitude:.4f}, {message.longitude:.4f}'}").classes(
                    "cn-wa-head"
                )
                _text(message.address)
        case RContacts(cards=cards):
            _cards(cards)
        case RTemplate():
            _bubble(
                say("Template {name} ({language})", name=message.name, language=message.language), "", message.category
            )
        case RReaction(emoji=emoji):
            _bubble(emoji or say("reaction taken back"))


def formatted(text: str) -> str:
    """WhatsApp's own marks as HTML; everything else escaped, so that nothing a person writes becomes markup."""
    parts = _CODE.split(text)
    return "".join(
        f"<code>{html.escape(part)}</code>" if at % 2 else _marked(html.escape(part)) for at, part in enumerate(parts)
    )


def _marked(text: str) -> str:
    text = _LINK.sub(r'<span class="cn-wa-more">\1</span>', text)
    for mark, name in _MARKS:
        sign = re.escape(mark)
        text = re.sub(
            rf"(?<![\w{sign}]){sign}(?=\S)([^\n{sign}]*?\S){sign}(?![\w{sign}])", rf"<{name}>\1</{name}>", text
        )
    return text


@contextmanager
def _box() -> Iterator[None]:
    with ui.element("div").classes("cn-bubble in"):
        yield


def _bubble(body: str, header: str = "", footer: str = "") -> None:
    with _box():
        if header:
            ui.label(header).classes("cn-wa-head")
        _text(body)
        if footer:
            ui.label(footer).classes("cn-wa-foot")


def _text(text: str) -> None:
    shown, rest = text[:READ_MORE_AFTER], text[READ_MORE_AFTER:]
    more = '… <span class="cn-wa-more">' + html.escape(say("Read more")) + "</span>" if rest else ""
    ui.html(formatted(shown) + more, sanitize=False).classes("cn-wa-text")


def _buttons(titles: Sequence[str]) -> None:
    with ui.element("div").classes("cn-wa-buttons"):
        for title in titles:
            ui.label(title).classes("cn-wa-button")


def _list(message: RList) -> None:
    with ui.element("div").classes("cn-wa-list"):
        for section in message.sections:
            if section.title:
                ui.label(section.title).classes("cn-wa-foot")
            for row in section.rows:
                with ui.element("div"):
                    ui.label(row.title)
                    if row.description:
                        ui.html(f"<small>{html.escape(row.description)}</small>", sanitize=False)


def _media(message: RMedia, src: str) -> None:
    with _box():
        if message.kind == "document":
            ui.label(f"📄 {message.filename or say('Document')}").classes("cn-wa-file")
        elif src:
            ui.element("img").props(f'src="{html.escape(src)}" alt=""').style("width: 100%; border-radius: 6px")
        else:
            ui.label(say(message.kind.value.title())).classes("cn-wa-media")
        if message.caption:
            _text(message.caption)


def _cards(cards: Sequence[ContactCard]) -> None:
    with _box():
        for card in cards:
            ui.label(f"👤 {card.name}").classes("cn-wa-head")
            ui.label(", ".join(card.phones)).classes("cn-wa-foot")

"""The messages of a conversation, drawn by what draws them for WhatsApp, with what the bot made of them and what colleagues noted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from nicegui import ui

from admin_ui.kit.controls import tag
from admin_ui.kit.whatsapp_preview import bubble, draw, formatted
from admin_ui.scope import Desk
from admin_ui.words import Words
from bot.conversations import Noted, Said
from bot.messages import (
    Choice,
    ContactCards,
    FormReply,
    Location,
    Media,
    MediaKind,
    MediaOut,
    Reaction,
    Template,
    Text,
)
from bot.render import RMedia, render

__all__ = ["Entry", "entries", "plain", "template_texts"]

HAPPENED: dict[str, Words] = {
    "called": {"en": "The bot called a person", "sw": "Boti imeita mtu"},
    "taken_over": {"en": "{author} took over", "sw": "{author} amechukua mazungumzo"},
    "given_back": {"en": "{author} gave the conversation back to the bot", "sw": "{author} amerudisha kwa boti"},
    "assigned": {"en": "{author} assigned it to {text}", "sw": "{author} amemkabidhi {text}"},
    "unassigned": {"en": "{author} assigned it to nobody", "sw": "{author} ameondoa mhusika"},
    "closed": {"en": "{author} closed the conversation", "sw": "{author} amefunga mazungumzo"},
    "reopened": {"en": "{author} opened it again", "sw": "{author} ameyafungua tena"},
}
TICKS: dict[str, tuple[str, Words]] = {
    "queued": ("schedule", {"en": "on its way", "sw": "inatumwa"}),
    "accepted": ("done", {"en": "sent", "sw": "imetumwa"}),
    "sent": ("done", {"en": "sent", "sw": "imetumwa"}),
    "delivered": ("done_all", {"en": "delivered", "sw": "imefika"}),
    "read": ("done_all", {"en": "read", "sw": "imesomwa"}),
    "played": ("done_all", {"en": "played", "sw": "imesikilizwa"}),
    "failed": ("error", {"en": "not delivered", "sw": "haikufika"}),
    "refused": ("error", {"en": "not sent", "sw": "haikutumwa"}),
}
SOURCES: dict[str, Words] = {
    "payload": {"en": "a tap", "sw": "mguso"},
    "option": {"en": "an offered option", "sw": "chaguo lililotolewa"},
    "forced": {"en": "the question takes any words", "sw": "swali linapokea maneno yoyote"},
    "words": {"en": "words that the flow claims", "sw": "maneno ya mtiririko"},
    "global": {"en": "words that mean the same everywhere", "sw": "maneno ya kila mahali"},
    "example": {"en": "an example", "sw": "mfano"},
    "meaning": {"en": "likeness to examples", "sw": "kufanana na mifano"},
    "slot": {"en": "an answer to the open question", "sw": "jibu la swali"},
    "entity": {"en": "a value in the sentence", "sw": "thamani ndani ya sentensi"},
    "mood": {"en": "the mood", "sw": "hisia"},
}
FOLDED = 3  # readings that are shown below the one that was taken


@dataclass(frozen=True, slots=True)
class Entry:
    """Something in the thread. What has the same `print` looks the same."""

    key: str
    print: object
    draw: Callable[[], None]
    classes: str


def entries(desk: Desk, items: Sequence[Said | Noted], names: Mapping[str, str]) -> list[Entry]:
    """`names`: of people, by `user:<id>`."""
    found: list[Entry] = []
    reactions = _reactions(items)
    day = ""
    for item in items:
        local = desk.local(item.at)
        if (this := local.date().isoformat()) != day:
            day = this
            found.append(_day(desk, item.at, day))
        if isinstance(item, Noted):
            found.append(_noted(desk, item))
        elif not isinstance(item.part, Reaction):
            emoji = reactions.get(item.external_id or "", "")
            found.append(_said(desk, item, names, emoji))
    return found


def _reactions(items: Sequence[Said | Noted]) -> dict[str, str]:
    """The last one on each message; they are drawn on it, not by themselves."""
    return {
        each.part.message_id: each.part.emoji
        for each in items
        if isinstance(each, Said) and isinstance(each.part, Reaction)
    }


def _day(desk: Desk, moment: datetime, key: str) -> Entry:
    today = desk.local(desk.now).date()
    days = (today - desk.local(moment).date()).days
    text = (
        desk.say({"en": "Today", "sw": "Leo"})
        if days == 0
        else desk.say({"en": "Yesterday", "sw": "Jana"})
        if days == 1
        else desk.long_date(moment)
    )
    return Entry(f"day:{key}", text, lambda: _label(text, "ib-day"), "day")


def _noted(desk: Desk, item: Noted) -> Entry:
    author = item.author or desk.say({"en": "The bot", "sw": "Boti"})
    if item.kind == "note":

        def show() -> None:
            with ui.element("div").classes("ib-note"):
                with ui.element("div").classes("ib-note-head"):
                    ui.icon("lock").props("aria-hidden=true")
                    ui.label(f"{author} · {desk.local(item.at):%H:%M}")
                ui.html(formatted(item.text), sanitize=False).classes("cn-wa-text")

        return Entry(str(item.id), item.text, show, "note")
    kind = "unassigned" if item.kind == "assigned" and not item.text else item.kind
    text = desk.say(HAPPENED.get(kind, item.kind)).format(author=author, text=item.text)
    return Entry(str(item.id), text, lambda: _label(f"{text} · {desk.local(item.at):%H:%M}", "ib-happened"), "happened")


def _label(text: str, classes: str) -> None:
    ui.label(text).classes(classes)


def _said(desk: Desk, item: Said, names: Mapping[str, str], emoji: str) -> Entry:
    is_in = item.direction == "in"
    file = item.file.state if item.file else ""

    def show() -> None:
        if is_in:
            _incoming(desk, item)
        else:
            _outgoing(item)
        if emoji:
            ui.label(emoji).classes("ib-reaction")
        _meta(desk, item, names)

    who = "in" if is_in else "out by-person" if item.by_person else "out"
    return Entry(str(item.id), (item.status, file, emoji, item.understanding is not None), show, who)


def _incoming(desk: Desk, item: Said) -> None:
    match item.part:
        case Text(text=text):
            bubble(text)
        case Choice():
            with ui.element("div").classes("cn-bubble in ib-tap"):
                ui.icon("touch_app").props("aria-hidden=true")
                ui.label(item.part.title or item.part.option_id)
        case Media():
            _file(desk, item, item.part)
        case Location():
            part = item.part
            with ui.element("div").classes("cn-bubble in"):
                ui.label(f"📍 {part.name or part.address or f'{part.latitude:.5f}, {part.longitude:.5f}'}")
        case ContactCards(cards=cards):
            with ui.element("div").classes("cn-bubble in"):
                for card in cards:
                    ui.label(f"👤 {card.name} {', '.join(card.phones)}")
        case FormReply():
            with ui.element("div").classes("cn-bubble in"):
                ui.label(f"📝 {item.part.name or desk.say({'en': 'Form filled in', 'sw': 'Fomu imejazwa'})}")
                response = item.part.response if isinstance(item.part.response, dict) else {}
                for name, value in list(response.items())[:12]:
                    ui.label(f"{name.replace('_', ' ')}: {value}").classes("cn-wa-foot")
        case _:
            words = {"en": "A message of a kind that cannot be shown here", "sw": "Ujumbe usioweza kuonyeshwa hapa"}
            with ui.element("div").classes("cn-bubble in"):
                ui.label(desk.say(words)).classes("cn-wa-foot")


def _file(desk: Desk, item: Said, part: Media) -> None:
    source = f"/inbox/file/{item.id}"
    file = item.file
    with ui.element("div").classes("cn-bubble in"):
        if file is None or file.state != "stored":
            failed = file is not None and file.state == "failed"
            pending = {"en": "The file is being fetched…", "sw": "Faili linaletwa…"}
            lost = {"en": "The file could not be fetched", "sw": "Faili halikupatikana"}
            ui.label(desk.say(lost if failed else pending)).classes("cn-wa-media")
        elif part.kind in (MediaKind.IMAGE, MediaKind.STICKER):
            _picture(source, part.caption or part.kind.value)
        elif part.kind in (MediaKind.AUDIO, MediaKind.VOICE):
            ui.element("audio").props(f'src="{source}" controls preload="none"').classes("ib-audio")
        elif part.kind is MediaKind.VIDEO:
            ui.element("video").props(f'src="{source}" controls preload="none"').classes("ib-picture")
        else:
            _document(source, file.filename or part.filename)
        if part.caption or part.transcript:
            ui.html(formatted(part.caption or part.transcript), sanitize=False).classes("cn-wa-text")


def _picture(source: str, alt: str) -> None:
    with ui.element("a").props(f'href="{source}" target="_blank" rel="noopener"'):
        picture = ui.element("img").props(f'src="{source}" loading="lazy"').classes("ib-picture")
        picture.props["alt"] = alt


def _document(source: str, name: str) -> None:
    with ui.element("a").props(f'href="{source}" download').classes("cn-wa-file"):
        ui.label(f"📄 {name or 'Document'}")


def _outgoing(item: Said) -> None:
    part = item.part
    if isinstance(part, Template):
        _template(part)
        return
    if isinstance(part, (Choice, Media, FormReply)) or part.type == "unsupported":
        bubble("…")
        return
    pieces = render(part, option_id=str, page_id=lambda page: f"p{page}")
    for piece in pieces[item.index : item.index + 1]:
        if isinstance(part, MediaOut) and isinstance(piece, RMedia) and part.blob:
            draw(piece, media_src=f"/inbox/file/{item.id}" if part.kind is MediaKind.IMAGE else "")
        else:
            draw(piece)


def _template(part: Template) -> None:
    with ui.element("div").classes("cn-bubble in"):
        with ui.element("div").classes("cn-wa-head"):
            ui.label(f"📣 {part.name}")
        for text in template_texts(part.components):
            ui.html(formatted(text), sanitize=False).classes("cn-wa-text")
        ui.label(f"{part.language} · {part.category}").classes("cn-wa-foot")


def template_texts(components: Sequence[Mapping[str, Any]]) -> list[str]:
    return [
        str(each["text"])
        for component in components
        for each in component.get("parameters") or ()
        if isinstance(each, Mapping) and each.get("type") == "text" and each.get("text")
    ]


def _meta(desk: Desk, item: Said, names: Mapping[str, str]) -> None:
    with ui.element("div").classes("ib-meta num"):
        if item.direction == "out":
            _author(desk, item, names)
        ui.label(f"{desk.local(item.at):%H:%M}")
        if item.direction == "in":
            if item.understanding:
                _understood(desk, item.understanding)
            return
        icon, words = TICKS.get(item.status, TICKS["queued"])
        tone = "read" if item.status in ("read", "played") else "bad" if icon == "error" else ""
        text = desk.say(words)
        mark = ui.icon(icon).classes(f"ib-tick {tone}").props("role=img")
        mark.props["aria-label"] = mark.props["title"] = text
        if icon == "error":
            ui.label(_why(item.error) or text).classes("ib-bad")


def _author(desk: Desk, item: Said, names: Mapping[str, str]) -> None:
    if not item.by_person:
        ui.icon("smart_toy").props('aria-hidden="true"')
        ui.label(desk.say({"en": "Bot", "sw": "Boti"}))
        return
    ui.label(names.get(item.origin.partition("/")[2], desk.say({"en": "The team", "sw": "Timu"})).partition("@")[0])


def _why(error: Any) -> str:
    found = error[0] if isinstance(error, list) and error else error
    if not isinstance(found, Mapping):
        return ""
    reason = str(found.get("reason") or found.get("title") or found.get("message") or "")
    return reason.replace("_", " ")


def _understood(desk: Desk, understanding: Mapping[str, Any]) -> None:
    considered = [each for each in understanding.get("considered") or () if isinstance(each, Mapping)]
    if not considered:
        return
    with ui.element("details").classes("ib-why"):
        with ui.element("summary"):
            ui.icon("psychology").props('aria-hidden="true"')
            tag("span", desk.say({"en": "What the bot understood", "sw": "Boti ilielewa nini"}), "ib-why-label")
        with ui.element("ul"):
            taken = [each for each in considered if not each.get("lost")]
            lost = [each for each in considered if each.get("lost")][:FOLDED]
            for each in (*taken, *lost):
                _reading(desk, each)


def _reading(desk: Desk, each: Mapping[str, Any]) -> None:
    source = desk.say(SOURCES.get(str(each.get("source")), str(each.get("source", ""))))
    sure = f"{round(float(each.get('confidence') or 0) * 100)} %"
    with ui.element("li").classes("lost" if each.get("lost") else ""):
        tag("strong", _command(desk, each))
        tag("span", f" {desk.say({'en': 'by', 'sw': 'kwa'})} {source}, {sure}")
        if each.get("lost"):
            why = desk.say({"en": "not taken", "sw": "haikuchukuliwa"})
            tag("span", f" · {why}: {each['lost']}")


def _command(desk: Desk, each: Mapping[str, Any]) -> str:
    name = str(each.get("command", ""))
    flow = each.get("flow")
    flows = ", ".join(map(plain, flow)) if isinstance(flow, list) else plain(str(flow or ""))
    match name:
        case "StartFlow":
            return desk.say({"en": f"wants “{flows}”", "sw": f"anataka “{flows}”"})
        case "SetSlot":
            slot = plain(str(each.get("slot", "")))
            return desk.say({"en": f"answers “{slot}”", "sw": f"anajibu “{slot}”"})
        case "Clarify":
            return desk.say({"en": f"could mean {flows}", "sw": f"huenda ni {flows}"})
        case "CannotHandle":
            return desk.say({"en": "not understood", "sw": "haikueleweka"})
        case "HandOff":
            return desk.say({"en": "wants a person", "sw": "anataka mtu"})
    return "".join(f" {c.lower()}" if c.isupper() else c for c in name).strip()


def plain(loaded_id: str) -> str:
    """`events:events_list` as people read it."""
    skill, _, name = loaded_id.rpartition(":")
    return (name.removeprefix(f"{skill}_") if skill else name).replace("_", " ")

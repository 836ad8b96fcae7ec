"""The list of conversations: one piece of HTML, so that a hundred open pages cost little when something happens."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from admin_ui.scope import Desk
from admin_ui.words import Words
from bot.conversations import Counts, Listed, View

__all__ = ["VIEWS", "count_of", "initials", "rows_html"]

VIEWS: dict[View, Words] = {
    View.OPEN: {"en": "All open", "sw": "Zote wazi"},
    View.WAITING: {"en": "Waiting for a person", "sw": "Yanasubiri mtu"},
    View.MINE: {"en": "Mine", "sw": "Yangu"},
    View.UNASSIGNED: {"en": "Unassigned", "sw": "Bila mhusika"},
    View.UNREAD: {"en": "Unread", "sw": "Hayajasomwa"},
    View.CLOSED: {"en": "Closed", "sw": "Yaliyofungwa"},
}
UNNAMED: Words = {"en": "Without a name", "sw": "Bila jina"}
MARKS = re.compile(r"(?<!\w)[*_~](?=\S)|(?<=\S)[*_~](?!\w)")  # WhatsApp's, for bold and the like
FAILED = ("failed", "refused")


def count_of(counts: Counts, view: View) -> int:
    return 0 if view is View.CLOSED else int(getattr(counts, view.value))


def rows_html(desk: Desk, rows: Sequence[Listed], opened: UUID | None) -> str:
    return "".join(_row(desk, each, is_open=each.id == opened) for each in rows)


def initials(name: str) -> str:
    return "".join(word[0] for word in name.split()[:2] if word).upper() or "?"


def _row(desk: Desk, row: Listed, *, is_open: bool) -> str:
    name = row.name or row.masked or desk.say(UNNAMED)
    current = ' aria-current="true"' if is_open else ""
    unread = (
        f'<span class="ib-unread" aria-label="{_unread(desk, row.unread)}">{min(row.unread, 99)}</span>'
        if row.unread
        else ""
    )
    return (
        f'<a class="ib-row{" unread" if row.unread else ""}" href="/inbox?c={row.id}" data-id="{row.id}"{current}>'
        f'<span class="ib-avatar" aria-hidden="true">{html.escape(initials(name))}</span>'
        f'<span class="ib-row-main"><span class="ib-row-top"><span class="ib-name">{html.escape(name)}</span>'
        f'<span class="ib-time num">{_when(desk, row.last_at)}</span></span>'
        f'<span class="ib-row-top"><span class="ib-preview">{_arrow(row)}{html.escape(MARKS.sub("", row.preview))}</span>{unread}</span>'
        f"{_pills(desk, row)}</span></a>"
    )


def _arrow(row: Listed) -> str:
    if row.direction != "out":
        return ""
    return '<span class="ib-bad">!</span> ' if row.status in FAILED else '<span aria-hidden="true">↩ </span>'


def _pills(desk: Desk, row: Listed) -> str:
    found: list[str] = []
    if row.waiting_at is not None:
        since = desk.ago(row.waiting_at)
        found.append(_pill("warn", f"{desk.say({'en': 'wants a person', 'sw': 'anataka mtu'})} · {since}"))
    if row.taken_over_at is not None:
        found.append(_pill("accent", desk.say({"en": "a person answers", "sw": "mtu anajibu"})))
    if row.assignee:
        found.append(_pill("", row.assignee.partition("@")[0]))
    found += [_pill("info", label) for label in row.labels[:3]]
    return f'<span class="ib-pills">{"".join(found)}</span>' if found else ""


def _pill(tone: str, text: str) -> str:
    return f'<span class="cn-pill {tone}">{html.escape(text)}</span>'


def _unread(desk: Desk, number: int) -> str:
    return desk.say({"en": f"{number} unread", "sw": f"{number} hayajasomwa"})


def _when(desk: Desk, moment: datetime) -> str:
    local, now = desk.local(moment), desk.local(desk.now)
    return f"{local:%H:%M}" if local.date() == now.date() else desk.short_date(local)

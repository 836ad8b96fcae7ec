"""Dates, prices and the few words that are not responses: titles of options and what is printed on a ticket. English and Swahili."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.messages import MediaKind, MediaOut
from skills.events.models import Event
from skills.events.service.catalog import EventView, TypeState, TypeView
from skills.events.service.ticket import TicketView

__all__ = [
    "Words",
    "date_of",
    "date_text",
    "day_text",
    "price_text",
    "ticket_message",
    "time_text",
    "type_lines",
    "type_note",
    "venue_text",
    "when_text",
    "words_of",
]


@dataclass(frozen=True, slots=True)
class Words:
    weekdays: tuple[str, ...]  # Monday first
    months: tuple[str, ...]
    short_months: tuple[str, ...]
    free: str
    seats_left: str
    last_seat: str
    few_left: str
    sold_out: str
    not_yet: str
    closed: str
    not_in_chat: str
    venue_open: str
    register: str
    register_for: str  # what a tap on it says
    other_events: str
    done: str
    use_this_name: str
    ticket_labels: tuple[str, str, str, str, str, str]
    ticket_footer: str
    late_picture: str


FEW = 10  # from here on it is worth saying that seats run out

ENGLISH = Words(
    weekdays=("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    months=(
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ),
    short_months=("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
    free="Free",
    seats_left="{n} seats left",
    last_seat="last seat",
    few_left="only {n} seats left",
    sold_out="sold out",
    not_yet="from {date}",
    closed="closed",
    not_in_chat="at the venue",
    venue_open="Place to be announced",
    register="Register",
    register_for="register for {title}",
    other_events="Other events",
    done="That's all",
    use_this_name="Use this name",
    ticket_labels=("Date", "Time", "Venue", "Name", "Ticket", "Code"),
    ticket_footer="Show this ticket at the entrance. It admits one person.",
    late_picture="🎟️ Here is your ticket for *{title}*. Code {code}.",
)

SWAHILI = Words(
    weekdays=("Jumatatu", "Jumanne", "Jumatano", "Alhamisi", "Ijumaa", "Jumamosi", "Jumapili"),
    months=(
        "Januari",
        "Februari",
        "Machi",
        "Aprili",
        "Mei",
        "Juni",
        "Julai",
        "Agosti",
        "Septemba",
        "Oktoba",
        "Novemba",
        "Desemba",
    ),
    short_months=("Jan", "Feb", "Mac", "Apr", "Mei", "Jun", "Jul", "Ago", "Sep", "Okt", "Nov", "Des"),
    free="Bure",
    seats_left="nafasi {n} zimebaki",
    last_seat="nafasi ya mwisho",
    few_left="nafasi {n} tu zimebaki",
    sold_out="zimekwisha",
    not_yet="kuanzia {date}",
    closed="imefungwa",
    not_in_chat="mlangoni",
    venue_open="Mahali patatangazwa",
    register="Jisajili",
    register_for="nisajili kwa {title}",
    other_events="Matukio mengine",
    done="Ni hayo tu",
    use_this_name="Tumia jina hili",
    ticket_labels=("Tarehe", "Saa", "Mahali", "Jina", "Tiketi", "Namba"),
    ticket_footer="Onyesha tiketi hii mlangoni. Ni ya mtu mmoja.",
    late_picture="🎟️ Hii hapa tiketi yako ya *{title}*. Namba {code}.",
)


def words_of(locale: str) -> Words:
    return SWAHILI if locale.split("-")[0].lower() == "sw" else ENGLISH


def date_of(moment: datetime, timezone: str) -> datetime:
    return moment.astimezone(ZoneInfo(timezone))


def date_text(event: Event, locale: str) -> str:
    """`Saturday 12 December 2026`, or with its last day when it is another one."""
    words = words_of(locale)
    start, end = date_of(event.starts_at, event.timezone), date_of(event.ends_at, event.timezone)
    first = f"{words.weekdays[start.weekday()]} {start.day} {words.months[start.month - 1]} {start.year}"
    if start.date() == end.date():
        return first
    return (
        f"{start.day} {words.short_months[start.month - 1]} – {end.day} {words.short_months[end.month - 1]} {end.year}"
    )


def time_text(event: Event, locale: str) -> str:
    """`09:00 – 17:30`, in the event's own timezone."""
    start, end = date_of(event.starts_at, event.timezone), date_of(event.ends_at, event.timezone)
    return f"{start:%H:%M} – {end:%H:%M}"


def when_text(event: Event, locale: str) -> str:
    zone = date_of(event.starts_at, event.timezone).tzname() or event.timezone
    return f"{date_text(event, locale)}, {time_text(event, locale)} ({zone})"


def day_text(event: Event, locale: str) -> str:
    """`Sat 12 Dec`: short enough for the second line of a list."""
    words, start = words_of(locale), date_of(event.starts_at, event.timezone)
    return f"{start.day} {words.short_months[start.month - 1]} {start:%H:%M}"


def venue_text(event: Event, locale: str) -> str:
    return ", ".join(each for each in (event.venue, event.address) if each) or words_of(locale).venue_open


def price_text(price_minor: int, currency: str, locale: str) -> str:
    """`Free`, `KES 1,500`, `KES 1,499.50`. Minor units are hundredths."""
    if not price_minor:
        return words_of(locale).free
    whole, cents = divmod(price_minor, 100)
    return f"{currency} {whole:,}" + (f".{cents:02d}" if cents else "")


def type_note(view: TypeView, event: Event, locale: str) -> str:
    """What stands behind a ticket type's price."""
    words, left = words_of(locale), view.seats_left
    match view.state:
        case TypeState.SOLD_OUT:
            return words.sold_out
        case TypeState.CLOSED:
            return words.closed
        case TypeState.NOT_YET:
            assert view.row.opens_at is not None
            opens = date_of(view.row.opens_at, event.timezone)
            return words.not_yet.format(date=f"{opens.day} {words.short_months[opens.month - 1]}")
    if not view.is_free:
        return words.not_in_chat
    if left == 1:
        return words.last_seat
    return (words.few_left if left <= FEW else words.seats_left).format(n=left)


def type_lines(view: EventView, locale: str) -> str:
    event = view.row
    return "\n".join(
        f"• {each.row.name}: {price_text(each.row.price_minor, event.currency, locale)}, {type_note(each, event, locale)}"
        for each in view.types
    )


def ticket_message(view: TicketView, blob: str, locale: str) -> MediaOut:
    """A ticket that comes outside of its conversation."""
    caption = words_of(locale).late_picture.format(title=view.event.title, code=view.row.code)
    return MediaOut(
        kind=MediaKind.IMAGE, blob=blob, mime_type="image/jpeg", filename=f"{view.row.code}.jpg", caption=caption
    )

"""What people of the crowd write, and what they hear: `in` from a person, `out` from the bot, `us` from somebody of the organization."""

from __future__ import annotations

from collections.abc import Sequence

from bot.demo.history import TALKS as HISTORY
from bot.messages import Choices, Option

__all__ = ["Line", "Talk", "filled", "talks", "values_of"]

Line = tuple[str, str | Choices]
Talk = Sequence[Line]

EVENTS = (
    "Nairobi AI & Data Summit",
    "Makers' Night Market",
    "Kisumu Lake Festival",
    "Tamasha la Pwani",
    "Startup Grind Eldoret",
    "Kampala Book Fair",
    "Mkutano wa Wakulima",
    "Safari Half Marathon",
)
_WHEN = ("kesho", "on Saturday", "at 9:00", "next week", "Jumapili", "after lunch")
_ASK = Choices(
    text="Sawa {first}. Which day suits you?",
    options=(
        Option(title="Friday", payload="/start events_list"),
        Option(title="Saturday", payload="/start events_list"),
        Option(title="Another day", payload="/start assistant_person"),
    ),
)
_OWN: Sequence[Talk] = (
    (
        ("in", "Habari, bado kuna tiketi za {event}?"),
        ("out", "Ndiyo {first}! Bado kuna nafasi. Nikuandikishe?"),
        ("in", "ndio tafadhali"),
        ("out", "Kwa jina gani?"),
        ("in", "{name}"),
        ("out", "Tayari! 🎟️ Tiketi yako ya *{event}* inakuja sasa hivi."),
        ("in", "asante sana 🙏"),
    ),
    (
        ("in", "Hello, I paid for {event} but I have no ticket yet"),
        ("out", "I am sorry, {first}. I have told our team; somebody answers here."),
        ("us", "Hi {first}, I have found it: your code is *{code}*. I have sent you the ticket again just now."),
        ("in", "Got it, thanks a lot!"),
        ("us", "Karibu sana. See you {when}."),
    ),
    (
        ("in", "what time do gates open for {event}"),
        ("out", "Gates open two hours before the start.\n_Source: Visiting us_"),
        ("in", "ok"),
    ),
    (
        ("in", "can i bring {n} friends"),
        ("out", "Yes. Each of them needs a ticket of their own; shall I get you {n} more?"),
        ("in", "yes {n}"),
        ("out", "Done: {n} tickets for *{event}*, all in your name."),
        ("in", "sawa, asante"),
    ),
    (
        ("in", "Naomba risiti ya malipo, namba {code}"),
        ("us", "Habari {first}, nimeituma kwa barua pepe yako. Niambie kama haijafika."),
        ("in", "imefika, shukrani"),
    ),
    (
        ("in", "I want to come {when}"),
        ("out", _ASK),
        ("in", "Saturday"),
        ("out", "Noted: Saturday. Anything else?"),
        ("in", "no that is all"),
    ),
    (
        ("in", "Is the venue wheelchair accessible?"),
        ("out", "Yes: step-free from the parking to every hall, and two accessible toilets.\n_Source: Visiting us_"),
        ("in", "Very good. Do carers pay?"),
        ("out", "A carer comes in free. Tell me their name and I write it down."),
        ("in", "{name}"),
    ),
    (
        ("out", "Hi {first}, *{event}* is {when}. Your ticket is {code}. Reply STOP to get no more reminders."),
        ("in", "👍"),
    ),
    (
        ("out", "Karibu tena {first}! *{event}* imeahirishwa kwa saa moja. Tutaonana {when}."),
        ("in", "sawa, asante kwa taarifa"),
    ),
    (
        ("in", "mlango uko upande gani?"),
        ("out", "Mlango mkuu uko Waiyaki Way, mkabala na kituo cha mafuta."),
        ("in", "nimefika, niko gate B"),
        ("us", "Nakuja, {first}. Dakika {n}."),
        ("in", "poa"),
    ),
    (
        ("in", "Please cancel my ticket {code}, I am travelling"),
        ("out", "Your ticket {code} is cancelled. Safe travels!"),
        ("in", "thank you"),
    ),
    (
        ("in", "how much is a stand for exhibitors?"),
        ("us", "Hello {first}, {n}0,000 shillings for 3 x 3 m, with a table and power. Shall I hold one?"),
        ("in", "let me ask my boss"),
    ),
)
WEIGHTS = (16, 5, 12, 6, 4, 8, 3, 22, 9, 5, 6, 4)


def talks() -> tuple[Sequence[Talk], Sequence[int]]:
    """With their weights: those of the history too, as the demo has them."""
    return (*_OWN, *HISTORY), (*WEIGHTS, 14, 8, 6, 5, 9, 3, 12, 1)


def filled(what: str | Choices, values: dict[str, str]) -> str | Choices:
    if isinstance(what, str):
        return what.format_map(values)
    return what.model_copy(update={"text": what.text.format_map(values)}) if "{" in what.text else what


def values_of(name: str, draw: int) -> dict[str, str]:
    """What the gaps of one talk are filled with; `draw` is any number."""
    return {
        "name": name,
        "first": name.split(maxsplit=1)[0],
        "event": EVENTS[draw % len(EVENTS)],
        "when": _WHEN[draw // 8 % len(_WHEN)],
        "n": str(2 + draw // 64 % 7),
        "code": f"{draw // 512 % 10000:04d}-{'ABCDEFGHJK'[draw % 10]}{draw // 8 % 100:02d}",
    }

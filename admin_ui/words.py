"""What is shown, in English and Swahili.

A page gives a text as `{"en": ..., "sw": ...}`, or in English alone: then its Swahili stands in a catalogue, by the English (`in_swahili`).
`tests/admin_ui/test_words.py` reads all pages and finds a text that has none. The shell's own words have keys (`word`).
"""

from __future__ import annotations

from collections.abc import Mapping

from admin_ui.swahili import CATALOGUE

__all__ = ["LOCALES", "Words", "in_swahili", "known_in_swahili", "pick", "word"]

Words = str | Mapping[str, str]
LOCALES = {"en": "English", "sw": "Kiswahili"}

_WORDS: Mapping[str, tuple[str, str]] = {
    "skip": ("Skip to content", "Ruka hadi maudhui"),
    "menu": ("Menu", "Menyu"),
    "search": ("Search or jump to…", "Tafuta au nenda…"),
    "search_hint": ("Pages, people, events", "Kurasa, watu, matukio"),
    "nothing_found": ("Nothing found for “{text}”", "Hakuna kilichopatikana kwa “{text}”"),
    "move": ("↑↓ to move", "↑↓ kusogea"),
    "open": ("↵ to open", "↵ kufungua"),
    "close": ("Esc to close", "Esc kufunga"),
    "switch_organization": ("Switch organization", "Badilisha shirika"),
    "profile": ("Profile & security", "Wasifu na usalama"),
    "sign_out": ("Sign out", "Ondoka"),
    "theme": ("Appearance", "Mwonekano"),
    "light": ("Light", "Mwangaza"),
    "dark": ("Dark", "Giza"),
    "auto": ("Like the system", "Kama mfumo"),
    "language": ("Language", "Lugha"),
    "home": ("Home", "Mwanzo"),
    "account": ("Account", "Akaunti"),
    "undo": ("Undo", "Tendua"),
    "failed": ("That did not work. If it stays so, tell us this number: {id}", "Imeshindikana. Ikiendelea, tuambie namba hii: {id}"),
    "signed_out": ("You are signed out. Sign in to go on.", "Umeondolewa. Ingia ili uendelee."),
    "no_permission": ("You may not see this page", "Huruhusiwi kuona ukurasa huu"),
    "no_permission_why": (
        "It needs the permission “{permission}”. Ask an administrator of {organization} for it.",
        "Inahitaji ruhusa “{permission}”. Mwombe msimamizi wa {organization}.",
    ),
    "not_found": ("There is nothing here", "Hakuna kitu hapa"),
    "not_found_why": (
        "The address is wrong, or what stood here was removed.",
        "Anwani si sahihi, au kilichokuwa hapa kimeondolewa.",
    ),
    "broken": ("This page does not work right now", "Ukurasa huu haufanyi kazi kwa sasa"),
    "broken_why": (
        "Nothing of yours is lost. Try again in a moment. If it stays so, tell us this number: {number}",
        "Hakuna kilichopotea. Jaribu tena baada ya muda mfupi. Ikiendelea, tuambie namba hii: {number}",
    ),
    "try_again": ("Try again", "Jaribu tena"),
    "go_home": ("Go to the Command Center", "Nenda Kituo cha Amri"),
    "group.work": ("", ""),
    "group.audience": ("Audience", "Hadhira"),
    "group.content": ("Content", "Maudhui"),
    "group.events": ("Events", "Matukio"),
    "group.settings": ("Settings", "Mipangilio"),
    "group.platform": ("Platform", "Jukwaa"),
    "notifications": ("Notifications", "Arifa"),
    "no_notifications": ("Nothing yet. What concerns you shows here.", "Bado hakuna. Yanayokuhusu yataonekana hapa."),
    "all_notifications": ("See all", "Ona zote"),
    "all_read": ("Mark all as read", "Weka zote zimesomwa"),
    "unread": ("unread", "haijasomwa"),
    "borrowed": (
        "You see this as {name} until {until}. What you do is recorded under both names.",
        "Unaona haya kama {name} hadi {until}. Unachofanya kinaandikwa kwa majina yote mawili.",
    ),
    "end_borrowing": ("End", "Maliza"),
    "save": ("Save", "Hifadhi"),
    "cancel": ("Cancel", "Ghairi"),
    "saved": ("Saved", "Imehifadhiwa"),
}  # fmt: skip


def word(key: str, locale: str, **values: object) -> str:
    english, swahili = _WORDS[key]
    return (swahili if locale == "sw" else english).format(**values)


_swahili: dict[str, str] = dict(CATALOGUE)


def in_swahili(catalogue: Mapping[str, str]) -> None:
    """Adds to what is known. Values stand in braces on both sides: `{"{n:,} contacts": "Anwani {n:,}"}`.

    Raises:
        ValueError: another catalogue says it differently already.
    """
    for english, swahili in catalogue.items():
        if _swahili.setdefault(english, swahili) != swahili:
            raise ValueError(f"{english!r} is {_swahili[english]!r} in Swahili already")


def known_in_swahili() -> Mapping[str, str]:
    return _swahili


def pick(words: Words, locale: str, **values: object) -> str:
    """A plain text without a Swahili form is shown as it is: names, numbers, what people wrote."""
    if isinstance(words, str):
        found = _swahili.get(words, words) if locale == "sw" else words
    else:
        found = words.get(locale) or words.get("en") or next(iter(words.values()), "")
    return found.format(**values) if values else found

"""The shell's own words, English and Swahili. Pages give theirs as `{"en": ..., "sw": ...}` where they are written."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["LOCALES", "Words", "pick", "word"]

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


def pick(words: Words, locale: str) -> str:
    if isinstance(words, str):
        return words
    return words.get(locale) or words.get("en") or next(iter(words.values()), "")

"""Reads a text as the answer to the open question, by the type of its slot and what it accepts."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import phonenumbers

from bot.flows import Slot
from bot.flows.words import normalise
from bot.understand.amounts import Amount, find_amounts
from bot.understand.dates import find_dates, find_times, plain
from bot.understand.lexicon import Lexicon
from bot.understand.numbers import read_number
from bot.understand.options import exact_option, near_option

__all__ = ["Reading", "accept_text", "agrees", "bare", "is_no_name", "name_fillers", "read_yes_no", "says_yes_or_no"]

_EMAIL = re.compile(r"[\w.+\-']+@[\w\-]+(?:\.[\w\-]+)+")
_TOLD_ADDRESS = re.compile(
    r"(?i)(?<!\S)([\w.+\-]{1,64})\s+at\s+([\w\-]{1,64}(?:(?:\s+dot\s+|\.)[\w\-]{1,64})*(?:\s+dot\s+|\.)[a-z]{2,24})\W*$"
)
_YES_SIGNS = "👍👌✅✔🙏💯🆗"
_NO_SIGNS = "👎❌🚫✖"
MAX_NAME = 80
MAX_EMAIL_TEXT = 1000  # an address has 320 characters at most; looking for one takes the square of the length


@dataclass(frozen=True, slots=True)
class Reading:
    """A text in the forms that acceptors need. `words`: normalised; `country`: for phone numbers without a prefix; `now`: local, for days and hours."""

    text: str
    words: str
    lexicons: Sequence[Lexicon]
    country: str
    now: datetime


def accept_text(slot: Slot, reading: Reading) -> Any:
    """The value, or None when the text is no answer. For a slot of free text the text itself is one."""
    if slot.accept:
        value = _BY_ACCEPT[slot.accept](reading)
        return _as_type(slot, value) if isinstance(value, Amount) else value
    return _BY_TYPE[slot.type](slot, reading)


def bare(words: str, lexicons: Sequence[Lexicon]) -> str:
    """Without words of politeness at either end, and without "I want to": `cancel please` is `cancel`."""
    tokens = words.split()
    polite = frozenset().union(*(lexicon.polite for lexicon in lexicons))
    while len(tokens) > 1 and tokens[-1] in polite:
        tokens.pop()
    while len(tokens) > 1 and tokens[0] in polite:
        tokens.pop(0)
    core = " ".join(tokens)
    for lexicon in lexicons:
        for lead_in in lexicon.wish_lead_ins:
            if core.startswith(f"{lead_in} "):
                return bare(core[len(lead_in) + 1 :], lexicons)
    return core


def read_yes_no(text: str, words: str, lexicons: Sequence[Lexicon]) -> bool | None:
    """Yes, no, or None. Words, thumbs and ticks; a short sentence counts by its first word."""
    if not words:
        has_yes, has_no = any(sign in text for sign in _YES_SIGNS), any(sign in text for sign in _NO_SIGNS)
        return None if has_yes == has_no else has_yes
    for phrase in (words, bare(words, lexicons)):
        for lexicon in lexicons:
            if phrase in lexicon.yes:
                return True
            if phrase in lexicon.no:
                return False
    return _by_first_word(words, lexicons)


def says_yes_or_no(text: str, words: str, lexicons: Sequence[Lexicon]) -> bool | None:
    """As `read_yes_no`, and only if there is nothing else in it: "yes please", not "yes that one"."""
    if not words:
        return read_yes_no(text, words, lexicons)
    core = bare(words, lexicons)
    found = (_of_word(phrase, lexicons) for phrase in (words, core))
    return next((answer for answer in found if answer is not None), None)


def agrees(words: str, lexicons: Sequence[Lexicon]) -> bool:
    """It begins with a yes, whatever follows: "yes that is me"."""
    return bool(words) and _of_word(words.split()[0], lexicons) is True


def _by_first_word(words: str, lexicons: Sequence[Lexicon]) -> bool | None:
    tokens = words.split()
    if len(tokens) > 4:
        return None
    found = {_of_word(token, lexicons) for token in tokens} - {None}
    return _of_word(tokens[0], lexicons) if len(found) == 1 else None


def _of_word(word: str, lexicons: Sequence[Lexicon]) -> bool | None:
    for lexicon in lexicons:
        if word in lexicon.yes:
            return True
        if word in lexicon.no:
            return False
    return None


# -- by type --------------------------------------------------------------------------------------


def _bool(slot: Slot, reading: Reading) -> Any:
    return read_yes_no(reading.text, reading.words, reading.lexicons)


def _number(slot: Slot, reading: Reading) -> Any:
    return read_number(reading.text, reading.words, reading.lexicons)


def _categorical(slot: Slot, reading: Reading) -> Any:
    numeric = any(normalise(value).isdigit() for value in slot.values)
    words = bare(reading.words, reading.lexicons)
    found = exact_option(words, slot.values, reading.lexicons, places=not numeric)
    if found is None:
        found = near_option(words, slot.values)
    return slot.values[found] if found is not None else None


def _free(slot: Slot, reading: Reading) -> Any:
    return reading.text.strip() or None


def _nothing(slot: Slot, reading: Reading) -> Any:
    return None


_BY_TYPE: dict[str, Callable[[Slot, Reading], Any]] = {
    "text": _free,
    "any": _free,
    "bool": _bool,
    "float": _number,
    "categorical": _categorical,
    "list": _nothing,
}


# -- by what a text slot accepts ------------------------------------------------------------------


def _email(reading: Reading) -> Any:
    found = _EMAIL.findall(_spelled(reading.text[:MAX_EMAIL_TEXT]))
    return found[0].strip(".'") if len(found) == 1 else None


def _spelled(text: str) -> str:
    """ "amina @ gmail,com" and "amina at gmail dot com" as they are meant."""
    text = re.sub(r",(?=(?:com|org|net|co|ac|go)\b)", ".", re.sub(r"[ \t]{0,3}@[ \t]{0,3}", "@", text))
    told = _TOLD_ADDRESS.search(text) if "@" not in text else None
    return re.sub(r"\s+dot\s+", ".", f"{told[1]}@{told[2]}", flags=re.IGNORECASE) if told else text


def _phone(reading: Reading) -> Any:
    """In E.164."""
    matches = list(phonenumbers.PhoneNumberMatcher(reading.text, reading.country))
    if len(matches) != 1:
        return None
    return str(phonenumbers.format_number(matches[0].number, phonenumbers.PhoneNumberFormat.E164))


def _name(reading: Reading) -> Any:
    """A person's name: letters, no digits, no question; without "my name is" and an address beside it. Nobody is called Yes."""
    if says_yes_or_no(reading.text, reading.words, reading.lexicons) is not None:
        return None
    name = _said_as_name(reading)
    if is_no_name(reading) or ("@" in reading.text and _leads_on(name, reading.lexicons)):
        return None
    if not 1 < len(name) <= MAX_NAME or "?" in name or "@" in name or "\n" in name:
        return None
    if any(letter.isdigit() for letter in name) or not any(letter.isalpha() for letter in name):
        return None
    return name


def is_no_name(reading: Reading) -> bool:
    """What is nobody's name: "use the same", "I want another one", or the place of something in a list, said too late."""
    words, lexicons = normalise(_said_as_name(reading)), reading.lexicons
    if any(words in lexicon.ordinals or words in lexicon.counted for lexicon in lexicons):
        return True
    return any(word in lexicon.not_in_names for word in words.split() for lexicon in lexicons)


def _said_as_name(reading: Reading) -> str:
    """Without an address, without "my name is", and without politeness around it."""
    text = _EMAIL.sub(" ", reading.text[:MAX_EMAIL_TEXT]) if "@" in reading.text else reading.text
    return _without_fillers(
        _without_lead_in(_without_fillers(text, reading.lexicons), reading.lexicons), reading.lexicons
    )


def _leads_on(text: str, lexicons: Sequence[Lexicon]) -> bool:
    """ "Send it to", "email": what stands before an address, not the name of whose it is."""
    return any(
        word in (*lexicon.links, *lexicon.telling, *lexicon.name_ends)
        for word in normalise(text).split()
        for lexicon in lexicons
    )


def name_fillers(lexicons: Sequence[Lexicon]) -> frozenset[str]:
    return frozenset().union(*(lexicon.name_fillers for lexicon in lexicons))


def _without_fillers(text: str, lexicons: Sequence[Lexicon]) -> str:
    words, fillers = text.split(), name_fillers(lexicons)
    while words and (normalise(words[0]) in fillers or not normalise(words[0])):
        words.pop(0)
    while words and (normalise(words[-1]) in fillers or not normalise(words[-1])):
        words.pop()
    return " ".join(words).strip(" .,!") if words else ""


def _without_lead_in(text: str, lexicons: Sequence[Lexicon]) -> str:
    words = text.split()
    for lexicon in lexicons:
        for lead_in in lexicon.name_lead_ins:
            size = len(lead_in.split())
            for taken in (size, size - 1):  # "I'm" is one word with two parts
                if 0 < taken < len(words) and normalise(" ".join(words[:taken])) == lead_in:
                    return " ".join(words[taken:])
    return text


def _date(reading: Reading) -> Any:
    """ISO: 2026-12-05."""
    found = find_dates(reading.text, reading.now)
    return found[0].value.isoformat() if len(found) == 1 else None


def _time(reading: Reading) -> Any:
    """On a clock of 24 hours: 08:00. A bare number is an hour, as it is read after "at"."""
    text = reading.text.strip()
    found = find_times(f"at {text}" if text.isdigit() and len(text) < 3 else text, reading.now)
    return str(found[0].value)[: len("08:00")] if len(found) == 1 else None


def _datetime(reading: Reading) -> Any:
    """ISO with the organization's offset: 2026-12-05T08:00:00+03:00. Needs the day and the hour."""
    days, hours = find_dates(reading.text, reading.now), find_times(reading.text, reading.now)
    if len(days) != 1 or len(hours) != 1:
        return None
    return datetime.fromisoformat(f"{days[0].value}T{hours[0].value}").replace(tzinfo=reading.now.tzinfo).isoformat()


def _amount(reading: Reading) -> Any:
    """With its currency; a bare number is in that of the country."""
    found = find_amounts(plain(reading.text), reading.words, reading.lexicons, reading.country)
    if found:
        return found[0] if len(found) == 1 else None
    number = read_number(reading.text, reading.words, reading.lexicons)
    return None if number is None else Amount(_OWN.get(reading.country, ""), number, (0, len(reading.text)))


_OWN = {"KE": "KES", "TZ": "TZS", "UG": "UGX"}


def _as_type(slot: Slot, amount: Amount) -> Any:
    if slot.type == "float":
        return amount.value
    return {"currency": amount.currency, "amount": amount.value} if slot.type == "any" else str(amount).strip()


def _no_text(reading: Reading) -> Any:
    return None


_BY_ACCEPT: dict[str, Callable[[Reading], Any]] = {
    "text": lambda reading: reading.text.strip() or None,
    "email": _email,
    "phone": _phone,
    "name": _name,
    "date": _date,
    "time": _time,
    "datetime": _datetime,
    "amount": _amount,
    "image": _no_text,
    "document": _no_text,
    "media": _no_text,
    "location": _no_text,
    "contact": _no_text,
}

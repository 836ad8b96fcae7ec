"""Phone numbers as people write them -> E.164, and who has one."""

from __future__ import annotations

import re

import phonenumbers
from phonenumbers import PhoneNumberFormat, ValidationResult

from bot.contacts.errors import NotPossible

__all__ = ["e164", "looks_like_phone"]

_SCIENTIFIC = re.compile(r"^\d(?:[.,]\d+)?[eE]\+?\d+$")
_WHY = {
    ValidationResult.TOO_SHORT: "it has too few digits",
    ValidationResult.TOO_LONG: "it has too many digits",
    ValidationResult.INVALID_LENGTH: "it has the wrong number of digits",
    ValidationResult.INVALID_COUNTRY_CODE: "its country code does not exist",
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: "the area code is missing",
}


def e164(text: str, country: str) -> str:
    """`0722 000 000` in KE -> `+254722000000`. Numbers that begin with + or 00 are of their own country.

    Raises:
        NotPossible: it is no phone number; the message says why and what to write, without the number.
    """
    given = " ".join(text.replace("\u00a0", " ").split()).strip("'\"")
    if _SCIENTIFIC.match(given):
        raise NotPossible("a spreadsheet has shortened it; format the column as text and export again", field="phone")
    if given.startswith("00"):
        given = "+" + given[2:]
    elif given.isdigit() and len(given) > 10 and given.startswith(_code(country)):
        given = "+" + given  # the country code without its plus, as spreadsheets leave it
    try:
        number = phonenumbers.parse(given, country or None)
    except phonenumbers.NumberParseException as e:
        raise NotPossible(f"this is not a phone number; write it like {_example(country)}", field="phone") from e
    if not phonenumbers.is_valid_number(number):
        why = _WHY.get(phonenumbers.is_possible_number_with_reason(number), "no operator has such numbers")
        raise NotPossible(f"{why}; write it like {_example(country)}", field="phone")
    return str(phonenumbers.format_number(number, PhoneNumberFormat.E164))


def looks_like_phone(text: str, country: str) -> bool:
    try:
        e164(text, country)
    except NotPossible:
        return False
    return True


def _code(country: str) -> str:
    return str(phonenumbers.country_code_for_region(country)) if country else " "


def _example(country: str) -> str:
    found = phonenumbers.example_number_for_type(country or "KE", phonenumbers.PhoneNumberType.MOBILE)
    return str(phonenumbers.format_number(found, PhoneNumberFormat.INTERNATIONAL)) if found else "+254 712 123456"

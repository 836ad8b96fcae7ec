"""What an e-mail address with a typing error in its domain was probably meant to be. Only ever asked about, never changed silently."""

from __future__ import annotations

__all__ = ["likely_email"]

# The providers of nearly all private addresses in East Africa. Rarer ones that are a letter away from these are right as they are.
_COMMON = ("gmail.com", "yahoo.com", "hotmail.com", "outlook.com", "icloud.com", "protonmail.com", "yahoo.co.uk")
_RIGHT_TOO = frozenset(
    ("ymail.com", "mail.com", "email.com", "gmail.co.ke", "yahoo.co", "yahoo.co.ke", "hotmail.co.uk", "hotmail.co")
)


def likely_email(address: str) -> str | None:
    """With the common domain that is one letter too many, too few, wrong or swapped away; None when there is no such doubt."""
    name, at, domain = address.rpartition("@")
    domain = domain.lower()
    if not at or domain in _COMMON or domain in _RIGHT_TOO:
        return None
    meant = next((each for each in _COMMON if _is_one_slip(domain, each)), None)
    return f"{name}@{meant}" if meant else None


def _is_one_slip(a: str, b: str) -> bool:
    if abs(len(a) - len(b)) > 1:
        return False
    start = 0
    while start < min(len(a), len(b)) and a[start] == b[start]:
        start += 1
    a, b = a[start:], b[start:]
    return a[1:] == b[1:] or a[1:] == b or a == b[1:] or (a[:2] == b[1::-1] and a[2:] == b[2:])

"""Identifiers in the shapes that Meta gives out."""

import base64
import hashlib
import random
import string

_ALPHANUMERIC = string.ascii_uppercase + string.digits
_TRACE = string.ascii_letters + string.digits + "_-"

# Country of a phone number, for the prefix of a BSUID; the longest dialling code wins.
_COUNTRIES = {
    "1": "US", "7": "RU", "20": "EG", "27": "ZA", "31": "NL", "33": "FR", "34": "ES", "39": "IT", "44": "GB", "46": "SE",
    "47": "NO", "48": "PL", "49": "DE", "52": "MX", "55": "BR", "61": "AU", "62": "ID", "65": "SG", "81": "JP", "86": "CN",
    "90": "TR", "91": "IN", "92": "PK", "211": "SS", "212": "MA", "221": "SN", "225": "CI", "233": "GH", "234": "NG",
    "237": "CM", "243": "CD", "249": "SD", "250": "RW", "251": "ET", "252": "SO", "254": "KE", "255": "TZ", "256": "UG",
    "257": "BI", "258": "MZ", "260": "ZM", "263": "ZW", "265": "MW", "966": "SA", "971": "AE", "972": "IL",
}  # fmt: skip


class IdMint:
    """Makes ids from a seeded generator, so that a run with the same seed and the same calls gets the same ids."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._random = random.Random(seed)

    def start_over(self, starts: int) -> None:
        """After the given number of earlier starts on the same data: none of their ids may come again."""
        self._random = random.Random(f"{self._seed}/{starts}")

    def wamid(self, wa_id: str, *, outbound: bool) -> str:
        """`wamid.` and base64 of the peer, the direction and 16 random characters, as Meta's look."""
        raw = (
            b"\x1d" + bytes([len(wa_id)]) + wa_id.encode() + (b"\x15\x02\x00\x11" if outbound else b"\x15\x02\x00\x12")
        )
        return (
            "wamid."
            + base64.b64encode(raw + b"\x18" + self._random.randbytes(12).hex().upper().encode() + b"\x00").decode()
        )

    def number(self, digits: int = 15) -> str:
        return str(self._random.randrange(10 ** (digits - 1), 10**digits))

    def trace(self) -> str:
        return "A" + "".join(self._random.choices(_TRACE, k=22))

    def token(self) -> str:
        return "".join(self._random.choices(_TRACE, k=32))


def country_of(wa_id: str) -> str:
    """ISO code from the dialling code; ZZ when the table does not know it."""
    for length in (3, 2, 1):
        if wa_id[:length] in _COUNTRIES:
            return _COUNTRIES[wa_id[:length]]
    return "ZZ"


def bsuid(wa_id: str, portfolio: str) -> str:
    """The business-scoped user id: one per person and portfolio, and not derivable from the phone by the business."""
    digest = hashlib.sha256(f"{portfolio}/{wa_id}".encode()).digest()
    return f"{country_of(wa_id)}." + "".join(_ALPHANUMERIC[b % 36] for b in digest[:24])

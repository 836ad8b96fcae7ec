"""What M-Pesa remembers: pushes, payments, phones, registered URLs."""

import asyncio
from dataclasses import dataclass, field
from typing import Any, Literal

from channels.emulator.mpesa.settings import BusinessSettings


@dataclass(slots=True)
class Posted:
    """One POST to a business's URL. `code` 0: no answer."""

    at: float
    url: str
    body: bytes
    code: int


@dataclass(frozen=True, slots=True)
class Payment:
    """Money that moved: the truth, whatever a callback says. `at` is the emulated world's."""

    receipt: str
    source: Literal["stk", "c2b"]
    shortcode: str
    paid_to: str  # the shortcode, or the till under it
    phone: str
    amount: int  # whole KES
    reference: str  # AccountReference or BillRefNumber
    at: float
    checkout_id: str | None = None
    late: bool = False  # after the push had already ended with 1037

    def as_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(slots=True)
class Push:
    """One accepted STK push. It is live while `result` is None."""

    checkout_id: str
    merchant_id: str
    business: BusinessSettings
    paid_to: str
    phone: str
    amount: int
    reference: str
    description: str
    callback_url: str
    at: float  # emulated
    closes_at: float  # real
    shown: bool  # a prompt is on the phone: its person is known and online
    result: tuple[int | str, str] | None = None
    payment: Payment | None = None
    marks: list[str] = field(default_factory=list)
    callbacks: list[Posted] = field(default_factory=list)
    told: asyncio.Event = field(default_factory=asyncio.Event)  # the first callback was posted, or never will be
    timer: asyncio.TimerHandle | None = None

    @property
    def state(self) -> str:
        if self.payment is not None:
            return "paid"
        return "prompted" if self.result is None else "failed"

    def as_json(self) -> dict[str, Any]:
        code, text = self.result or (None, None)
        return {
            "checkout_id": self.checkout_id,
            "merchant_id": self.merchant_id,
            "shortcode": self.business.shortcode,
            "business": self.business.name,
            "paid_to": self.paid_to,
            "phone": self.phone,
            "wa_id": self.phone,
            "amount": self.amount,
            "reference": self.reference,
            "description": self.description,
            "state": self.state,
            "shown": self.shown,
            "result_code": code,
            "result_desc": text,
            "receipt": self.payment.receipt if self.payment else None,
            "at": self.at,
            "closes_at": self.closes_at,
            "marks": list(self.marks),
            "callbacks": [
                {"at": p.at, "code": p.code, "body": p.body.decode("utf-8", "replace")} for p in self.callbacks
            ],
        }


@dataclass(slots=True)
class Wallet:
    """The M-Pesa account of one phone."""

    balance: int
    pin: str


@dataclass(frozen=True, slots=True)
class Registration:
    """Where a shortcode's C2B payments are told. `masked`: registered by v2."""

    confirmation_url: str
    validation_url: str
    response_type: str  # Completed or Cancelled: what happens when validation does not answer
    masked: bool

"""The money of the emulated phones: prompts, what people do with them, what moves, and who is told."""

import asyncio
import json
import random
import string
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Literal

import aiohttp

from channels.emulator.clock import Clock
from channels.emulator.faults import FaultPlan
from channels.emulator.mpesa.bodies import EAT, c2b_body, hashed, masked, stk_callback
from channels.emulator.mpesa.errors import RESULTS, internal
from channels.emulator.mpesa.postman import Postman
from channels.emulator.mpesa.settings import BusinessSettings, MpesaSettings
from channels.emulator.mpesa.state import Payment, Posted, Push, Registration, Wallet
from channels.emulator.person import CannotDo
from channels.emulator.stream import Hub
from channels.emulator.world import World

TOKEN_LIFE_S = 3599
_RECEIPT = string.ascii_uppercase + string.digits
_HTML = b"<html><head><title>503</title></head><body><h1>Service Unavailable</h1></body></html>"
_ACCEPTED = (0, "0")  # ResultCode of a validation that lets the payment pass


class Mpesa:
    """Daraja and the phones behind it. A prompt that waits for its person is not `pending`; a callback on its way is."""

    def __init__(
        self,
        settings: MpesaSettings,
        world: World,
        clock: Clock,
        faults: FaultPlan,
        hub: Hub,
        *,
        session: Callable[[], aiohttp.ClientSession],
    ) -> None:
        self.settings = settings
        self._world = world
        self._clock = clock
        self._faults = faults
        self._hub = hub
        self._random = random.Random(f"{world.settings.seed}/mpesa")
        self.postman = Postman(settings, clock, hub, session)
        self.pushes: dict[str, Push] = {}
        self._live: dict[str, Push] = {}  # without a result: the few among many
        self.payments: dict[str, Payment] = {}
        self.registrations: dict[str, Registration] = {}
        self.refused: Counter[str] = Counter()
        self.queries = 0
        self._wallets: dict[str, Wallet] = {}
        self._tokens: dict[str, tuple[BusinessSettings, float]] = {}

    @property
    def pending(self) -> int:
        return self.postman.pending

    async def close(self) -> None:
        self.forget()
        await self.postman.close()

    def forget(self) -> None:
        """Prompts, payments, wallets, tokens and registrations; the businesses and the pace stay."""
        for push in self.pushes.values():
            _stop(push)
        self.postman.forget()
        self.postman.posted = self.postman.answered = self.queries = 0
        for kept in (
            self.pushes,
            self._live,
            self.payments,
            self.registrations,
            self.refused,
            self._wallets,
            self._tokens,
        ):
            kept.clear()

    # What Daraja knows.

    def token_for(self, business: BusinessSettings) -> str:
        token = "".join(self._random.choices(string.ascii_letters + string.digits, k=28))
        self._tokens[token] = (business, self._clock.now() + TOKEN_LIFE_S)
        return token

    def business_of_token(self, token: str) -> BusinessSettings | None:
        """None: unknown or expired. Shifting the clock ages tokens."""
        business, expires_at = self._tokens.get(token, (None, 0.0))
        return business if self._clock.now() < expires_at else None

    def business_of_shortcode(self, shortcode: str) -> BusinessSettings:
        """By the shortcode or one of its tills. Raises KeyError."""
        for business in self.settings.businesses:
            if shortcode == business.shortcode or shortcode in business.tills:
                return business
        raise KeyError(shortcode)

    def request_id(self) -> str:
        return f"{self._random.randrange(10**4, 10**5)}-{self._random.randrange(10**7, 10**8)}-1"

    def wallet(self, phone: str) -> Wallet:
        if phone not in self._wallets:
            self._wallets[phone] = Wallet(self.settings.balance_kes, self.settings.pin)
        return self._wallets[phone]

    def push(
        self,
        business: BusinessSettings,
        *,
        paid_to: str,
        phone: str,
        amount: int,
        reference: str,
        description: str,
        callback_url: str,
    ) -> Push:
        """Accepts a push: the prompt is on the phone, or it ends by itself without one.

        Raises:
            DarajaError: another push to the phone is live and `busy` is "sync".
        """
        is_busy = any(p.phone == phone for p in self._live.values())
        if is_busy and self.settings.busy == "sync":
            raise internal("Unable to lock subscriber, a transaction is already in process for the current subscriber")
        user = self._world.users.get(phone)
        push = Push(
            checkout_id=self._checkout_id(phone),
            merchant_id=self.request_id(),
            business=business,
            paid_to=paid_to,
            phone=phone,
            amount=amount,
            reference=reference,
            description=description,
            callback_url=callback_url,
            at=self._clock.now(),
            closes_at=self._clock.real() + self.settings.prompt_timeout_s,
            shown=user is not None and user.online and not is_busy,
        )
        self.pushes[push.checkout_id] = push
        odd = self._strike("mpesa_result", push)
        if is_busy:
            self._end(push, 1001)
        elif odd is not None:
            push.shown = False
            self._end(push, odd["code"], odd["text"])
        else:
            self._live[push.checkout_id] = push
            push.timer = asyncio.get_running_loop().call_later(self.settings.prompt_timeout_s, self.ignore, push)
            self._publish(push)
        return push

    # What the person does.

    def prompts(self, phone: str | None = None) -> list[Push]:
        """Those that stand on phones now, the oldest first."""
        return [p for p in self._live.values() if p.shown and phone in (None, p.phone)]

    def prompt_of(self, phone: str, checkout_id: str | None = None) -> Push:
        """Raises CannotDo when the phone shows no such prompt."""
        for push in self.prompts(phone):
            if checkout_id in (None, push.checkout_id):
                return push
        raise CannotDo(f"the phone {phone} shows no M-Pesa prompt")

    def pay(self, push: Push, pin: str | None) -> None:
        """Enters the PIN; None is the right one."""
        wallet = self.wallet(push.phone)
        if pin is not None and pin != wallet.pin:
            self._end(push, 2001)
        elif wallet.balance < push.amount:
            self._end(push, 1)
        else:
            push.payment = self._move(push)
            self._end(push, 0)

    def cancel(self, push: Push) -> None:
        self._end(push, 1032)

    def ignore(self, push: Push, *, late_success_after_s: float | None = None) -> None:
        """The time of the prompt is up, now; with `late_success_after_s` the money moves all the same, that much later."""
        if push.result is not None:
            return
        late = self._strike("mpesa_late_success", push)
        if late_success_after_s is None and late is not None:
            late_success_after_s = float(late["after_s"])
        self._end(push, 1037)
        if late_success_after_s is not None:
            self.postman.later(self.settings.callback_after_s + late_success_after_s, lambda: self._pay_late(push))

    def pay_by_hand(self, phone: str, shortcode: str, account: str, amount: int, pin: str | None) -> None:
        """Lipa na M-Pesa from the menu (C2B): validation if there is one, then the money, then the confirmation.

        Raises:
            CannotDo: a wrong PIN, or not enough money.
            KeyError: nobody has this shortcode or till.
        """
        business, wallet = self.business_of_shortcode(shortcode), self.wallet(phone)
        if pin is not None and pin != wallet.pin:
            raise CannotDo("the PIN is wrong")
        if wallet.balance < amount:
            raise CannotDo(f"the phone {phone} has only KES {wallet.balance}")
        payment = self._payment("c2b", business, shortcode, phone, amount, account)
        self.postman.keep(asyncio.create_task(self._by_hand(business, payment)))

    # Who is told.

    def _tell(self, push: Push, result: tuple[int | str, str]) -> None:
        if self._strike("mpesa_no_callback", push) is not None:
            push.told.set()
            return
        before = len(push.marks)
        amount, phone = None, None
        if result[0] == 0:
            if other := self._strike("mpesa_other_amount", push):
                amount = float(other["amount"])
            if hidden := self._strike("mpesa_masked", push):
                phone = _hidden(push.phone, str(hidden["mode"]))
        as_strings = self.settings.values_as == "strings"
        body = _encoded(stk_callback(push, result, as_strings=as_strings, amount=amount, phone=phone))
        if self._strike("mpesa_html_callback", push) is not None:
            body = _HTML
        late = self._strike("mpesa_late_callback", push)
        twice = self._strike("mpesa_callback_twice", push)
        after_s = self.settings.callback_after_s + (float(late["delay_s"]) if late else 0.0)
        gap_s, more = (float(twice["after_s"]), int(twice["times"])) if twice else (0.0, 0)
        for i in range(more + 1):
            self.postman.post(
                push.callback_url,
                body,
                shortcode=push.business.shortcode,
                marks=tuple(push.marks[before:]),
                after_s=after_s + gap_s * i,
                told=lambda posted: _note(push, posted),
            )

    async def _by_hand(self, business: BusinessSettings, payment: Payment) -> None:
        registration = self.registrations.get(business.shortcode)
        phone = payment.phone
        if registration is not None and registration.masked:
            phone = masked(phone)
        if hit := self._faults.draw("mpesa_masked", business.shortcode, payment.phone):
            phone = _hidden(payment.phone, str(hit["mode"]))
        user = self._world.users.get(payment.phone)
        name = (user.name.split() or [""])[0] if user is not None else ""
        if registration is not None and business.c2b_validation:
            asked = _encoded(c2b_body(payment, phone=phone, first_name=name))
            if not await self._is_valid(registration, asked, business.shortcode):
                self._hub.publish("mpesa_refused", lambda: {"wa_id": payment.phone, "amount": payment.amount})
                return
        wallet = self.wallet(payment.phone)
        if wallet.balance < payment.amount:
            return  # spent while the validation was asked
        wallet.balance -= payment.amount
        self.payments[payment.receipt] = payment
        self._hub.publish("mpesa_paid", payment.as_json)
        if (
            registration is None
            or self._faults.draw("mpesa_no_callback", business.shortcode, payment.phone) is not None
        ):
            return
        other = self._faults.draw("mpesa_other_amount", business.shortcode, payment.phone)
        amount = float(other["amount"]) if other else None
        balance = f"{self.received()[business.shortcode]:.2f}"
        body = _encoded(c2b_body(payment, phone=phone, first_name=name, amount=amount, balance=balance))
        twice = self._faults.draw("mpesa_callback_twice", business.shortcode, payment.phone)
        for i in range(1 + (int(twice["times"]) if twice else 0)):
            after_s = self.settings.callback_after_s + (float(twice["after_s"]) * i if twice else 0.0)
            self.postman.post(registration.confirmation_url, body, shortcode=business.shortcode, after_s=after_s)

    async def _is_valid(self, registration: Registration, body: bytes, shortcode: str) -> bool:
        """What the business says; without a usable answer, what it registered as ResponseType."""
        timeout_s = self.settings.validation_timeout_s
        code, raw = await self.postman.ask(registration.validation_url, body, shortcode=shortcode, timeout_s=timeout_s)
        try:
            said = json.loads(raw)["ResultCode"] if code == 200 else None
        except (ValueError, KeyError, TypeError):
            said = None
        return registration.response_type == "Completed" if said is None else said in _ACCEPTED

    # The truth.

    def received(self) -> Counter[str]:
        """KES by shortcode."""
        total: Counter[str] = Counter()
        for payment in self.payments.values():
            total[payment.shortcode] += payment.amount
        return total

    def ledger(self, shortcode: str | None = None) -> dict[str, Any]:
        """What phones really paid, beside what businesses were told of it."""
        received = self.received()
        return {
            "payments": [p.as_json() for p in self.payments.values() if shortcode in (None, p.shortcode)],
            "pushes": [p.as_json() for p in self.pushes.values() if shortcode in (None, p.business.shortcode)],
            "received": {k: v for k, v in received.items() if shortcode in (None, k)},
            "callbacks": {"posted": self.postman.posted, "answered": self.postman.answered},
            "queries": self.queries,
            "refused": dict(self.refused),
        }

    def _end(self, push: Push, code: int | str, text: str | None = None) -> None:
        _stop(push)
        self._live.pop(push.checkout_id, None)
        push.result = (code, text or RESULTS.get(int(code) if str(code).isdigit() else -1, "Failed"))
        self._tell(push, push.result)
        self._publish(push)

    def _pay_late(self, push: Push) -> None:
        if self.wallet(push.phone).balance < push.amount:
            return
        push.payment = self._move(push, late=True)
        self._end(push, 0)

    def _move(self, push: Push, *, late: bool = False) -> Payment:
        """Takes the money off the phone; the caller has looked whether it is there."""
        business, phone, amount = push.business, push.phone, push.amount
        payment = self._payment("stk", business, push.paid_to, phone, amount, push.reference, push.checkout_id, late)
        self.wallet(phone).balance -= amount
        self.payments[payment.receipt] = payment
        return payment

    def _payment(
        self,
        source: Literal["stk", "c2b"],
        business: BusinessSettings,
        paid_to: str,
        phone: str,
        amount: int,
        reference: str,
        checkout_id: str | None = None,
        late: bool = False,
    ) -> Payment:
        receipt = self._receipt()
        at = self._clock.now()
        return Payment(receipt, source, business.shortcode, paid_to, phone, amount, reference, at, checkout_id, late)

    def _receipt(self) -> str:
        while True:
            receipt = self._random.choice(string.ascii_uppercase) + "".join(self._random.choices(_RECEIPT, k=9))
            if receipt not in self.payments:
                return receipt

    def _checkout_id(self, phone: str) -> str:
        """`ws_CO_`, the moment in Nairobi to the millisecond, and the phone without its country."""
        at_ms = int(self._clock.now() * 1000)
        while True:
            moment = datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(EAT)
            checkout_id = f"ws_CO_{moment:%d%m%Y%H%M%S}{at_ms % 1000:03d}{phone[3:]}"
            if checkout_id not in self.pushes:
                return checkout_id
            at_ms += 1

    def _strike(self, fault: str, push: Push) -> Any:
        params = self._faults.draw(fault, push.business.shortcode, push.phone)
        if params is not None:
            push.marks.append(fault)
        return params

    def _publish(self, push: Push) -> None:
        self._hub.publish("mpesa", push.as_json)


def _stop(push: Push) -> None:
    if push.timer is not None:
        push.timer.cancel()
        push.timer = None


def _note(push: Push, posted: Posted) -> None:
    push.callbacks.append(posted)
    push.told.set()


def _hidden(phone: str, mode: str) -> str:
    return hashed(phone) if mode == "hashed" else masked(phone)


def _encoded(body: dict[str, Any]) -> bytes:
    return json.dumps(body, separators=(",", ":")).encode()

"""The control API of M-Pesa: what people do with prompts, their wallets, the pace, the truth."""

from typing import Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from channels.emulator.control.frame import answer, body, number_query
from channels.emulator.keys import EMULATOR
from channels.emulator.mpesa.checks import MOST_KES
from channels.emulator.mpesa.settings import Pace
from channels.emulator.mpesa.state import Wallet

_MOST_WAIT_S = 120.0


class Entered(BaseModel):
    """`pin` absent: the right one. `checkout_id` absent: the oldest prompt."""

    model_config = ConfigDict(extra="forbid")

    pin: str | None = None
    checkout_id: str | None = None


class Ignored(BaseModel):
    """The prompt's time is up at once; with `late_success_after_s` it is paid that much later all the same."""

    model_config = ConfigDict(extra="forbid")

    checkout_id: str | None = None
    late_success_after_s: float | None = None


class PaidByHand(BaseModel):
    model_config = ConfigDict(extra="forbid")

    shortcode: str
    account: str = ""
    amount: int = Field(ge=1, le=MOST_KES)
    pin: str | None = None


class WalletChange(BaseModel):
    model_config = ConfigDict(extra="forbid")

    balance: int | None = Field(default=None, ge=0)
    pin: str | None = None


class PaceChange(BaseModel):
    model_config = ConfigDict(extra="forbid")

    prompt_timeout_s: float | None = None
    callback_after_s: float | None = None
    callback_timeout_s: float | None = None
    callback_retries: int | None = None
    validation_timeout_s: float | None = None
    busy: Literal["async", "sync"] | None = None
    loopback_http: bool | None = None
    values_as: Literal["numbers", "strings"] | None = None
    c2b_register_once: bool | None = None


def add_routes(app: web.Application) -> None:
    one = "/control/users/{wa_id}/mpesa"
    app.router.add_routes(
        [
            web.get("/control/mpesa", overview),
            web.patch("/control/mpesa", change_pace),
            web.get("/control/mpesa/prompts", prompts),
            web.get("/control/mpesa/ledger", ledger),
            web.get(one, wallet),
            web.patch(one, change_wallet),
            web.post(one + "/pay", pay),
            web.post(one + "/cancel", cancel),
            web.post(one + "/ignore", ignore),
            web.post(one + "/paybill", pay_by_hand),
        ]
    )


async def overview(request: web.Request) -> web.Response:
    """Businesses without their keys, and the pace."""
    mpesa = request.app[EMULATOR].mpesa
    return answer(
        {
            "businesses": [
                {"shortcode": b.shortcode, "name": b.name, "tills": b.tills, "c2b_validation": b.c2b_validation}
                for b in mpesa.settings.businesses
            ],
            "pace": {name: getattr(mpesa.settings, name) for name in Pace.model_fields},
        }
    )


async def change_pace(request: web.Request) -> web.Response:
    settings = request.app[EMULATOR].mpesa.settings
    for name, value in (await body(request, PaceChange)).model_dump(exclude_unset=True, exclude_none=True).items():
        setattr(settings, name, value)
    return await overview(request)


async def prompts(request: web.Request) -> web.Response:
    """What stands on phones now, of `wa_id` or of all; with `timeout_s` it waits until there is one."""
    emulator = request.app[EMULATOR]
    wa_id = request.query.get("wa_id")
    if wa_id is not None:
        emulator.world.users[wa_id]
    timeout_s = min(number_query(request, "timeout_s", 0.0), _MOST_WAIT_S)
    if timeout_s > 0:
        await emulator.hub.wait_for(lambda: bool(emulator.mpesa.prompts(wa_id)), timeout_s)
    return answer({"prompts": [p.as_json() for p in emulator.mpesa.prompts(wa_id)]})


async def ledger(request: web.Request) -> web.Response:
    """Of all, or of one `shortcode`."""
    return answer(request.app[EMULATOR].mpesa.ledger(request.query.get("shortcode")))


async def wallet(request: web.Request) -> web.Response:
    found = _wallet(request)
    return answer({"balance": found.balance, "pin": found.pin})


async def change_wallet(request: web.Request) -> web.Response:
    found = _wallet(request)
    for name, value in (await body(request, WalletChange)).model_dump(exclude_none=True).items():
        setattr(found, name, value)
    return await wallet(request)


async def pay(request: web.Request) -> web.Response:
    mpesa, wanted = request.app[EMULATOR].mpesa, await body(request, Entered)
    push = mpesa.prompt_of(_wa_id(request), wanted.checkout_id)
    mpesa.pay(push, wanted.pin)
    return answer(push.as_json())


async def cancel(request: web.Request) -> web.Response:
    mpesa, wanted = request.app[EMULATOR].mpesa, await body(request, Entered)
    push = mpesa.prompt_of(_wa_id(request), wanted.checkout_id)
    mpesa.cancel(push)
    return answer(push.as_json())


async def ignore(request: web.Request) -> web.Response:
    mpesa, wanted = request.app[EMULATOR].mpesa, await body(request, Ignored)
    push = mpesa.prompt_of(_wa_id(request), wanted.checkout_id)
    mpesa.ignore(push, late_success_after_s=wanted.late_success_after_s)
    return answer(push.as_json())


async def pay_by_hand(request: web.Request) -> web.Response:
    mpesa, wanted = request.app[EMULATOR].mpesa, await body(request, PaidByHand)
    mpesa.pay_by_hand(_wa_id(request), wanted.shortcode, wanted.account, wanted.amount, wanted.pin)
    return answer({"accepted": True}, status=202)


def _wa_id(request: web.Request) -> str:
    """Raises KeyError when there is no such person."""
    return request.app[EMULATOR].world.users[request.match_info["wa_id"]].wa_id


def _wallet(request: web.Request) -> Wallet:
    return request.app[EMULATOR].mpesa.wallet(_wa_id(request))

"""Who calls: the bearer token against the numbers it opens, and the frame around every Graph handler."""

import hmac
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from aiohttp import web

from channels.emulator.errors import GraphError, no_such_object
from channels.emulator.keys import EMULATOR
from channels.emulator.state import Number
from channels.emulator.stream import WireEntry

log = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_BODY: web.RequestKey[bytes] = web.RequestKey("emulator_body", bytes)
_MARKS: web.RequestKey[list[str]] = web.RequestKey("emulator_marks", list)
_HIDDEN = "Bearer …"
EXPIRED = 463


@web.middleware
async def graph_frame(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turns GraphError into Meta's envelope and keeps every call for the wire pane."""
    emulator = request.app[EMULATOR]
    started = emulator.clock.real()
    marks: list[str] = []
    request[_MARKS] = marks
    try:
        response = await handler(request)
    except GraphError as error:
        emulator.business.refused[error.code] = emulator.business.refused.get(error.code, 0) + 1
        trace = emulator.world.mint.trace()
        headers = {"x-fb-trace-id": trace}
        if error.code == 190:
            headers["WWW-Authenticate"] = f'OAuth "Facebook Platform" "invalid_token" "{error.details}"'
        response = json_answer(error.envelope(trace), status=error.status, headers=headers)
    body = response.body if isinstance(response, web.Response) and isinstance(response.body, bytes) else b""
    shown = {str(k): v for k, v in request.headers.items() if k in ("Content-Type", "User-Agent")} | {
        "Authorization": _HIDDEN
    }
    emulator.hub.log_wire(
        WireEntry(
            0,
            started,
            "api",
            request.method,
            request.path_qs,
            shown,
            request.get(_BODY, b""),
            response.status,
            (emulator.clock.real() - started) * 1000,
            body,
            tuple(marks),
            phone_number_id=request.match_info.get("object_id", ""),
        )
    )
    return response


def mark(request: web.Request, fault: str) -> None:
    """Notes on the wire that a fault struck this call."""
    request[_MARKS].append(fault)


def json_answer(data: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(
        body=orjson.dumps(data), status=status, headers=headers, content_type="application/json", charset="utf-8"
    )


async def json_body(request: web.Request) -> Any:
    """The request's JSON, also when it came as a form or in the query, as Graph allows.

    Raises:
        GraphError: 100, the body is not JSON.
    """
    raw = request[_BODY] = await request.read()
    if not raw:
        return dict(request.query)
    if request.content_type == "application/x-www-form-urlencoded":
        return dict(await request.post())
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise GraphError(100, "The request body is not valid JSON.") from error


def token_of(request: web.Request) -> str:
    """Raises GraphError when there is no token at all."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    token = token.strip() if scheme in ("Bearer", "OAuth") else request.query.get("access_token", "")
    if not token:
        raise GraphError(
            190, "An access token is required to request this resource.", title="Invalid OAuth access token."
        )
    return token


def app_of_token(request: web.Request) -> str | None:
    """The app whose own token this is, `<app id>|<app secret>`; None: another kind of token.

    Raises:
        GraphError: 190 when it is of that form and wrong.
    """
    app_id, bar, secret = token_of(request).partition("|")
    if not bar:
        return None
    for number in request.app[EMULATOR].world.numbers.values():
        if number.settings.app_id == app_id and hmac.compare_digest(number.secret, secret.encode()):
            return app_id
    raise GraphError(190, "Error validating application. Invalid application ID or secret.")


def numbers_of_token(request: web.Request) -> list[Number]:
    """The numbers that the caller's token opens.

    Raises:
        GraphError: 190 when it is unknown, expired (463) or otherwise dead.
    """
    token = token_of(request).encode()
    emulator = request.app[EMULATOR]
    found = [n for n in emulator.world.numbers.values() if hmac.compare_digest(n.settings.access_token.encode(), token)]
    if not found:
        raise GraphError(
            190, "Invalid OAuth access token - Cannot parse access token", title="Invalid OAuth access token."
        )
    alive = [n for n in found if n.is_token_alive(emulator.clock.now())]
    if not alive:
        subcode = found[0].token_problem or EXPIRED
        raise GraphError(190, "Error validating access token: Session has expired.", subcode=subcode)
    _check_proof(request, alive[0], token)
    return alive


def number_of(request: web.Request) -> Number:
    """The number in the path, when the token opens it; else Meta says that there is no such object."""
    object_id = request.match_info["object_id"]
    for number in numbers_of_token(request):
        if number.id == object_id:
            _must_have(number, "whatsapp_business_messaging")
            return number
    raise no_such_object(object_id)


def waba_of(request: web.Request) -> list[Number]:
    """The numbers of the WABA in the path that the token opens."""
    object_id = request.match_info["object_id"]
    found = [n for n in numbers_of_token(request) if n.settings.waba_id == object_id]
    if not found:
        raise no_such_object(object_id)
    _must_have(found[0], "whatsapp_business_management")
    return found


def _must_have(number: Number, scope: str) -> None:
    if scope not in number.settings.scopes:
        raise GraphError(10, f"Application does not have permission for this action: {scope} is missing.")


def _check_proof(request: web.Request, number: Number, token: bytes) -> None:
    proof = request.query.get("appsecret_proof")
    if proof is None:
        return
    if not hmac.compare_digest(hmac.digest(number.secret, token, "sha256").hex().encode(), proof.encode()):
        raise GraphError(100, "Invalid appsecret_proof provided in the API argument")

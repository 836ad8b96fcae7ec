"""The frame around control handlers: who may call, how a body becomes a model, how a mistake is said."""

import ipaddress
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

import orjson
from aiohttp import web
from pydantic import BaseModel, ValidationError

from channels.emulator.keys import EMULATOR
from channels.emulator.person import CannotDo

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
ModelT = TypeVar("ModelT", bound=BaseModel)


@web.middleware
async def control_frame(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuses calls that a foreign web page makes, and says every mistake as JSON `{"error": ...}`."""
    if not request.path.startswith("/control/"):
        return await handler(request)
    problem = _foreign(request)
    if problem is not None:
        return answer({"error": problem}, status=403)
    try:
        return await handler(request)
    except KeyError as error:
        return answer({"error": f"there is no {error.args[0]!r}"}, status=404)
    except (CannotDo, ValidationError, orjson.JSONDecodeError, ValueError) as error:
        return answer({"error": str(error)}, status=400)


def _foreign(request: web.Request) -> str | None:
    """A page of another site must not drive the emulator, nor reach it under a name of its own (DNS rebinding)."""
    peer = request.transport.get_extra_info("sockname") if request.transport else None
    host = urlsplit(f"//{request.host}").hostname or ""
    if peer and _is_loopback(str(peer[0])) and host != "localhost" and not _is_loopback(host):
        return f"unknown host {host!r}"
    origin = request.headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc != request.host:
        return "calls from other origins are refused"
    return None


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def answer(data: Any, *, status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(data), status=status, content_type="application/json")


async def body(request: web.Request, model: type[ModelT]) -> ModelT:
    """Raises ValidationError or JSONDecodeError, which the frame answers with 400."""
    raw = await request.read()
    return model.model_validate(orjson.loads(raw) if raw else {})


def number_query(request: web.Request, name: str, default: float) -> float:
    """Raises ValueError for what is not a number."""
    return float(request.query.get(name, default))


def known_number(request: web.Request, phone_number_id: str | None) -> str | None:
    """Raises KeyError when a number is named that the emulator does not have."""
    if phone_number_id is not None:
        request.app[EMULATOR].world.numbers[phone_number_id]
    return phone_number_id

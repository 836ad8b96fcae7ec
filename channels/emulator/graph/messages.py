"""`/messages` and `/marketing_messages`: the send, and the faults of its answer."""

import asyncio
import socket
import struct
from collections.abc import Mapping
from typing import Any

import orjson
from aiohttp import web

from channels.emulator.emulator import Emulator
from channels.emulator.errors import GraphError
from channels.emulator.graph.access import json_answer, json_body, mark, number_of
from channels.emulator.keys import EMULATOR
from channels.emulator.state import Message, Number
from channels.emulator.validate.send import MarkRead, Send, parse_request

_HTML = "<!DOCTYPE html><html><head><title>Error {0}</title></head><body><h1>Sorry, something went wrong.</h1><p>HTTP {0}</p></body></html>"
_STATUS_WAIT_S = 10.0


async def send(request: web.Request) -> web.StreamResponse:
    return await _send(request, marketing_api=False)


async def send_marketing(request: web.Request) -> web.StreamResponse:
    return await _send(request, marketing_api=True)


async def _send(request: web.Request, *, marketing_api: bool) -> web.StreamResponse:
    emulator = request.app[EMULATOR]
    number = number_of(request)
    asked = parse_request(await json_body(request))
    if isinstance(asked, MarkRead):
        emulator.business.mark_read(number, asked)
        return json_answer({"success": True})
    early = await _before(request, emulator, number, asked)
    if early is not None:
        return early
    message = emulator.business.accept(number, asked, marketing_api=marketing_api)
    answer: dict[str, Any] = {
        "messaging_product": "whatsapp",
        "contacts": [_contact(emulator, number, asked, message)],
        "messages": [{"id": message.id}],
    }
    if message.kind == "template":
        answer["messages"][0]["message_status"] = "accepted"
    return await _after(request, emulator, message, answer)


async def _before(request: web.Request, emulator: Emulator, number: Number, asked: Send) -> web.StreamResponse | None:
    """Faults that strike before anything is accepted."""
    if not emulator.faults.all():
        return None

    def hit(name: str) -> Mapping[str, Any] | None:
        params = emulator.faults.draw(name, number.id, asked.to or "")
        if params is not None:
            mark(request, name)
        return params

    if p := hit("latency"):
        await asyncio.sleep(float(p["delay_s"]))
    if p := hit("html_5xx"):
        return web.Response(text=_HTML.format(p["status"]), status=int(p["status"]), content_type="text/html")
    if p := hit("error"):
        raise GraphError(int(p["code"]), str(p.get("details", "")))
    if hit("reset") is not None:
        return _reset(request)
    if p := hit("hang"):
        return await hang(request, float(p["hang_s"]))
    return None


async def _after(
    request: web.Request, emulator: Emulator, message: Message, answer: dict[str, Any]
) -> web.StreamResponse:
    """Faults that strike after the message was accepted; without one its ladder starts and the answer goes out."""
    draw = emulator.faults.draw
    number, wa_id = message.phone_number_id, message.wa_id

    def strike(name: str) -> Mapping[str, Any] | None:
        params = draw(name, number, wa_id)
        if params is not None:
            mark(request, name)
            message.marks = (*message.marks, name)
        return params

    if message.kind == "template" and (p := strike("held")):
        answer["messages"][0]["message_status"] = "held_for_quality_assessment"
        emulator.business.hold(message, hold_s=float(p["hold_s"]), release=bool(p["release"]))
        return json_answer(answer)
    if strike("status_before_response") is not None and message.error is None:
        answered = asyncio.Event()
        emulator.business.advance(message, "sent", answered=answered)
        await asyncio.wait({asyncio.ensure_future(answered.wait())}, timeout=_STATUS_WAIT_S)
        emulator.business.climb(message, from_status="sent")
    else:
        emulator.business.climb(message)
    if strike("accept_then_reset") is not None:
        return _reset(request)
    if p := strike("accept_then_hang"):
        return await hang(request, float(p["hang_s"]))
    if p := strike("slow_response"):
        return await _trickle(request, orjson.dumps(answer), float(p["pause_s"]))
    return json_answer(answer)


def _contact(emulator: Emulator, number: Number, asked: Send, message: Message) -> dict[str, str]:
    contact = {"input": asked.given}
    user = emulator.world.users.get(message.wa_id)
    if user is None:
        return contact | ({"wa_id": message.wa_id} if asked.to else {"user_id": message.wa_id})
    if not user.hide_phone or asked.to:
        contact["wa_id"] = user.wa_id
    contact["user_id"] = emulator.world.bsuid_for(user, number)
    return contact


def _reset(request: web.Request) -> web.Response:
    """Ends the connection with a TCP reset, not with an orderly close."""
    transport = request.transport
    if transport is not None:
        sock = transport.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    return web.Response(status=500)


async def hang(request: web.Request, hang_s: float) -> web.Response:
    """Waits until the caller has gone or the time is up, then resets."""
    deadline = asyncio.get_running_loop().time() + hang_s
    while asyncio.get_running_loop().time() < deadline:
        if request.transport is None or request.transport.is_closing():
            break
        await asyncio.sleep(0.05)
    return _reset(request)


async def _trickle(request: web.Request, body: bytes, pause_s: float) -> web.StreamResponse:
    response = web.StreamResponse(
        headers={"Content-Type": "application/json; charset=UTF-8", "Content-Length": str(len(body))}
    )
    await response.prepare(request)
    for start in range(0, len(body), 16):
        await response.write(body[start : start + 16])
        await asyncio.sleep(pause_s)
    await response.write_eof()
    return response

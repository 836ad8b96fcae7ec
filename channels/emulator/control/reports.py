"""Reports: state, ledger, analysis, wire, waiting and the event stream."""

import asyncio
import re

import orjson
from aiohttp import web
from pydantic import BaseModel, ConfigDict

from channels.emulator import CONTRACT_VERSION
from channels.emulator.control.frame import answer, body, known_number, number_query
from channels.emulator.control.people import matching_outbound
from channels.emulator.keys import EMULATOR
from channels.emulator.ledger import counts_of
from channels.emulator.views import number_view, user_view

_MOST_WAIT_S = 120.0
_KEEP_ALIVE_S = 15.0


class Analyse(BaseModel):
    model_config = ConfigDict(extra="forbid")

    pattern: str = r"n-(\d+)"
    reply_pattern: str | None = None
    wa_ids: list[str] | None = None


async def health(request: web.Request) -> web.Response:
    return answer({"ok": True, "contract": CONTRACT_VERSION, "pending": request.app[EMULATOR].pending})


async def state(request: web.Request) -> web.Response:
    emulator = request.app[EMULATOR]
    world = emulator.world
    return answer(
        {
            "contract": CONTRACT_VERSION,
            "numbers": [number_view(n) for n in world.numbers.values()],
            "users": [user_view(u) for u in world.users.values()],
            "clock": {"now": emulator.clock.now(), "real": emulator.clock.real(), "shift_s": emulator.clock.shift_s},
            "limits": emulator.limits.limits.model_dump(),
            "faults": [f.model_dump() for f in emulator.faults.all()],
            "messages": counts_of(world.messages.values()),
            "webhooks": {
                "posted": emulator.courier.posted,
                "acked": emulator.courier.acked,
                "pending": emulator.courier.pending,
            },
            "windows": [
                {
                    "phone_number_id": t.phone_number_id,
                    "wa_id": t.wa_id,
                    "closes_at": t.last_inbound_at + emulator.limits.limits.window_s,
                }
                for t in world.threads.values()
                if t.last_inbound_at is not None
            ],
        }
    )


async def ledger(request: web.Request) -> web.Response:
    """`?details=0` leaves out each person's messages."""
    return answer(request.app[EMULATOR].ledger.report(details=request.query.get("details", "1") != "0"))


async def analyse(request: web.Request) -> web.Response:
    wanted = await body(request, Analyse)
    try:
        report = request.app[EMULATOR].analyse(wanted.pattern, reply_pattern=wanted.reply_pattern, wa_ids=wanted.wa_ids)
    except (re.error, IndexError) as error:
        raise ValueError(f"the pattern cannot be used: {error}") from error
    return answer(report)


async def wire(request: web.Request) -> web.Response:
    """Exchanges after the seq in `after`, the last `limit` of them."""
    after, limit = number_query(request, "after", 0), int(number_query(request, "limit", 100))
    entries = [e for e in request.app[EMULATOR].hub.wire if e.seq > after]
    return answer([e.summary() for e in entries[-limit:]])


async def wait(request: web.Request) -> web.Response:
    """Long poll: until `wa_id` has `outbound` messages (after the seq `after`, with `contains` in their text), or, with `idle=1`,
    until no delivery is pending. Answers 200 with `met` true or false; `timeout_s` at most 120.
    """
    emulator = request.app[EMULATOR]
    timeout_s = min(number_query(request, "timeout_s", 10.0), _MOST_WAIT_S)
    if request.query.get("idle") == "1":
        met = await emulator.hub.wait_for(lambda: emulator.pending == 0, timeout_s)
        return answer({"met": met, "pending": emulator.pending})
    wa_id = request.query.get("wa_id", "")
    emulator.world.users[wa_id]
    wanted, after = int(number_query(request, "outbound", 1)), int(number_query(request, "after", 0))
    number = known_number(request, request.query.get("phone_number_id"))
    visible = request.query.get("visible", "1") == "1"

    def found() -> list[dict[str, object]]:
        return matching_outbound(
            emulator,
            wa_id,
            after=after,
            phone_number_id=number,
            contains=request.query.get("contains"),
            visible=visible,
        )

    met = await emulator.hub.wait_for(lambda: len(found()) >= wanted, timeout_s)
    return answer({"met": met, "messages": found(), "last_seq": emulator.world.seq})


async def stream(request: web.Request) -> web.StreamResponse:
    """Server-sent events: message, status, typing, user, wire, clock, faults, limits, number, template, mpesa, mpesa_paid,
    mpesa_refused (both of payments by hand), reset, resync.
    """
    emulator = request.app[EMULATOR]
    response = web.StreamResponse(
        headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
    )
    await response.prepare(request)
    with emulator.hub.watch() as watcher:
        emulator.keep(asyncio.current_task())
        await response.write(b": connected\n\n")
        try:
            while True:
                while watcher.queue:
                    kind, data = watcher.queue.popleft()
                    await response.write(b"event: " + kind.encode() + b"\ndata: " + orjson.dumps(data) + b"\n\n")
                watcher.ready.clear()
                try:
                    async with asyncio.timeout(_KEEP_ALIVE_S):
                        await watcher.ready.wait()
                except TimeoutError:
                    await response.write(b": still here\n\n")
        except (ConnectionError, RuntimeError):
            return response  # the page was closed

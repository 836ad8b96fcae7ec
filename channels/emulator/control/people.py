"""People: who there is, what they send, what they see."""

import asyncio
from typing import Any

import orjson
from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from channels.emulator.control.frame import answer, body, known_number, number_query
from channels.emulator.emulator import Emulator
from channels.emulator.keys import EMULATOR
from channels.emulator.person import PersonSends
from channels.emulator.settings import UserSettings
from channels.emulator.state import Message
from channels.emulator.views import message_view, user_view

_BULK_SLICE_S = 0.01  # a bulk run yields to the loop at least this often
_USERS: TypeAdapter[list[UserSettings]] = TypeAdapter(list[UserSettings])


class UserChange(BaseModel):
    """What can be changed of a person; what is absent stays."""

    model_config = ConfigDict(extra="forbid")

    name: str | None = None
    username: str | None = None
    hide_phone: bool | None = None
    auto_read: bool | None = None
    online: bool | None = None
    on_whatsapp: bool | None = None
    blocked: list[str] | None = None  # phone_number_ids that the person blocked


class ReadRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    phone_number_id: str | None = None
    message_id: str | None = None


class NumberChange(BaseModel):
    model_config = ConfigDict(extra="forbid")

    new_wa_id: str


class MarketingChoice(BaseModel):
    model_config = ConfigDict(extra="forbid")

    phone_number_id: str
    stop: bool = True


class Bulk(BaseModel):
    """Many people, many messages. `{i}` in a text is the message's number, from `start`; `{user}` the wa_id."""

    model_config = ConfigDict(extra="forbid")

    wa_ids: list[str] = Field(default_factory=list)
    count: int = 0  # so many new people are made when `wa_ids` is empty
    prefix: str = "25479"
    text: str = "n-{i}"
    messages_each: int = 1
    start: int = 1
    rate_per_s: float = 0.0  # over all people; 0 is at once
    phone_number_id: str | None = None
    wait: bool = False  # answer when all are sent, not when they begin


async def listing(request: web.Request) -> web.Response:
    return answer([user_view(u) for u in request.app[EMULATOR].world.users.values()])


async def create(request: web.Request) -> web.Response:
    """One person, or a list of them."""
    emulator = request.app[EMULATOR]
    data = orjson.loads(await request.read())
    users = _USERS.validate_python(data if isinstance(data, list) else [data])
    views = []
    for settings in users:
        user = emulator.world.add_user(settings)
        emulator.touch("user", user)
        views.append(user_view(user))
    emulator.hub.publish("user", lambda: {"wa_ids": [v["wa_id"] for v in views]})
    return answer(views if isinstance(data, list) else views[0], status=201)


async def change(request: web.Request) -> web.Response:
    emulator = request.app[EMULATOR]
    user = emulator.world.users[request.match_info["wa_id"]]
    wanted = await body(request, UserChange)
    was_online = user.online
    for name, value in wanted.model_dump(exclude_unset=True).items():
        setattr(user, name, set(value or ()) if name == "blocked" else value)
    if user.online and not was_online:
        emulator.business.come_online(user)
    emulator.touch("user", user)
    emulator.hub.publish("user", lambda: user_view(user))
    return answer(user_view(user))


async def remove(request: web.Request) -> web.Response:
    emulator = request.app[EMULATOR]
    user = emulator.world.users[request.match_info["wa_id"]]
    emulator.world.remove_user(user.wa_id)
    emulator.touch("user_gone", user)
    emulator.hub.publish("user", lambda: {"gone": user.wa_id})
    return answer({"removed": user.wa_id})


async def messages(request: web.Request) -> web.Response:
    """Both directions in order; `after` is a seq, `direction` in or out, `phone_number_id` one number, `limit` the last so many."""
    emulator = request.app[EMULATOR]
    emulator.world.users[request.match_info["wa_id"]]
    found = _messages_of(
        emulator,
        request.match_info["wa_id"],
        after=int(number_query(request, "after", 0)),
        direction=request.query.get("direction"),
        phone_number_id=known_number(request, request.query.get("phone_number_id")),
    )
    limit = int(number_query(request, "limit", 0))
    reactions = {k: v for t in emulator.world.threads_of(request.match_info["wa_id"]) for k, v in t.reactions.items()}
    views = [message_view(m) | {"reactions": reactions.get(m.id, {})} for m in (found[-limit:] if limit else found)]
    return answer({"messages": views, "last_seq": emulator.world.seq})


async def send(request: web.Request) -> web.Response:
    emulator = request.app[EMULATOR]
    message = emulator.phones.send(request.match_info["wa_id"], await body(request, PersonSends))
    return answer(message_view(message), status=201)


async def read(request: web.Request) -> web.Response:
    emulator = request.app[EMULATOR]
    wanted = await body(request, ReadRequest)
    user = emulator.world.users[request.match_info["wa_id"]]
    return answer(
        {"read": emulator.business.read_by(user, known_number(request, wanted.phone_number_id), wanted.message_id)}
    )


async def change_number(request: web.Request) -> web.Response:
    emulator = request.app[EMULATOR]
    wanted = await body(request, NumberChange)
    return answer(user_view(emulator.phones.change_number(request.match_info["wa_id"], wanted.new_wa_id)))


async def marketing(request: web.Request) -> web.Response:
    emulator = request.app[EMULATOR]
    wanted = await body(request, MarketingChoice)
    emulator.phones.set_marketing(request.match_info["wa_id"], wanted.phone_number_id, stop=wanted.stop)
    return answer({"stop": wanted.stop})


async def bulk(request: web.Request) -> web.Response:
    """Starts a run in which many people write; answers at once with how many there will be, or with `wait` when all are sent."""
    emulator = request.app[EMULATOR]
    wanted = await body(request, Bulk)
    known_number(request, wanted.phone_number_id)
    wa_ids = wanted.wa_ids or _new_people(emulator, wanted)
    for wa_id in wa_ids:
        emulator.world.users[wa_id]
    run = asyncio.create_task(_run_bulk(emulator, wa_ids, wanted))
    emulator.keep(run)
    if wanted.wait:
        await run
    return answer({"wa_ids": wa_ids, "messages": len(wa_ids) * wanted.messages_each}, status=202)


def _new_people(emulator: Emulator, wanted: Bulk) -> list[str]:
    made: list[str] = []
    i = 0
    while len(made) < wanted.count:
        wa_id = f"{wanted.prefix}{i:07d}"
        i += 1
        if wa_id not in emulator.world.users:
            emulator.touch("user", emulator.world.add_user(UserSettings(wa_id=wa_id, name=f"Person {i}")))
            made.append(wa_id)
    emulator.hub.publish("user", lambda: {"wa_ids": made})
    return made


async def _run_bulk(emulator: Emulator, wa_ids: list[str], wanted: Bulk) -> None:
    """Round by round, so that everybody's first message comes before anybody's second."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    yielded_at, sent = began, 0
    for i in range(wanted.start, wanted.start + wanted.messages_each):
        for wa_id in wa_ids:
            due_at = began + sent / wanted.rate_per_s if wanted.rate_per_s > 0 else 0.0
            if due_at > loop.time():
                await asyncio.sleep(due_at - loop.time())
                yielded_at = loop.time()
            elif loop.time() - yielded_at > _BULK_SLICE_S:
                await asyncio.sleep(0)
                yielded_at = loop.time()
            text = wanted.text.replace("{i}", str(i)).replace("{user}", wa_id)
            if wa_id in emulator.world.users:
                emulator.phones.send(wa_id, PersonSends(text=text, phone_number_id=wanted.phone_number_id))
            sent += 1


def _messages_of(
    emulator: Emulator, wa_id: str, *, after: int, direction: str | None, phone_number_id: str | None
) -> list[Message]:
    found: list[Message] = [
        m
        for t in emulator.world.threads_of(wa_id)
        if phone_number_id in (None, t.phone_number_id)
        for m in t.messages
        if m.seq > after and direction in (None, m.direction)
    ]
    return sorted(found, key=lambda m: m.seq)


def matching_outbound(
    emulator: Emulator, wa_id: str, *, after: int, phone_number_id: str | None, contains: str | None, visible: bool
) -> list[dict[str, Any]]:
    """What the business sent to this person, after a seq; `visible` leaves out what the phone has not shown."""
    found = _messages_of(emulator, wa_id, after=after, direction="out", phone_number_id=phone_number_id)
    return [
        message_view(m)
        for m in found
        if m.kind != "reaction"
        and (not visible or m.visible_at is not None)
        and (contains is None or contains.lower() in m.text.lower())
    ]

"""What rows say of why they failed holds nobody's words and nobody's number, whatever was raised."""

from __future__ import annotations

from typing import Any

from tests.bot.test_delivery import ASHA, Desk, desk
from tests.support.clockwork import rows, until, value
from tests.support.world import World, world

__all__ = ["desk", "world"]

SECRET = f"my secret is {ASHA}"


class Poisoned:
    """A channel whose library quotes what it was given."""

    def __init__(self, channel: Any) -> None:
        self._channel = channel

    def __getattr__(self, name: str) -> Any:
        return getattr(self._channel, name)

    async def send(self, *given: Any, **more: Any) -> Any:
        raise ValueError(f"cannot send {SECRET!r}")


async def test_an_outbox_row_tells_the_class_of_what_a_channel_raised(desk: Desk) -> None:
    desk.world.dispatcher.lost = True
    channel = desk.world.runtime.channel
    desk.world.runtime.channel = Poisoned(channel)
    [key] = await desk.put(SECRET)
    await desk.deliver()
    desk.world.runtime.channel = channel
    fate = await desk.fate(key)
    assert (fate["state"], fate["last_error"]) == ("unknown", "ValueError")


async def test_an_outbox_row_tells_the_meaning_of_a_code_and_not_the_words_of_the_provider(desk: Desk) -> None:
    desk.world.dispatcher.lost = True
    await desk.world.client.set_fault("error", next_n=1, params={"code": 131009})
    [key] = await desk.put(SECRET)
    await desk.deliver()
    fate = await desk.fate(key)
    assert (fate["state"], "parameter value invalid" in fate["last_error"]) == ("dead", True)
    assert await value(desk.world, "SELECT error ->> 'details' <> '' FROM messages WHERE key = $1", f"{key}:0")


async def test_an_inbox_row_tells_the_class_of_what_a_turn_raised(world: World) -> None:
    """The database quotes the row that it refuses."""
    await rows(
        world,
        f"CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'refused: {SECRET}'; END $$",
    )
    await rows(
        world,
        "CREATE TRIGGER refuse BEFORE INSERT ON messages FOR EACH ROW WHEN (NEW.direction = 'out') EXECUTE FUNCTION refuse()",
    )
    await world.client.text(ASHA, SECRET)

    async def failed() -> str | None:
        found: str | None = await value(world, "SELECT last_error FROM inbox WHERE last_error <> ''")
        return found

    assert await until(world, failed, "the turn failed") == "RaiseError"

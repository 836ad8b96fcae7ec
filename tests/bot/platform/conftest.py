"""The platform's own at work, over an organization with people at its inbox."""

from __future__ import annotations

import pytest

from bot.identity import Principal
from bot.identity.roles import PLATFORM
from bot.testing.people import enrol
from tests.bot.conversations.conftest import Room, room

__all__ = ["Room", "room"]


@pytest.fixture
async def root(room: Room) -> Principal:
    user_id = await enrol(room.stage.runtime, None, "root@chatnation.example", "platform_admin", name="Rosa Root")
    return Principal("user", user_id, None, PLATFORM, name="Rosa Root")

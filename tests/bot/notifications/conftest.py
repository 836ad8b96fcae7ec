from tests.bot.conversations.conftest import room

__all__ = ["room"]

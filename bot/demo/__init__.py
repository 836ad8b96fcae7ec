"""The demo: two organizations with numbers of their own, for `chatnation up` and for tests of the whole."""

from __future__ import annotations

__all__ = ["announce"]


async def announce(subject: str, text: str) -> str:
    """See `bot.demo.announcement`."""
    from bot.demo.announcement import announce  # opens a whole runtime; `bot.demo prepare` stands before the first page

    return await announce(subject, text)

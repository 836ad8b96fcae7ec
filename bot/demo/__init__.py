"""The demo: two organizations with numbers of their own, for `chatnation up` and for tests of the whole."""

from __future__ import annotations

__all__ = ["announce", "list_announcements"]


async def announce(subject: str, text: str, *, wait_s: float | None = None) -> str:
    """See `bot.demo.announcement`."""
    from bot.demo.announcement import announce  # opens a whole runtime; `bot.demo prepare` stands before the first page

    return await announce(subject, text, wait_s=wait_s)


async def list_announcements() -> str:
    """See `bot.demo.announcement`."""
    from bot.demo.announcement import list_announcements

    return await list_announcements()

"""Webhooks out: organizations are told over https of what happens here (Standard Webhooks; docs/webhooks.md).

What is told is written with the fact, in its transaction: triggers on the core's tables (`store/migrations/sql/hooks.sql`), `Unit.publish` for
events of skills that say `webhook = Told(...)`. `told` is the catalogue, `desk` what people and programs do with endpoints, `body` makes
what is sent, `sign` its headers, `guard` keeps it off private networks, `post` sends one, `deliver` decides what became of it. The clock
finds endpoints with something due and makes their job (`scheduler/hooks.py`).
"""

from bot.hooks.settings import HookSettings

__all__ = ["HookSettings"]

"""Deterministic understanding: from a message and the open question to commands, offline and cheap."""

from __future__ import annotations

from bot.understand.understand import understand

__all__ = ["understand"]

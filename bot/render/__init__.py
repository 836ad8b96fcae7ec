"""WhatsApp's limits and how neutral parts are fitted into them. Pure: no I/O, no clock, no randomness."""

from __future__ import annotations

from bot.render.check import Outcome, Problem, check
from bot.render.choices import Labels, page_ranges
from bot.render.render import render
from bot.render.rendered import (
    Button,
    RButtons,
    RContacts,
    RCta,
    Rendered,
    RFlow,
    RList,
    RLocation,
    RLocationRequest,
    RMedia,
    Row,
    RReaction,
    RTemplate,
    RText,
    Section,
)

__all__ = [
    "Button",
    "Labels",
    "Outcome",
    "Problem",
    "RButtons",
    "RContacts",
    "RCta",
    "RFlow",
    "RList",
    "RLocation",
    "RLocationRequest",
    "RMedia",
    "RReaction",
    "RTemplate",
    "RText",
    "Rendered",
    "Row",
    "Section",
    "check",
    "page_ranges",
    "render",
]

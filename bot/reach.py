"""How people reach an organization outside of the chat: `{"contact": {...}}` in `organizations.settings`.

{"contact": {"phone": "+254 700 000 001", "email": "hello@savanna.example", "hours": {"en": "Mon-Fri 9-17", "sw": "Jumatatu-Ijumaa 9-17"}}}
"""

from __future__ import annotations

import logging
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

__all__ = ["HAND_OFF", "Reach", "read_reach"]

HAND_OFF = "handoff.requested"  # in the audit: somebody asked for a person

log = logging.getLogger(__name__)


class Reach(BaseModel):
    """All parts are optional. `hours` is when somebody answers, in each language or in one for all."""

    model_config = ConfigDict(frozen=True)

    phone: str = Field("", max_length=40)
    email: str = Field("", max_length=255)
    hours: str | dict[str, str] = ""

    def text(self, locale: str) -> str:
        """One line for each way; empty when there is none."""
        return "\n".join(
            f"{sign} {value}"
            for sign, value in (("📞", self.phone), ("✉️", self.email), ("🕘", self._hours(locale)))
            if value
        )

    def _hours(self, locale: str) -> str:
        if isinstance(self.hours, str):
            return self.hours
        return self.hours.get(locale.partition("-")[0]) or next(iter(self.hours.values()), "")


def read_reach(settings: Any) -> Reach:
    """What cannot be read counts as not given, and is told to the operator: a chat must not end for it."""
    contact = settings.get("contact") if isinstance(settings, dict) else None
    try:
        return Reach.model_validate(contact or {})
    except ValidationError as e:
        log.warning(
            "contact settings of the organization are wrong", extra={"fields": [each["loc"] for each in e.errors()]}
        )
        return Reach()

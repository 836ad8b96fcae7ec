"""What an organization asks of those who sign in: `settings["security"]` of its row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from bot.identity.errors import NotAMember

__all__ = ["Security", "security_of"]


class Security(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    require_second_factor: bool = False
    allowed_domains: tuple[str, ...] = ()
    """E-mail domains of who may be invited, and who may come in through Google, Microsoft and the like; none: all."""

    @field_validator("allowed_domains")
    @classmethod
    def _in_lower_case(cls, domains: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(each.strip().lower().lstrip("@") for each in domains if each.strip())

    def admits(self, email: str) -> bool:
        return not self.allowed_domains or email.rpartition("@")[2].lower() in self.allowed_domains

    def admit(self, *, method: str, email: str) -> None:
        """
        Raises:
            NotAMember: signed in elsewhere, with an address of a domain that is not on the organization's list.
        """
        if method != "password" and not self.admits(email):
            raise NotAMember(
                f"this organization opens to accounts of {', '.join(self.allowed_domains)} only; use one of those, or your password"
            )


def security_of(settings: Mapping[str, Any]) -> Security:
    """What cannot be read counts as the strictest reading: a second factor is asked for."""
    try:
        return Security.model_validate(settings.get("security") or {})
    except ValidationError:
        return Security(require_second_factor=True)

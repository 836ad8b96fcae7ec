"""Where the action servers of remote skills are."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from bot.settings import Settings

__all__ = ["RemoteSettings", "Server"]


@dataclass(frozen=True, slots=True)
class Server:
    """The action server of one skill. `secret` signs what is sent to it."""

    url: str
    secret: str | None
    timeout_s: float
    max_response_bytes: int


class RemoteSettings(Settings):
    urls: dict[str, str] = Field(default_factory=dict)
    """Skill to the webhook of its action server: CHATNATION__REMOTE__URLS__RAFFLE=http://127.0.0.1:5055/webhook"""
    secrets: dict[str, SecretStr] = Field(default_factory=dict)
    """Skill to the secret that signs each call. Optional."""
    timeout_s: float = Field(10.0, gt=0, le=60)
    """How long one call may take; `limits.action_timeout` of the skill wins."""
    max_response_bytes: int = Field(1_000_000, gt=0)

    @field_validator("urls")
    @classmethod
    def _are_web_addresses(cls, urls: dict[str, str]) -> dict[str, str]:
        for skill, url in urls.items():
            parts = urlsplit(url)
            if parts.scheme not in ("http", "https") or not parts.hostname:
                raise ValueError(f"{skill}: the address of an action server begins with http:// or https://")
        return urls

    def server(self, skill: str, *, timeout_s: float | None = None) -> Server | None:
        """None: no address is set for this skill."""
        url = self.urls.get(skill)
        if url is None:
            return None
        secret = self.secrets.get(skill)
        return Server(
            url,
            secret.get_secret_value() if secret else None,
            timeout_s if timeout_s is not None else self.timeout_s,
            self.max_response_bytes,
        )

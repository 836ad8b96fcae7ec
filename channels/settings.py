"""Settings of sections `web` and `whatsapp`."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["WebSettings", "WhatsAppSettings"]


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class WebSettings(_Settings):
    host: str = "127.0.0.1"
    port: int = Field(8000, ge=1, le=65535)
    body_limit_bytes: int = Field(3 * 1024 * 1024, ge=1024)
    """Meta sends up to 3 MB in one delivery."""


class WhatsAppSettings(_Settings):
    graph_url: str = Field("https://graph.facebook.com", pattern="^https?://")
    """Where sends go. `chatnation up` points it at the emulator unless it is set."""
    version: str = Field("v25.0", pattern=r"^v\d+\.\d+$")
    webhook_url: str = Field("", pattern="^(https?://.*)?$")
    """Where Meta is told to send deliveries, for the connection doctor. Empty: `/webhooks/whatsapp` of the web process itself."""
    media_hosts: tuple[str, ...] = ("lookaside.fbsbx.com", "graph.facebook.com")
    """Hosts that media may be downloaded from, sub-domains included: our access token goes with the request. The host of `graph_url` is allowed too."""
    timeout_s: float = Field(15.0, gt=0)
    """One call; never longer than half of `turn.unknown_grace_s`, so that a send is over before it counts as unknown."""

"""Settings of section `admin`."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["AdminSettings"]


class AdminSettings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str = "127.0.0.1"
    port: int = Field(3000, ge=1, le=65535)
    secure_cookies: bool = False
    """Set it where the app is served by https: cookies are then sent over nothing else."""
    reconnect_s: float = Field(60.0, gt=0)
    """A page that lost its connection for so long finds everything as it was, what was typed included."""

"""Settings of section `api`."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["ApiSettings"]


class ApiSettings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    cors_origins: tuple[str, ...] = ()
    """Origins whose pages may call the API from a browser, "https://app.example.org"; none by default."""
    body_limit_bytes: int = Field(1024 * 1024, ge=1024)
    upload_limit_bytes: int = Field(16 * 1024 * 1024, ge=1024)
    """WhatsApp takes images up to 5 MB and videos up to 16 MB."""
    per_caller_per_min: int = Field(600, ge=1)
    """Requests of one API key or user, in each web process."""
    per_organization_per_min: int = Field(3_000, ge=1)
    per_ip_per_min: int = Field(1_200, ge=1)
    """Before anybody knows who it is; sign-in has a stricter one of its own."""
    sign_in_per_ip_per_min: int = Field(30, ge=1)
    proxies: int = Field(0, ge=0)
    """How many reverse proxies of ours stand in front: so many entries from the right of X-Forwarded-For are theirs."""

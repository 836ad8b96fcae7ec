"""Settings of section `store`: `CHATNATION__STORE__DSN` and its siblings."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, SecretStr

__all__ = ["PREFIX", "StoreSettings"]

PREFIX = "CHATNATION__STORE__"


class StoreSettings(BaseModel):
    """Where the data is. DSNs are secrets: they carry passwords."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    dsn: SecretStr | None = None
    """Role chatnation_app, under row level security. None: `chatnation up` starts a PostgreSQL of its own."""
    system_dsn: SecretStr | None = None
    """Role chatnation_system (BYPASSRLS), for relay, sweep and platform pages."""
    owner_dsn: SecretStr | None = None
    """Role that owns the tables: `migrate`, and in the clock the vector indexes of large organizations."""
    pool_min: int = Field(1, ge=0)
    pool_max: int = Field(8, ge=1)
    """Connections of one process: 8 for a worker, 2 to 4 for a web process."""
    statement_timeout_s: float = Field(30.0, gt=0)
    idle_in_transaction_timeout_s: float = Field(30.0, gt=0)
    encrypt_messages: bool = True
    """Message texts sealed with the organization's key."""
    master_key: SecretStr | None = None
    """32 bytes in base64. None: generated into the data folder, for development."""
    previous_master_keys: tuple[SecretStr, ...] = ()
    blobs_url: str = ""
    """`s3://bucket/prefix`, `file:///folder` or `memory://`; empty: `blobs` in the data folder."""
    blobs_options: dict[str, str] = Field(default_factory=dict)
    """What the S3 client needs besides the URL: endpoint, region, access_key_id."""
    blobs_secret_access_key: SecretStr | None = None
    blob_max_bytes: int = Field(100 * 1024 * 1024, ge=1)
    """Meta's largest medium is a document of 100 MB."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> StoreSettings:
        """For `python -m store`, which may not import the layered loader of `bot.config`. Strings only; pydantic parses them."""
        source = os.environ if environment is None else environment
        known = {name: source[PREFIX + name.upper()] for name in cls.model_fields if PREFIX + name.upper() in source}
        return cls.model_validate(known)

    def blobs_location(self, data: Path) -> str:
        return self.blobs_url or (data / "blobs").resolve().as_uri()

"""Settings of the sections `metrics`, `sentry` and `otel`."""

from __future__ import annotations

from pydantic import Field, SecretStr

from bot.settings import Settings

__all__ = ["MetricsSettings", "OtelSettings", "SentrySettings"]


class MetricsSettings(Settings):
    """Prometheus asks every process by itself. Never on the port of webhooks and API, which the world can reach."""

    enabled: bool = True
    host: str = "127.0.0.1"
    port: int = Field(0, ge=0, le=65535)
    """0: a free one. Under `chatnation up` the first process gets this one, the next the one above, and so on."""


class SentrySettings(Settings):
    """Errors of the log go to Sentry, or what speaks its protocol, without anything that people wrote. Needs `chatnation[sentry]`."""

    dsn: SecretStr | None = None


class OtelSettings(Settings):
    """Spans by OTLP over HTTP: requests, turns, jobs, sends. Needs `chatnation[otel]`."""

    endpoint: str | None = Field(None, pattern="^https?://")
    """Of traces: `http://collector:4318/v1/traces`."""
    headers: SecretStr | None = None
    """`name=value`, several separated by commas."""
    ratio: float = Field(1.0, ge=0, le=1)
    """Part of the traces that is sent, each as a whole."""

"""What a process tells about itself: metrics on a port of its own, and by setting errors to Sentry, spans to OpenTelemetry.

telemetry.start(configuration, service="web")
...
telemetry.stop()
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable

from bot.config import Configuration
from bot.errors import ConfigError
from bot.telemetry.settings import MetricsSettings, OtelSettings, SentrySettings

__all__ = ["start", "stop"]

_stops: list[Callable[[], None]] = []


def start(configuration: Configuration, *, service: str) -> None:
    """Once per process, first thing after the logs. What is off is not even imported.

    Raises:
        ConfigError: Something is set whose package is not installed.
    """
    metrics = configuration.section(MetricsSettings, "metrics")
    if metrics.enabled:
        from bot.telemetry import endpoint  # what only reads settings does without prometheus-client

        endpoint.serve(metrics, service=service, data=configuration.data)
    sentry = configuration.section(SentrySettings, "sentry")
    if sentry.dsn is not None:
        _require("sentry_sdk", "CHATNATION__SENTRY__DSN", "sentry")
        from bot.telemetry.sentry import open_sentry

        _stops.append(open_sentry(sentry, service=service, environment=configuration.root.env))
    otel = configuration.section(OtelSettings, "otel")
    if otel.endpoint is not None:
        _require("opentelemetry.exporter.otlp.proto.http", "CHATNATION__OTEL__ENDPOINT", "otel")
        from bot.telemetry.otel import open_otel

        _stops.append(open_otel(otel, service=service))


def stop() -> None:
    """Sends what is still to be sent; a second or two at most."""
    while _stops:
        _stops.pop()()


def _require(module: str, setting: str, extra: str) -> None:
    try:
        found = importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        found = False
    if not found:
        raise ConfigError(f"{setting} is set but its package is not installed: pip install 'chatnation[{extra}]'")

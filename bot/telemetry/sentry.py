"""Errors of the log as Sentry's events. An event is written anew from what it may hold; the rest of what the library collects stays here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sentry_sdk
from sentry_sdk.integrations.dedupe import DedupeIntegration
from sentry_sdk.integrations.excepthook import ExcepthookIntegration
from sentry_sdk.integrations.logging import LoggingIntegration

from bot import trace
from bot.redaction import LEFT_OUT, quoting_messages, redacted
from bot.telemetry.settings import SentrySettings
from store.scope import current_scope

__all__ = ["open_sentry", "scrubbed"]

FLUSH_S = 1.0
OF_EVENT = ("event_id", "timestamp", "level", "logger", "platform", "environment", "release", "sdk")
OF_FRAME = ("filename", "abs_path", "function", "module", "lineno", "in_app")


def open_sentry(settings: SentrySettings, *, service: str, environment: str) -> Callable[[], None]:
    """Returns what sends the rest and stops."""
    assert settings.dsn is not None
    sentry_sdk.init(
        dsn=settings.dsn.get_secret_value(),
        environment=environment,
        default_integrations=False,
        auto_enabling_integrations=False,
        integrations=[LoggingIntegration(level=None), DedupeIntegration(), ExcepthookIntegration()],
        before_send=lambda event, hint: scrubbed(event, hint, service=service),
        include_local_variables=False,
        max_breadcrumbs=0,
        send_client_reports=False,
        auto_session_tracking=False,
        traces_sample_rate=None,
    )
    return lambda: sentry_sdk.get_client().close(timeout=FLUSH_S)


def scrubbed(event: Any, hint: dict[str, Any], *, service: str) -> Any:
    """By the rules of the log: same redaction, no message of an exception that may quote what people wrote, no variables."""
    found: dict[str, Any] = {name: event[name] for name in OF_EVENT if name in event}
    found["tags"] = {"service": service} | _context(event)
    entry = event.get("logentry") or {}
    text = entry.get("formatted") or entry.get("message") or event.get("message")
    if text:
        found["logentry"] = {"formatted": redacted(text)}
    extra = {name: value for name, value in (event.get("extra") or {}).items() if name != "sys.argv"}
    if extra:
        found["extra"] = redacted(extra)
    error = (hint.get("exc_info") or (None, None))[1]
    quoting = quoting_messages(error)
    values = (event.get("exception") or {}).get("values") or []
    if values:
        found["exception"] = {"values": [_exception(each, quoting) for each in values]}
    if (trace_id := trace.current()) is not None:
        found["contexts"] = {"trace": {"trace_id": trace_id.hex, "span_id": trace_id.hex[16:]}}
    return found


def _context(event: Any) -> dict[str, str]:
    scope, trace_id = current_scope(), trace.current()
    facts = {
        "organization_id": scope.organization_id if scope is not None else None,
        "trace_id": trace_id.hex if trace_id is not None else None,
        "action": (event.get("extra") or {}).get("action"),
    }
    return {name: str(value) for name, value in facts.items() if value is not None}


def _exception(value: Any, quoting: set[str]) -> dict[str, Any]:
    said = str(value.get("value") or "")
    frames = (value.get("stacktrace") or {}).get("frames") or []
    return {
        "type": value.get("type"),
        "module": value.get("module"),
        "value": LEFT_OUT if said in quoting else redacted(said),
        "stacktrace": {"frames": [{name: frame[name] for name in OF_FRAME if name in frame} for frame in frames]},
    }

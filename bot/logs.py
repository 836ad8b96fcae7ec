"""Logs of every process: `logging` as the house writes it, rendered as text for people or as one JSON object per line (R371).

    set_up(settings.log, service="worker.interactive")
    with bound(session_id=session.id, turn_id=inbox.id):
        log.info("turn committed", extra={"action": "turn.committed", "segments": 2})

`organization_id` comes from the organization in scope, `trace_id` from `bot.trace`, the rest from `bound`. `action` is a domain event in dotted
words, null in a record that only tells us something. Everything else is metadata: the sentence, the logger, what is in `extra`, an exception.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from contextlib import AbstractContextManager
from typing import Any, TextIO

import orjson
import structlog
from structlog.contextvars import bound_contextvars

from bot import trace
from bot.redaction import LEFT_OUT, quoting_messages, redacted
from bot.settings import LogFormat, LogSettings
from store.scope import current_scope

__all__ = ["bound", "set_up"]

FIELDS = ("timestamp", "level", "service", "trace_id", "organization_id", "user_id", "action")
OURS = ("timestamp", "level", "service")  # nothing in them comes from outside
NOT_METADATA = frozenset((*FIELDS, "_record", "_from_structlog", "event", "logger"))
RESET = "\x1b[0m"
COLOURS = {"warning": "\x1b[33m", "error": "\x1b[31m", "critical": "\x1b[1;31m"}
NOISY = (
    "uvicorn",
    "uvicorn.error",
    "asyncio",
    "nats",
    "taskiq",
    "tortoise",
    "aiohttp.access",
    "urllib3",
    "pyvips",
    "openai",
    "httpx2",
    "httpcore2",
    "httpx",
    "langsmith",
)

Event = MutableMapping[str, Any]


def bound(**fields: object) -> AbstractContextManager[None]:
    """Every record of the block, and of the tasks started in it, carries these: session_id, inbox_id, user_id."""
    return bound_contextvars(**{name: str(value) for name, value in fields.items() if value is not None})


def set_up(settings: LogSettings, *, service: str, stream: TextIO | None = None) -> None:
    """Replaces the handlers of the root logger; call it once, first thing in a process."""
    target = stream or sys.stderr
    render = _as_json if settings.format is LogFormat.JSON else _as_text(colour=target.isatty())

    def add_service(_: Any, __: str, event: Event) -> Event:
        event["service"] = service
        return event

    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        add_service,
        _add_scope,
    ]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[_add_exception, _shaped, render],
        keep_exc_info=True,
    )
    handler = logging.StreamHandler(target)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.level)
    for name in NOISY:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    # Its pool prints a trace for each try while PostgreSQL is away; whoever needs a connection says so already.
    logging.getLogger("asyncpg").setLevel(logging.ERROR)


def _add_scope(_: Any, __: str, event: Event) -> Event:
    trace_id = trace.current()
    if trace_id is not None:
        event.setdefault("trace_id", trace_id.hex)
    scope = current_scope()
    if scope is not None and scope.organization_id is not None:
        event.setdefault("organization_id", str(scope.organization_id))
    return event


def _add_exception(_: Any, __: str, event: Event) -> Event:
    record: logging.LogRecord = event["_record"]
    event["logger"] = record.name
    event.pop("exc_info", None)
    if record.exc_info and record.exc_info[0] is not None:
        event["exception"] = logging.Formatter().formatException(record.exc_info)
        for said in quoting_messages(record.exc_info[1]):
            event["exception"] = event["exception"].replace(f": {said}", f": {LEFT_OUT}")
        record.exc_info = record.exc_text = None  # ours already; a copy of the record, so other handlers keep theirs
    return event


def _shaped(_: Any, __: str, event: Event) -> Event:
    """The record of R371, redacted: the fixed fields are always there, the rest is metadata."""
    record: dict[str, Any] = {name: event.get(name) for name in OURS}
    record["level"] = event["level"].upper()
    record |= {name: redacted(event.get(name), name) for name in FIELDS if name not in OURS}
    metadata = {"message": redacted(event["event"]), "logger": event["logger"]}
    metadata |= {name: redacted(value, name) for name, value in event.items() if name not in NOT_METADATA}
    record["metadata"] = metadata
    return record


def _as_json(_: Any, __: str, event: Event) -> str:
    return orjson.dumps(event, default=str).decode()


def _as_text(*, colour: bool) -> Any:
    def render(_: Any, __: str, event: Event) -> str:
        level = str(event["level"]).lower()
        beside = {name: event[name] for name in ("action", "organization_id", "user_id", "trace_id") if event[name]}
        beside |= event["metadata"]
        message, exception = beside.pop("message"), beside.pop("exception", None)
        del beside["logger"]
        start = COLOURS.get(level, "") if colour else ""
        end = RESET if start else ""
        text = f"{str(event['timestamp'])[11:23]} {start}{level:7}{end} {message}"
        text += "".join(f" {name}={value}" for name, value in beside.items())
        return text + (f"\n{exception}" if exception else "")

    return render

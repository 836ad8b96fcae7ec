"""Logs of every process: `logging` as the house writes it, rendered as text for people or as one JSON object per line (R371).

    set_up(settings.log, service="worker.interactive")
    with bound(session_id=session.id, turn_id=inbox.id):
        log.info("turn committed", extra={"action": "turn.committed", "segments": 2})

`organization_id` comes from the organization in scope, the rest from `bound`; what else is in `extra` becomes the record's metadata.
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

from bot.redaction import redacted
from bot.settings import LogFormat, LogSettings
from store.scope import current_scope

__all__ = ["bound", "set_up"]

FIELDS = ("timestamp", "level", "service", "trace_id", "organization_id", "user_id", "action")
OF_STRUCTLOG = ("_record", "_from_structlog")
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
    """Every record of the block, and of the tasks started in it, carries these: trace_id, session_id, turn_id, user_id, inbox_id."""
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
        _add_organization,
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


def _add_organization(_: Any, __: str, event: Event) -> Event:
    scope = current_scope()
    if scope is not None and scope.organization_id is not None:
        event.setdefault("organization_id", str(scope.organization_id))
    return event


def _add_exception(_: Any, __: str, event: Event) -> Event:
    record: logging.LogRecord = event["_record"]
    event["logger"] = record.name
    event.pop("exc_info", None)
    if record.exc_info and record.exc_info[0] is not None:
        event["exception"] = _without_quotes(logging.Formatter().formatException(record.exc_info), record.exc_info[1])
        record.exc_info = record.exc_text = None  # ours already; a copy of the record, so other handlers keep theirs
    return event


# What these say of a value that they refuse quotes it: a message's text, a row of the database, a prompt.
_QUOTING = frozenset(("asyncpg", "httpx", "jinja2", "openai", "pydantic_core", "ruamel"))


def _without_quotes(text: str, error: BaseException | None) -> str:
    """A traceback in which exceptions of others that may quote what people wrote stand without their message."""
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        each = waiting.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        waiting += [each.__cause__, each.__context__, *getattr(each, "exceptions", ())]
        said = str(each)
        if said and (isinstance(each, ValueError) or type(each).__module__.partition(".")[0] in _QUOTING):
            text = text.replace(f": {said}", ": [message left out]")
    return text


def _shaped(_: Any, __: str, event: Event) -> Event:
    """The record of R371, redacted: the fixed fields are always there, the rest is metadata."""
    record = {name: redacted(event.get(name), name) for name in FIELDS}
    record["message"] = redacted(event["event"])
    record["logger"] = event["logger"]
    if "exception" in event:
        record["exception"] = redacted(event["exception"])
    taken = {*FIELDS, *OF_STRUCTLOG, "event", "logger", "exception"}
    record["metadata"] = {name: redacted(value, name) for name, value in event.items() if name not in taken}
    return record


def _as_json(_: Any, __: str, event: Event) -> str:
    return orjson.dumps(event, default=str).decode()


def _as_text(*, colour: bool) -> Any:
    def render(_: Any, __: str, event: Event) -> str:
        level = str(event["level"])
        beside = {
            name: event[name] for name in ("action", "organization_id", "user_id", "trace_id") if event[name]
        } | event["metadata"]
        start = COLOURS.get(level, "") if colour else ""
        end = RESET if start else ""
        text = f"{str(event['timestamp'])[11:23]} {start}{level:7}{end} {event['message']}"
        text += "".join(f" {name}={value}" for name, value in beside.items())
        return text + (f"\n{event['exception']}" if "exception" in event else "")

    return render

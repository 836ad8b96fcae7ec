"""One id from a webhook or a request to everything that follows from it, in every process: a trace id of W3C Trace Context.

    with traced(from_traceparent(request.headers.get("traceparent")), "POST /webhooks/whatsapp"):
        ...                              # every record of the block has it, and `current()` is what rows are stamped with

It travels in the rows (`inbox`, `outbox`, `jobs`), whose type is uuid because both are 16 bytes. With OpenTelemetry on (`bot.telemetry`) a named
block is a span of the trace.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from contextvars import Context as Variables
from contextvars import ContextVar, Token, copy_context
from types import TracebackType
from uuid import UUID

__all__ = ["SpanOpener", "current", "from_traceparent", "open_spans_with", "traced", "untraced"]

SpanOpener = Callable[[str, UUID, bool, dict[str, str]], AbstractContextManager[object]]
"""Name, trace, whether the trace begins here, attributes."""

# Version ff is forbidden, and a later version may add fields (W3C Trace Context, 3.2.2).
_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(?:-.*)?")
_NOBODY = "0" * 32

_current: ContextVar[UUID | None] = ContextVar("trace_id", default=None)
_open_span: SpanOpener | None = None


def current() -> UUID | None:
    return _current.get()


def from_traceparent(header: str | None) -> UUID | None:
    """The caller's trace id; None when the header is missing or not well-formed."""
    found = _TRACEPARENT.fullmatch(header.strip()) if header else None
    return UUID(found[1]) if found is not None and found[1] != _NOBODY else None


def open_spans_with(opener: SpanOpener | None) -> None:
    """From now on a named block of `traced` is a span, which `opener` opens and closes; None: no more."""
    global _open_span
    _open_span = opener


def untraced() -> Variables:
    """A copy of this context without a trace: for a task that works for many."""
    variables = copy_context()
    variables.run(_current.set, None)
    return variables


class traced(AbstractContextManager[UUID]):
    """The block belongs to this trace; None begins a new one. The name is that of its span, of a bounded set."""

    __slots__ = ("_attributes", "_begins", "_name", "_span", "_token", "trace_id")

    def __init__(self, trace_id: UUID | None, name: str = "", **attributes: str) -> None:
        self._begins = trace_id is None
        self.trace_id = UUID(int=random.getrandbits(128) or 1) if trace_id is None else trace_id
        self._name = name
        self._attributes = attributes
        self._span: AbstractContextManager[object] | None = None

    def __enter__(self) -> UUID:
        self._token: Token[UUID | None] = _current.set(self.trace_id)
        if _open_span is not None and self._name:
            self._span = _open_span(self._name, self.trace_id, self._begins, self._attributes)
            self._span.__enter__()
        return self.trace_id

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._span is not None:
            self._span.__exit__(kind, error, trace)
        _current.reset(self._token)

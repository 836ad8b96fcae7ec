"""What surrounds every task: the organization (door 2 of architecture.md, section 4), a trace id, what happens to errors, and measuring."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from contextvars import ContextVar
from typing import Any
from uuid import UUID

from taskiq import TaskiqMessage, TaskiqMiddleware, TaskiqResult

from bot.metrics import failed
from bot.trace import traced
from scheduler.metrics import TASK_DURATION, TASK_ERRORS
from store.errors import Refused, Retryable
from store.tenancy import organization_scope

__all__ = ["ErrorPolicy", "Measures", "OrganizationBinding"]

log = logging.getLogger(__name__)

# taskiq runs the hooks and the task in one asyncio task, so what one hook enters the other can leave.
_entered: ContextVar[ExitStack | None] = ContextVar("task_scope", default=None)


class OrganizationBinding(TaskiqMiddleware):
    """Enters the scope of label `organization_id`, which the dispatcher puts there. Without it the task is bound to nothing, and refused."""

    def pre_execute(self, message: TaskiqMessage) -> TaskiqMessage:
        stack = ExitStack()
        stack.enter_context(traced(_uuid(message.task_id)))  # until a row says whose work it is
        organization_id = _uuid(message.labels.get("organization_id"))
        if organization_id is not None:
            stack.enter_context(organization_scope(organization_id))
        _entered.set(stack)
        return message

    def post_execute(self, message: TaskiqMessage, result: TaskiqResult[Any]) -> None:
        stack = _entered.get()
        if stack is not None:
            _entered.set(None)
            stack.close()


class ErrorPolicy(TaskiqMiddleware):
    """A task that raised is not run again by the broker: its row stays due, and the sweep or the relay hint again. Here it is only told."""

    def on_error(self, message: TaskiqMessage, result: TaskiqResult[Any], exception: BaseException) -> None:
        TASK_ERRORS.labels(message.task_name).inc()
        extra = {"task": message.task_name, "action": "task.failed"}
        if isinstance(exception, Retryable):
            log.warning("task postponed", extra=extra | {"reason": str(exception)})
        elif isinstance(exception, TimeoutError):
            log.error("task took too long and was ended", extra=extra)
        elif isinstance(exception, Refused):
            log.error("task refused", extra=extra | {"reason": str(exception)})
        else:
            log.error("task raised", exc_info=exception, extra=extra)


class Measures(TaskiqMiddleware):
    def __init__(self, queue: str) -> None:
        super().__init__()
        self._queue = queue

    def post_execute(self, message: TaskiqMessage, result: TaskiqResult[Any]) -> None:
        TASK_DURATION.labels(message.task_name, self._queue).observe(result.execution_time)
        if result.is_err:
            failed()


def _uuid(text: object) -> UUID | None:
    try:
        return UUID(str(text))
    except ValueError:
        return None

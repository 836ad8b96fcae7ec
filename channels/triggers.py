"""/webhooks/skills/{organization}/{skill}/{name}: what other systems tell the skills of an organization, signed as standardwebhooks.com has it.

200 is said after the commit. What cannot be told apart by who does not know the secret is one answer: 403.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from aiohttp import web

from bot import triggers
from bot.errors import Retryable
from bot.triggers import Answer
from channels.metrics import DELIVERIES

if TYPE_CHECKING:
    from bot.runtime import Runtime

__all__ = ["add_triggers"]

STATUS = {
    Answer.TAKEN: (200, "taken"),
    Answer.KNOWN: (200, "known already"),
    Answer.MALFORMED: (400, "webhook-id, webhook-timestamp (seconds) and webhook-signature are needed"),
    Answer.STALE: (400, "webhook-timestamp is more than five minutes from now"),
    Answer.REFUSED: (403, "not signed by the secret of this webhook"),
    Answer.OFF: (410, "the skill is switched off"),
}


def add_triggers(app: web.Application, runtime: Runtime) -> None:
    async def deliver(request: web.Request) -> web.Response:
        headers, where = request.headers, request.match_info
        try:
            body = await request.read()
            answer = await triggers.take(
                runtime,
                UUID(where["organization_id"]),
                where["skill"],
                where["name"],
                external_id=headers.get("webhook-id", ""),
                timestamp=headers.get("webhook-timestamp", ""),
                signatures=headers.get("webhook-signature", ""),
                content_type=headers.get("Content-Type", ""),
                body=body,
            )
        except Retryable:
            DELIVERIES.labels("unavailable").inc()
            return web.json_response({"status": "try again"}, status=503, headers={"Retry-After": "1"})
        DELIVERIES.labels(f"skill_{answer}").inc()
        status, told = STATUS[answer]
        return web.json_response({"status": told}, status=status)

    path = "/webhooks/skills/{organization_id:[0-9a-fA-F-]{36}}/{skill:[a-z][a-z0-9_]*}/{name:[a-z][a-z0-9_-]*}"
    app.router.add_post(path, deliver)

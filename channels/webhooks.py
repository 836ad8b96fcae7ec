"""/webhooks/whatsapp and /webhooks/waba-status: verify the raw bytes, keep them, accept what they bring, answer 200.

200 is said after the commit and never before; 503 when PostgreSQL is away, so that the provider comes again.
"""

from __future__ import annotations

import functools
import hmac
import logging
from contextlib import suppress
from typing import TYPE_CHECKING
from uuid import UUID

from aiohttp import web

from bot.errors import Retryable
from bot.turn.inbox import GroupCommit
from channels.metrics import DELIVERIES
from channels.settings import WebSettings
from channels.whatsapp.intake import Intake
from channels.whatsapp.signature import verify

if TYPE_CHECKING:
    from bot.runtime import Runtime

__all__ = ["WhatsAppWebhook", "add_webhooks"]

log = logging.getLogger(__name__)


class WhatsAppWebhook:
    """One handler for both paths: Meta is told one callback, and the seed names two."""

    def __init__(self, runtime: Runtime, *, body_limit_bytes: int) -> None:
        self._runtime = runtime
        self._limit = body_limit_bytes
        self._intake = Intake(runtime)
        self._count = functools.cache(DELIVERIES.labels)  # a look-up by label costs more than the counting
        self._group = GroupCommit(self._hint, sealed=runtime.encrypt_messages)

    async def challenge(self, request: web.Request) -> web.Response:
        """Meta's check of the callback: the challenge comes back as plain text when the token is one of ours."""
        query = request.query
        token = query.get("hub.verify_token", "").encode()
        if query.get("hub.mode") == "subscribe" and token:
            for app in await self._intake.apps():
                if hmac.compare_digest(token, app.verify_token.encode()):
                    return web.Response(text=query.get("hub.challenge", ""))
        return web.Response(status=403)

    async def deliver(self, request: web.Request) -> web.Response:
        if request.content_length is not None and request.content_length > self._limit:
            DELIVERIES.labels("too_large").inc()
            return web.Response(status=413)
        try:
            body = await request.read()
            meta_app_id = await self._signer(body, request.headers.get("X-Hub-Signature-256"))
            if meta_app_id is None:
                DELIVERIES.labels("bad_signature").inc()
                log.warning(
                    "delivery with a wrong signature refused", extra={"bytes": len(body), "action": "delivery.refused"}
                )
                with suppress(Retryable):  # the answer does not depend on it
                    await self._intake.note_refused(body)
                return web.Response(status=403)
            delivered = await self._intake.read(body, meta_app_id)
            await self._group.accept(delivered)
        except Retryable:
            DELIVERIES.labels("unavailable").inc()
            return web.Response(status=503, headers={"Retry-After": "1"})
        self._count(delivered.outcome).inc()
        return web.Response()

    async def close(self) -> None:
        await self._group.close()

    async def _signer(self, body: bytes, header: str | None) -> UUID | None:
        """The Meta app whose secret signed the body."""
        signers = [(secret, app.meta_app_id) for app in await self._intake.apps() for secret in app.secrets]
        matched = verify(body, header, [secret for secret, _ in signers])
        return None if matched is None else signers[matched][1]

    async def _hint(self, organization_id: UUID, session_id: UUID, inbox_id: UUID) -> None:
        await self._runtime.dispatcher.hint(organization_id, session_id, attempt=f"{inbox_id}:0")


def add_webhooks(app: web.Application, runtime: Runtime) -> None:
    settings = runtime.configuration.section(WebSettings, "web")
    webhook = WhatsAppWebhook(runtime, body_limit_bytes=settings.body_limit_bytes)
    for path in ("/webhooks/whatsapp", "/webhooks/waba-status"):
        app.router.add_get(path, webhook.challenge)
        app.router.add_post(path, webhook.deliver)

    async def close(_: web.Application) -> None:
        await webhook.close()

    app.on_cleanup.append(close)

"""What webhooks are told, as OpenAPI 3.1's `webhooks`: from the models of the catalogue."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bot.hooks.told import ToldType

__all__ = ["TAG", "told_operation"]

TAG = {
    "name": "Webhook events",
    "description": "What is sent to webhooks of yours, signed as standardwebhooks.com says. An event may come twice, with the same webhook-id, and in any order.",
}
_HEADERS = {
    "webhook-id": "Of the event; the same for each try. Do each once.",
    "webhook-timestamp": "Seconds since 1970, of this try. Refuse what is older than five minutes.",
    "webhook-signature": "`v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`; several with spaces between while a secret is changed. One must fit.",
}
_ANSWERS = {
    "2XX": "Taken. Answer within 15 seconds, and work afterwards.",
    "410": "You want nothing more: the webhook is turned off.",
    "default": "It is sent again, up to ten times in three days. Redirects are not followed.",
}


def told_operation(told: ToldType, schema: Callable[[Any], Any]) -> dict[str, Any]:
    """One entry of `webhooks`. `schema` gives that of a model."""
    body = {
        "type": "object",
        "required": ["id", "type", "timestamp", "data"],
        "properties": {
            "id": {"type": "string", "format": "uuid", "description": "As in webhook-id."},
            "type": {"const": told.name},
            "timestamp": {"type": "string", "format": "date-time", "description": "When it happened."},
            "data": schema(told.model),
        },
    }
    return {
        "post": {
            "operationId": f"told_{told.name.replace('.', '_')}",
            "tags": [TAG["name"]],
            "summary": told.title["en"],
            "description": told.about,
            "x-permission": told.permission,
            "parameters": [
                {"name": name, "in": "header", "required": True, "schema": {"type": "string"}, "description": text}
                for name, text in _HEADERS.items()
            ],
            "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
            "responses": {status: {"description": text} for status, text in _ANSWERS.items()},
            "security": [],
        }
    }

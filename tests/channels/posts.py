"""Deliveries made by hand and posted to the webhook: bytes, signature and headers are the test's to choose."""

from __future__ import annotations

import itertools
import time
from typing import Any

import aiohttp
import orjson

from bot.demo.people import DemoOrganization
from channels.whatsapp.signature import HEADER, sign
from tests.support.world import World

__all__ = ["delivery", "item", "post", "status"]

_wamids = itertools.count(1)


def item(
    text: str | None = "hi", *, phone: str | None = "254711000001", user_id: str | None = None, **changes: Any
) -> dict[str, Any]:
    """One element of `messages`; a key that is set to None is left out."""
    made = {
        "from": phone,
        "from_user_id": user_id,
        "id": f"wamid.{next(_wamids):08d}",
        "timestamp": str(int(time.time())),
        "type": "text",
        "text": None if text is None else {"body": text},
        **changes,
    }
    return {key: each for key, each in made.items() if each is not None}


def status(wamid: str, state: str, *, at: int = 0, opaque: str | None = None, **more: Any) -> dict[str, Any]:
    made = {
        "id": wamid,
        "status": state,
        "timestamp": str(at or int(time.time())),
        "recipient_id": "254711000001",
        "biz_opaque_callback_data": opaque,
        **more,
    }
    return {key: each for key, each in made.items() if each is not None}


def delivery(*changes: tuple[DemoOrganization, dict[str, Any]], contacts: list[dict[str, Any]] | None = None) -> bytes:
    """One POST body; each change is (organization, what its value holds besides the envelope)."""
    return orjson.dumps(
        {
            "object": "whatsapp_business_account",
            "entry": [
                {
                    "id": person.waba_id,
                    "changes": [
                        {
                            "field": "messages",
                            "value": {
                                "messaging_product": "whatsapp",
                                "metadata": {
                                    "display_phone_number": person.display_phone_number,
                                    "phone_number_id": person.phone_number_id,
                                },
                                **({"contacts": contacts} if contacts else {}),
                                **value,
                            },
                        }
                    ],
                }
                for person, value in changes
            ],
        }
    )


async def post(
    world: World, body: Any, *, secret: str | None = None, header: str | None = None, path: str = "/webhooks/whatsapp"
) -> int:
    """The answer's status. Signed with `secret`, by default the first organization's; `header` replaces the signature, "" leaves it out."""
    if header is None:
        header = sign(body, (secret or world.people[0].app_secret).encode())
    headers = {"Content-Type": "application/json", **({HEADER: header} if header else {})}
    async with (
        aiohttp.ClientSession() as session,
        session.post(world.web_url + path, data=body, headers=headers) as answer,
    ):
        await answer.read()
        return answer.status

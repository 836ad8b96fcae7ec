"""Texts to phones by one HTTP call, in the form that the settings say: most providers take one."""

from __future__ import annotations

import logging

import aiohttp

from bot.errors import Permanent, Retryable
from bot.identity.settings import SmsSettings

__all__ = ["send_sms"]

log = logging.getLogger(__name__)

RETRY_AFTER_S = 30.0
BUSY = frozenset({408, 425, 429})


async def send_sms(settings: SmsSettings, phone: str, text: str) -> None:
    """
    Raises:
        Retryable: nobody answers, 5xx, or too many requests.
        Permanent: the provider says no, or none is set.
    """
    if not settings.url:
        raise Permanent("no SMS provider is set; give its address in CHATNATION__SMS__URL")
    values = {"to": phone, "text": text, "sender": settings.sender}
    body = {key: _filled(template, values) for key, template in settings.body.items()}
    headers = {"Authorization": f"Bearer {settings.token.get_secret_value()}"} if settings.token else {}
    timeout = aiohttp.ClientTimeout(total=settings.timeout_s)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.post(settings.url, json=body, headers=headers, allow_redirects=False) as response,
        ):
            status = response.status
            retry_after = response.headers.get("Retry-After", "")
    except (aiohttp.ClientError, TimeoutError) as e:
        raise Retryable("the SMS provider does not answer", after_s=RETRY_AFTER_S) from e
    if status in BUSY or status >= 500:
        raise Retryable(
            f"the SMS provider is busy (HTTP {status})",
            after_s=float(retry_after) if retry_after.isdigit() else RETRY_AFTER_S,
        )
    if status >= 300:
        raise Permanent(f"the SMS provider refuses the text (HTTP {status}); see CHATNATION__SMS__TOKEN and ..BODY")
    log.info("text sent")


def _filled(template: str, values: dict[str, str]) -> str:
    """Names in braces; in one pass, so that braces in a text stay what they are."""
    parts = template.split("{")
    filled = [parts[0]]
    for part in parts[1:]:
        name, closed, rest = part.partition("}")
        filled.append(values[name] + rest if closed and name in values else "{" + part)
    return "".join(filled)

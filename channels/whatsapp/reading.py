"""What the management side of the Graph API says, read into our own terms."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bot.provider import NumberFacts, TemplateFacts
from channels.whatsapp.client import Refused, Throttled, Unknown, Unreached
from channels.whatsapp.errors import meaning
from channels.whatsapp.lenient import as_dict, as_list, moment, text

__all__ = ["NUMBER_FIELDS", "TEMPLATE_FIELDS", "Failed", "expiry", "proof", "read_number", "read_template", "said"]

NUMBER_FIELDS = (
    "verified_name,display_phone_number,quality_rating,status,code_verification_status,platform_type,account_mode,throughput,"
    "whatsapp_business_manager_messaging_limit,health_status"
)
TEMPLATE_FIELDS = "id,name,language,status,category,parameter_format,components,quality_score,rejected_reason"
_NEVER = ("", "0")

Failed = Refused | Throttled | Unknown | Unreached


def proof(secret: str, token: str) -> str:
    """Meta's `appsecret_proof`: right only if the secret is that of the token's app."""
    return hmac.digest(secret.encode(), token.encode(), "sha256").hex()


def expiry(token: Mapping[str, Any]) -> datetime | None:
    """Of `debug_token`'s data; None: it never expires."""
    return None if text(token.get("expires_at")) in _NEVER else moment(token.get("expires_at"))


def read_number(number: Mapping[str, Any]) -> NumberFacts:
    return NumberFacts(
        verified_name=text(number.get("verified_name"))[:200],
        display_phone_number=text(number.get("display_phone_number"))[:32],
        quality=text(number.get("quality_rating"))[:12],
        status=text(number.get("status"))[:24],
        messaging_limit=text(number.get("whatsapp_business_manager_messaging_limit"))[:24],
        can_send=text(as_dict(number.get("health_status")).get("can_send_message"))[:12],
        mode=text(number.get("account_mode"))[:12],
        platform=text(number.get("platform_type"))[:20],
        throughput=text(as_dict(number.get("throughput")).get("level"))[:20],
    )


def read_template(each: Mapping[str, Any]) -> TemplateFacts:
    reason = text(each.get("rejected_reason"))
    return TemplateFacts(
        external_id=text(each.get("id"))[:64],
        name=text(each.get("name"))[:512],
        language=text(each.get("language"))[:16],
        category=text(each.get("category"))[:24],
        status=text(each.get("status"))[:24],
        quality=text(as_dict(each.get("quality_score")).get("score"))[:12],
        reason="" if reason == "NONE" else reason[:300],
        parameter_format=text(each.get("parameter_format"))[:12] or "POSITIONAL",
        components=[as_dict(part) for part in as_list(each.get("components"))],
    )


def said(answer: Failed) -> dict[str, str]:
    """An answer without success, for people. Ours, not the provider's words: those may quote what they were given."""
    match answer:
        case Refused(code=None, http_status=status):
            return _both(
                f"Something that is not Meta answered HTTP {status}", f"Kitu kisicho Meta kimejibu HTTP {status}"
            )
        case Refused(code=code, subcode=subcode, fbtrace_id=trace):
            number = f"{code}/{subcode}" if subcode else f"{code}"
            why = meaning(code)
            tail = f" [{trace}]" if trace else ""
            return _both(f"Meta refused with {number}: {why}{tail}", f"Meta imekataa kwa {number}: {why}{tail}")
        case Throttled(after_s=after_s):
            return _both(
                f"Meta says: too many questions; ask again in {after_s:.0f} s",
                f"Meta inasema: maswali mengi mno; uliza tena baada ya sekunde {after_s:.0f}",
            )
        case Unreached(reason=reason):
            return _both(f"Meta could not be reached ({reason})", f"Meta haikufikiwa ({reason})")
        case Unknown(reason=reason):
            return _both(f"No answer that can be read ({reason})", f"Hakuna jibu linalosomeka ({reason})")
    raise AssertionError(f"unknown answer {type(answer).__name__}")


def _both(english: str, swahili: str) -> dict[str, str]:
    return {"en": english, "sw": swahili}

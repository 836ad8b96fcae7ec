"""State as the control API and the page show it: JSON without secrets."""

from typing import Any

from channels.emulator.options import options_of
from channels.emulator.state import Message, Number, Template, User


def message_view(message: Message) -> dict[str, Any]:
    return {
        "id": message.id,
        "seq": message.seq,
        "direction": message.direction,
        "phone_number_id": message.phone_number_id,
        "wa_id": message.wa_id,
        "type": message.kind,
        "content": message.content,
        "text": message.text,
        "rendered": message.rendered if message.direction == "out" else None,
        "options": [o.as_json() for o in options_of(message)],
        "context_id": message.context_id,
        "at": message.at,
        "timestamp": message.timestamp,
        "status": message.status,
        "times": message.times,
        "visible_at": message.visible_at,
        "error": message.error,
        "opaque": message.opaque,
        "attempts": len(message.attempts),
        "acked_at": message.acked_at,
        "marks": list(message.marks),
        "outside_window": message.outside_window,
    }


def user_view(user: User) -> dict[str, Any]:
    return {
        "wa_id": user.wa_id,
        "name": user.name,
        "username": user.username,
        "hide_phone": user.hide_phone,
        "auto_read": user.auto_read,
        "online": user.online,
        "on_whatsapp": user.on_whatsapp,
        "user_ids": user.bsuids,
        "opted_out": sorted(user.opted_out),
        "blocked": sorted(user.blocked),
    }


def number_view(number: Number) -> dict[str, Any]:
    settings = number.settings
    return {
        "phone_number_id": settings.phone_number_id,
        "waba_id": settings.waba_id,
        "display_phone_number": settings.display_phone_number,
        "name": settings.name,
        "portfolio_id": settings.portfolio,
        "webhook_url": number.webhook_url,
        "quality": number.quality,
        "status": number.status,
        "subscribed": number.subscribed,
        "token_problem": number.token_problem,
        "throughput_per_s": settings.throughput_per_s,
        "messaging_limit": settings.messaging_limit,
    }


def template_view(template: Template) -> dict[str, Any]:
    return {
        "id": template.id,
        "name": template.name,
        "language": template.language,
        "status": template.status,
        "category": template.category,
        "parameter_format": template.parameter_format,
        "components": template.components,
        "quality_score": {"score": template.quality},
        "rejected_reason": template.rejected_reason,
    }

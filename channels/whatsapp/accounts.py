"""Fields that concern an account, a number or a template: the change's `value` is one event by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from channels.whatsapp.envelope import Place
from channels.whatsapp.events import AccountEvent, Event, FlowHealthEvent, QualityEvent, TemplateEvent
from channels.whatsapp.lenient import as_dict, moment, text

__all__ = ["READERS"]


def template(place: Place, value: dict[str, Any]) -> Event:
    """The five template fields. `message_template_id` is a JSON number beyond 2^53: kept as its digits."""
    return TemplateEvent(
        **place.common(value),
        template_id=text(value.get("message_template_id")),
        name=text(value.get("message_template_name")),
        language=text(value.get("message_template_language")),
        event=text(value.get("event")),
        reason=text(value.get("reason")) or text(as_dict(value.get("rejection_info")).get("reason")),
        previous=text(value.get("previous_category")) or text(value.get("previous_quality_score")),
        current=text(value.get("new_category")) or text(value.get("new_quality_score")) or text(value.get("category")),
        correct_category=text(value.get("correct_category")),
    )


def account(place: Place, value: dict[str, Any]) -> Event:
    """`event` is Meta's word for it; fields without one say the same as `decision`, `alert_type` or `status`."""
    spellings = ("event", "decision", "alert_type", "status", "type")
    return AccountEvent(
        **place.common(value, timestamp=moment(value.get("timestamp"))),
        event=next((text(value[name]) for name in spellings if text(value.get(name))), ""),
        display_phone_number=text(value.get("display_phone_number")) or text(value.get("phone_number")),
        reason=text(value.get("rejection_reason"))
        or text(value.get("alert_description"))
        or text(as_dict(value.get("violation_info")).get("violation_type"))
        or text(as_dict(value.get("ban_info")).get("waba_ban_state")),
    )


_LIMIT_NAMES = (
    "max_daily_conversations_per_business",
    "max_daily_conversation_per_phone",  # before the limit was the portfolio's
    "max_daily_conversations_per_phone",
    "current_limit",  # removed in February 2026
)


def quality(place: Place, value: dict[str, Any]) -> Event:
    return QualityEvent(
        **place.common(value),
        event=text(value.get("event")),
        display_phone_number=text(value.get("display_phone_number")),
        limit=next((text(value[name]) for name in _LIMIT_NAMES if text(value.get(name))), ""),
    )


def flow_health(place: Place, value: dict[str, Any]) -> Event:
    return FlowHealthEvent(
        **place.common(value, timestamp=moment(value.get("timestamp"))),
        event=text(value.get("event")),
        flow_id=text(value.get("flow_id")),
        message=text(value.get("message")),
        previous=text(value.get("old_status")),
        current=text(value.get("new_status")),
        alert_state=text(value.get("alert_state")),
    )


READERS: dict[str, Callable[[Place, dict[str, Any]], Event]] = {
    "message_template_status_update": template,
    "message_template_quality_update": template,
    "message_template_components_update": template,
    "template_category_update": template,
    "template_correct_category_detection": template,
    "account_alerts": account,
    "account_review_update": account,
    "account_update": account,
    "account_settings_update": account,
    "business_username_updates": account,
    "phone_number_name_update": account,
    "payment_configuration_update": account,
    "partner_solutions": account,
    "security": account,
    "business_capability_update": quality,
    "phone_number_quality_update": quality,
    "flows": flow_health,
}

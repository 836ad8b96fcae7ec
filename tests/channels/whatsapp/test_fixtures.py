"""Every webhook field and inbound type of the contract, in old and new spelling, becomes the typed event it is."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from channels.whatsapp.inbound import Event, UnknownEvent, storable
from tests.channels.whatsapp.deliveries import FIXTURES, NUMBER, events, fixture

# Contract section 1.1.
FIELDS = [
    "messages",
    "message_echoes",
    "smb_message_echoes",
    "smb_app_state_sync",
    "history",
    "standby",
    "messaging_handovers",
    "calls",
    "user_preferences",
    "message_template_status_update",
    "message_template_quality_update",
    "message_template_components_update",
    "template_category_update",
    "template_correct_category_detection",
    "account_alerts",
    "account_review_update",
    "account_update",
    "account_settings_update",
    "business_capability_update",
    "business_username_updates",
    "phone_number_name_update",
    "phone_number_quality_update",
    "payment_configuration_update",
    "partner_solutions",
    "security",
    "automatic_events",
    "flows",
    "group_lifecycle_update",
    "group_participants_update",
    "group_settings_update",
    "group_status_update",
]
# Contract section 2.
TYPES = [
    "text",
    "image",
    "video",
    "sticker",
    "document",
    "audio",
    "voice",
    "location",
    "contacts",
    "interactive",
    "button",
    "order",
    "reaction",
    "system",
    "unsupported",
    "request_welcome",
    "edit",
    "revoke",
    "ephemeral",
    "unknown",
]

# Per delivery: the kind of each event, and what of its typed parts a reader would check first.
EXPECTED: dict[str, list[tuple[str, str]]] = {
    "account_alerts": [("account", "event='OBA_APPROVED'")],
    "account_review_update": [("account", "event='APPROVED'")],
    "account_settings_update": [("account", "event='phone_number_settings'")],
    "account_update": [("account", "reason='SPAM'")],
    "automatic_events": [("automatic", "name='LeadSubmitted'")],
    "business_capability_update": [("quality", "limit='TIER_2K'")],
    "business_capability_update_old": [("quality", "limit='100000'")],
    "business_username_updates": [("account", "event='approved'")],
    "calls": [("call", "event='connect'")],
    "calls_status": [("call", "event='RINGING'")],
    "calls_terminate": [("call", "opaque='call-1'"), ("error", "code=138001")],
    "dashboard_test": [("message", "profile_name='test user name'")],
    "errors_out_of_band": [("error", "details='Message failed to send'")],
    "field_of_tomorrow": [("unknown", "beams in the field holograms"), ("unknown", "beams in the field holograms")],
    "field_of_tomorrow_scalar": [("unknown", "nothing is known of the field weather")],
    "flows": [("flow_health", "current='THROTTLED'")],
    "flows_latency": [("flow_health", "alert_state='ACTIVATED'")],
    "group_lifecycle_update": [("group", "event='group_create'")],
    "group_participants_update": [("group", "event='group_participants_add'")],
    "group_settings_update": [("group", "group_id='Y2Fw'")],
    "group_status_update": [("group", "event='group_suspend'")],
    "history": [("history", "text='Old'"), ("history", "from_us=True"), ("history", "what='media_placeholder'")],
    "history_declined": [("history", "code=2593109")],
    "history_media": [("history", "media_id='1003383421387256'")],
    "message_audio": [("message", "<MediaKind.AUDIO")],
    "message_bsuid_only": [("message", "Sender(wa_id='', user_id='KE.9182736450', parent_user_id='KE.ENT.77'")],
    "message_button_reply": [
        ("message", "Choice(type='choice', option_id='s1.2.3.1.mac', title='Register', source='button')")
    ],
    "message_call_permission": [("message", "what='call_permission_reply'")],
    "message_contact_request": [
        ("message", "phones=('+254712000001',), emails=(), organization=''),), requested=True")
    ],
    "message_contacts": [("message", "ContactCard(name='Otieno Ouma', phones=('+254722000002', '020 123')")],
    "message_document": [("message", "filename='invoice 7.pdf', caption='Invoice'")],
    "message_echoes": [("echo", "<MediaKind.IMAGE")],
    "message_edit": [("edit", "original_message_id='wamid.ORIGINAL', message=Text(type='text', text='Corrected'")],
    "message_ephemeral": [("message", "what='ephemeral'")],
    "message_form_reply": [("message", "response={'flow_token': 'tok-1', 'age': 31, 'city': 'Kisumu'}, token='tok-1'")],
    "message_form_reply_broken": [("message", "response='{\"flow_token\":', token=''")],
    "message_form_reply_list": [("message", "response=[1, 2], token=''")],
    "message_group": [("message", "group_id='Y2FwaV9ncm91cDox'")],
    "message_image": [("message", "mime_type='image/jpeg', sha256='SfInY0gGKTsJlUWbwxC1k+FAD0FZHvzwfpvO0zX0GUI='")],
    "message_list_reply": [("message", "option_id='s1.2.3.2.mac', title='VIP', source='list'")],
    "message_location": [("message", "latitude=-1.2921, longitude=36.8219, name='KICC'")],
    "message_location_strings": [("message", "latitude=-1.2921, longitude=36.8219, name=''")],
    "message_of_tomorrow": [("message", "what='hologram'")],
    "message_order": [("message", "what='order'")],
    "message_payment_method": [("message", "what='payment_method'")],
    "message_phone_only": [("message", "Sender(wa_id='254712000001', user_id=''")],
    "message_placeholder_timestamp": [("message", "timestamp=None")],
    "message_quick_reply": [("message", "option_id='stop-promotions', title='Stop promotions', source='quick_reply'")],
    "message_reaction": [("message", "Reaction(type='reaction', message_id='wamid.ORIGINAL', emoji='👍🏿')")],
    "message_reaction_removed": [("message", "message_id='wamid.ORIGINAL', emoji='')")],
    "message_request_welcome": [("message", "wa_type='request_welcome'")],
    "message_revoke": [("revoke", "original_message_id='wamid.ORIGINAL'")],
    "message_sticker": [("message", "<MediaKind.STICKER")],
    "message_template_components_update": [("template", "name='order_confirmation'")],
    "message_template_quality_update": [("template", "previous='GREEN', current='YELLOW'")],
    "message_template_status_update": [("template", "template_id='12345678901234567890'")],
    "message_template_status_update_deleted": [("template", "event='PENDING_DELETION', reason=''")],
    "message_template_status_update_paused": [("template", "event='PAUSED'")],
    "message_template_status_update_rejected": [("template", "reason='INVALID_FORMAT'")],
    "message_text": [("message", "text='Habari 👋 — naomba tiketi'")],
    "message_text_forwarded": [
        ("message", "Context(message_id='', sender_id='', forwarded=True, frequently_forwarded=True")
    ],
    "message_text_product": [("message", "product_id='di9ozbzfi4'")],
    "message_text_referral": [("message", "click_id='ARA1_ckE', welcome_text='Hi there!'")],
    "message_text_reply": [("message", "Context(message_id='wamid.ORIGINAL', sender_id='15550783881'")],
    "message_unknown_old": [("message", "what='unknown'")],
    "message_unsupported": [("message", "what='poll_creation'")],
    "message_unsupported_old": [("message", "details='Message type is not currently supported'")],
    "message_video": [("message", "<MediaKind.VIDEO")],
    "message_voice_note": [("message", "<MediaKind.VOICE")],
    "message_voice_old": [("message", "<MediaKind.VOICE")],
    "message_without_contacts": [("message", "profile_name=''")],
    "message_without_type": [("message", "text='No type'")],
    "messages_and_statuses": [("message", "text='Both'"), ("status", "status='read'")],
    "messaging_handovers": [("handover", "action='pass_thread_control', previous_owner='111', new_owner='222'")],
    "partner_solutions": [("account", "event='SOLUTION_CREATED'")],
    "payment_configuration_update": [("account", "event='Needs Connecting'")],
    "phone_number_name_update": [("account", "reason='NAME_NOT_CONSISTENT'")],
    "phone_number_quality_update": [
        ("quality", "event='THROUGHPUT_UPGRADE', display_phone_number='15550783881', limit='TIER_UNLIMITED'")
    ],
    "phone_number_quality_update_old": [("quality", "limit='TIER_10K'")],
    "security": [("account", "event='PIN_RESET_REQUEST'")],
    "smb_app_state_sync": [("contact_sync", "full_name='Otieno Ouma'"), ("contact_sync", "action='remove'")],
    "smb_message_echoes": [("echo", "recipient=Sender(wa_id='254712000001'")],
    "smb_message_echoes_edit": [("echo", "action='edit', original_message_id='wamid.E'")],
    "smb_message_echoes_revoke": [("echo", "action='revoke', original_message_id='wamid.E'")],
    "standby": [("standby", "text='To the agent'")],
    "status_bsuid_only": [("status", "recipient=Sender(wa_id='', user_id='KE.9182736450'")],
    "status_deleted": [("status", "status='deleted'")],
    "status_delivered": [("status", "opaque='outbox-7'")],
    "status_failed": [("status", "ErrorInfo(code=131047")],
    "status_group": [("status", "participant_id='254712000005'"), ("status", "participant_id='254712000006'")],
    "status_of_tomorrow": [("status", "status='teleported'")],
    "status_played": [("status", "status='played'")],
    "status_read": [("status", "status='read'")],
    "status_sent": [("status", "Pricing(model='PMP', type='regular', category='utility', billable=True)")],
    "status_sent_old": [("status", "conversation_id='c0nv'")],
    "status_warning": [("status", "status='warning'")],
    "system_changed_number": [("system", "change='user_changed_number'")],
    "system_changed_number_old": [("system", "current=Sender(wa_id='254712000009'")],
    "system_changed_user_id": [
        ("system", "current=Sender(wa_id='254712000009', user_id='KE.5555', parent_user_id='KE.ENT.2'")
    ],
    "system_identity_changed": [("system", "identity_key_hash='DF2lS5v2W6x='")],
    "template_category_update": [("template", "previous='UTILITY', current='MARKETING'")],
    "template_category_update_impending": [("template", "correct_category='MARKETING'")],
    "template_correct_category_detection": [("template", "current='UTILITY', correct_category='MARKETING'")],
    "user_actions": [("user_action", "detail={'tracking_token': 't0k'")],
    "user_preferences": [("user_preference", "value='stop', category='marketing_messages'")],
    "user_preferences_signup": [("user_preference", "value='signup'")],
    "batch_of_several_accounts": [
        ("message", "text='1'"),
        ("unknown", "an item of messages that is no object"),
        ("message", "what='hologram'"),
        ("unknown", "a message without sender"),
        ("message", "text='4'"),
        ("unknown", "a change without a value"),
        ("status", "phone_number_id='777', waba_id='998'"),
        ("status", "status='read'"),
        ("account", "event='APPROVED'"),
        ("unknown", "an entry that is no object"),
    ],
}


@pytest.mark.parametrize("name", FIXTURES)
def test_a_delivery_becomes_the_events_it_holds(name: str) -> None:
    found = fixture(name)

    assert [event.kind.value for event in found] == [kind for kind, _ in EXPECTED[name]]
    for event, (_, part) in zip(found, EXPECTED[name], strict=True):
        assert part in repr(event)


def test_every_field_and_type_of_the_contract_has_a_delivery() -> None:
    found = [event for name in FIXTURES for event in fixture(name) if not isinstance(event, UnknownEvent)]

    assert set(FIELDS) <= {event.field for event in found}
    assert set(TYPES) <= {event.raw.get("type") for event in found}


def test_every_delivery_has_an_expectation() -> None:
    assert set(EXPECTED) == set(FIXTURES)


Change = Callable[[dict[str, Any]], None]


def without_contacts(value: dict[str, Any]) -> None:
    value.pop("contacts", None)


def without_phone(value: dict[str, Any]) -> None:
    for item in items(value):
        if "from_user_id" in item:
            item.pop("from", None)
        if "recipient_user_id" in item:
            item.pop("recipient_id", None)


def with_foreign_contacts(value: dict[str, Any]) -> None:
    value["contacts"] = [None, 7, {"wa_id": "1", "profile": None}, {"user_id": ["x"]}]


def with_odd_timestamps(value: dict[str, Any]) -> None:
    for odd, item in zip(cycle_of_oddities(), items(value), strict=False):
        item["timestamp"] = odd


def with_new_fields(value: dict[str, Any]) -> None:
    value["brand_new"] = {"x": 1}
    for item in items(value):
        item["brand_new"] = [{"y": None}]


def cycle_of_oddities() -> Iterator[Any]:
    while True:
        yield from ("TIMESTAMP", -5, 1e300, None, {"s": 1}, "1763800000000", True)


def items(value: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for listed in value.values():
        if isinstance(listed, list):
            yield from (item for item in listed if isinstance(item, dict))


@pytest.mark.parametrize(
    "change", [without_contacts, without_phone, with_foreign_contacts, with_odd_timestamps, with_new_fields]
)
@pytest.mark.parametrize("name", FIXTURES)
def test_what_meta_may_leave_out_or_add_loses_no_event(name: str, change: Change) -> None:
    body = json.loads(FIXTURES[name])
    for entry in body["entry"]:
        for one in entry["changes"] if isinstance(entry, dict) else []:
            if isinstance(one["value"], dict):
                change(one["value"])

    assert [event.kind.value for event in events(body)] == [kind for kind, _ in EXPECTED[name]]


@pytest.mark.parametrize("name", FIXTURES)
def test_any_value_in_any_place_raises_nothing_and_leaves_an_event(name: str) -> None:
    body = json.loads(FIXTURES[name])
    for place in places(body):
        for odd in (None, [], {}, "", 0, -1.5, True, [None], [[]], {"x": {}}, "\x00\ud83d", 10**25):
            found = events(put(body, place, odd))
            assert len(found) >= 1 or odd in ([], {}), place
            for event in found:
                assert isinstance(event, Event)
                assert json.loads(storable(event.raw)) is not None
                assert len(event.external_id) <= 255


def places(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, child in children:
        yield (*path, key)
        yield from places(child, (*path, key))


def put(body: Any, path: tuple[Any, ...], value: Any) -> Any:
    changed = copy.deepcopy(body)
    node = changed
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = value
    return changed


def test_the_number_and_the_account_are_read_from_where_each_field_has_them() -> None:
    assert {(e.phone_number_id, e.waba_id) for e in fixture("message_text")} == {(NUMBER, "102290129340398")}
    assert {(e.phone_number_id, e.waba_id) for e in fixture("account_update")} == {("", "102290129340398")}

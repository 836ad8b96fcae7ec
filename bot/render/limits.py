"""WhatsApp's limits, in one place. Source: Cloud API reference, messages (contract sections 5 and 6).

Lengths count characters as `size` does: the larger of code points and UTF-16 units, since Meta does not say which it
counts and an emoji is one of the former and two of the latter.
"""

from __future__ import annotations

__all__ = [
    "BUTTONS_BODY",
    "BUTTONS_MAX",
    "BUTTON_ID",
    "BUTTON_TITLE",
    "CAPTION",
    "CONTACT_CARDS",
    "CTA_BODY",
    "CTA_LABEL",
    "CTA_URL",
    "FLOW_BODY",
    "FLOW_LABEL",
    "FOOTER",
    "HEADER_TEXT",
    "LIST_BODY",
    "LIST_BUTTON",
    "LIST_ROWS",
    "LOCATION_REQUEST_BODY",
    "MESSAGE_ID",
    "OPAQUE",
    "ROW_DESCRIPTION",
    "ROW_ID",
    "ROW_TITLE",
    "SECTION_TITLE",
    "TEMPLATE_NAME",
    "TEXT_BODY",
    "size",
]

TEXT_BODY = 4096
CAPTION = 1024  # image, video, document; audio and stickers have none

HEADER_TEXT = 60
FOOTER = 60

BUTTONS_BODY = 1024
BUTTONS_MAX = 3
BUTTON_TITLE = 20  # unique within the message
BUTTON_ID = 256

LIST_BODY = 4096
LIST_BUTTON = 20
LIST_ROWS = 10  # in all sections together
SECTION_TITLE = 24
ROW_TITLE = 24
ROW_DESCRIPTION = 72
ROW_ID = 200

CTA_BODY = 1024
CTA_LABEL = 20
CTA_URL = 2000

LOCATION_REQUEST_BODY = 1024

FLOW_BODY = 1024
FLOW_LABEL = 20  # 20 or 30, Meta contradicts itself: the smaller holds in both

CONTACT_CARDS = 5

TEMPLATE_NAME = 512
MESSAGE_ID = 255
OPAQUE = 512  # biz_opaque_callback_data


def size(text: str) -> int:
    """Characters as the limits count them: UTF-16 units, which are never fewer than code points."""
    if text.isascii():
        return len(text)
    return len(text) + sum(ch > "\uffff" for ch in text)

"""Message templates of the demo's WhatsApp accounts, as Meta would list them: approved, waiting, refused, paused."""

from __future__ import annotations

from typing import Any

__all__ = ["TEMPLATES"]


def _body(text: str, *examples: str) -> dict[str, Any]:
    found: dict[str, Any] = {"type": "BODY", "text": text}
    return found | {"example": {"body_text": [list(examples)]}} if examples else found


TEMPLATES: tuple[dict[str, Any], ...] = (
    {
        "name": "hello_world",
        "language": "en",
        "category": "UTILITY",
        "quality": "GREEN",
        "components": [
            {"type": "HEADER", "format": "TEXT", "text": "Hello"},
            _body("Welcome. This message shows that your number is connected."),
            {"type": "FOOTER", "text": "Sent by way of the Cloud API"},
        ],
    },
    {
        "name": "ticket_ready",
        "language": "en",
        "category": "UTILITY",
        "quality": "GREEN",
        "components": [
            {"type": "HEADER", "format": "TEXT", "text": "Your ticket"},
            _body(
                "Hello {{1}}, your ticket for *{{2}}* is ready. Show its QR code at the door.", "Asha", "Night Market"
            ),
            {"type": "FOOTER", "text": "Reply STOP to hear no more"},
            {
                "type": "BUTTONS",
                "buttons": [
                    {"type": "QUICK_REPLY", "text": "Show my ticket"},
                    {
                        "type": "URL",
                        "text": "Directions",
                        "url": "https://savanna.example/map/{{1}}",
                        "example": ["https://savanna.example/map/night-market"],
                    },
                ],
            },
        ],
    },
    {
        "name": "ticket_ready",
        "language": "sw",
        "category": "UTILITY",
        "quality": "GREEN",
        "components": [
            _body(
                "Habari {{1}}, tiketi yako ya *{{2}}* iko tayari. Onyesha msimbo wake wa QR mlangoni.",
                "Asha",
                "Soko la Usiku",
            )
        ],
    },
    {
        "name": "doors_open",
        "language": "en",
        "category": "UTILITY",
        "parameter_format": "NAMED",
        "quality": "YELLOW",
        "components": [
            {
                "type": "BODY",
                "text": "Hello {{first_name}}, doors open at {{time}} today. Bring an ID, and come early: parking fills up by noon.",
                "example": {
                    "body_text_named_params": [
                        {"param_name": "first_name", "example": "Asha"},
                        {"param_name": "time", "example": "9:00"},
                    ]
                },
            }
        ],
    },
    {
        "name": "early_bird",
        "language": "en",
        "category": "MARKETING",
        "status": "PAUSED",
        "quality": "RED",
        "components": [_body("Early-bird tickets for {{1}} end on {{2}}. Want one?", "Tech Mashinani", "Friday")],
    },
    {
        "name": "win_a_phone",
        "language": "en",
        "category": "MARKETING",
        "status": "REJECTED",
        "rejected_reason": "PROMOTIONAL",
        "components": [_body("You have won! Click now to claim your phone.")],
    },
    {
        "name": "feedback",
        "language": "en",
        "category": "MARKETING",
        "status": "PENDING",
        "components": [_body("How was {{1}}? Two questions, one minute.", "the Night Market")],
    },
)

"""Who is in the demo. Numbers and ids are made up; secrets are made once per data folder."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from bot.demo.templates import TEMPLATES
from store.ids import uuid7

__all__ = ["DemoOrganization", "prepare", "read"]


@dataclass(frozen=True, slots=True)
class DemoOrganization:
    """One organization as `chatnation demo info --json` prints it, and a little more."""

    name: str
    slug: str
    locale: str
    skills: tuple[str, ...]
    organization_id: str
    account_id: str
    phone_number_id: str
    waba_id: str
    app_id: str
    app_secret: str
    verify_token: str
    access_token: str
    display_phone_number: str
    contact: dict[str, Any] = field(default_factory=dict)  # how people reach it outside of the chat

    @property
    def id(self) -> UUID:
        return UUID(self.organization_id)


_CAST: tuple[dict[str, Any], ...] = (
    {
        "name": "Savanna Events",
        "slug": "savanna",
        "locale": "en",
        "skills": ("assistant", "events"),
        "phone_number_id": "109876543210001",
        "waba_id": "209876543210001",
        "app_id": "309876543210001",
        "display_phone_number": "+254 700 000 001",
        "contact": {
            "phone": "+254 700 000 011",
            "email": "hello@savanna.example",
            "hours": {"en": "Monday to Friday, 9:00 – 17:00", "sw": "Jumatatu hadi Ijumaa, 9:00 – 17:00"},
        },
    },
    {
        "name": "Pwani Makers",
        "slug": "pwani",
        "locale": "sw",
        "skills": ("assistant", "events"),
        "phone_number_id": "109876543210002",
        "waba_id": "209876543210002",
        "app_id": "309876543210002",
        "display_phone_number": "+254 700 000 002",
        "contact": {
            "phone": "+254 700 000 012",
            "hours": {"en": "Every day, 8:00 – 18:00", "sw": "Kila siku, 8:00 – 18:00"},
        },
    },
)
_USERS = (
    {"wa_id": "254711000001", "name": "Asha Mwangi", "user_id": "KE.7f3a9c51d2e84b60"},
    {"wa_id": "254711000002", "name": "Brian Otieno", "user_id": "KE.1b8d40e6a7c35f92"},
)


def prepare(data: Path) -> list[DemoOrganization]:
    """Makes ids and secrets, once; writes `demo.json` (for clients) and `emulator.json` (for the emulator), both 0600."""
    if (data / "demo.json").exists():
        found = read(data)
    else:
        found = [
            DemoOrganization(
                **each,
                organization_id=str(uuid7()),
                account_id=str(uuid7()),
                app_secret=secrets.token_hex(16),
                verify_token=secrets.token_urlsafe(12),
                access_token=f"EAA{secrets.token_hex(24)}",
            )
            for each in _CAST
        ]
        _write(data / "demo.json", {"organizations": [asdict(each) for each in found]})
    numbers = [
        {
            "phone_number_id": each.phone_number_id,
            "waba_id": each.waba_id,
            "display_phone_number": each.display_phone_number,
            "name": each.name,
            "app_id": each.app_id,
            "app_secret": each.app_secret,
            "verify_token": each.verify_token,
            "access_token": each.access_token,
        }
        for each in found
    ]
    templates = [each | {"waba_id": person.waba_id} for person in found for each in TEMPLATES]
    _write(data / "emulator.json", {"numbers": numbers, "users": list(_USERS), "templates": templates})
    return found


def read(data: Path) -> list[DemoOrganization]:
    rows = json.loads((data / "demo.json").read_text())["organizations"]
    return [DemoOrganization(**{**row, "skills": tuple(row["skills"])}) for row in rows]


def _write(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(content, file, indent=2)
    fresh.replace(path)

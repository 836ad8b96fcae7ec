"""What people can be told of, and how they are unless they choose otherwise."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["KINDS", "Kind", "Way", "Words", "ways_of"]

Words = str | Mapping[str, str]


class Way(StrEnum):
    APP = "app"
    EMAIL = "email"


@dataclass(frozen=True, slots=True)
class Kind:
    title: Words
    icon: str
    permission: str = ""  # who may be told of such: others are not asked how
    ways: tuple[Way, ...] = (Way.APP,)
    is_platform: bool = False


KINDS: dict[str, Kind] = {
    "conversation.assigned": Kind(
        {"en": "A conversation is assigned to me", "sw": "Nimekabidhiwa mazungumzo"}, "person_add", "inbox.view"
    ),
    "conversation.waiting": Kind(
        {"en": "The bot hands a conversation to people", "sw": "Boti inakabidhi mazungumzo kwa watu"},
        "support_agent",
        "inbox.reply",
    ),
    "import.finished": Kind(
        {"en": "My import is finished", "sw": "Uingizaji wangu umekamilika"}, "upload_file", "contacts.import"
    ),
    "skill.published": Kind(
        {"en": "Somebody publishes a draft that I edited", "sw": "Mtu anachapisha rasimu niliyohariri"},
        "publish",
        "skills.edit",
    ),
    "failing": Kind(
        {"en": "A number, an endpoint or a job fails", "sw": "Namba, kiungo au kazi imeshindikana"},
        "error",
        "channels.view",
        (Way.APP, Way.EMAIL),
    ),
    "incident": Kind(
        {"en": "An incident of the platform", "sw": "Tukio la hitilafu la jukwaa"},
        "emergency",
        "platform.incidents",
        (Way.APP, Way.EMAIL),
        is_platform=True,
    ),
}


def ways_of(kind: str, chosen: Mapping[str, Collection[str]]) -> frozenset[Way]:
    """How somebody who chose so is told of it."""
    found = chosen.get(kind)
    return frozenset(KINDS[kind].ways if found is None else (way for way in Way if way in found))

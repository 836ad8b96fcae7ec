"""Which language a person is answered in: the message's own, while theirs stays until they write several in another.

A chat that began in one language does not flip on one sentence, and never without a word. Who has no language yet takes that of the first
message that tells one, as long as the chat is young. What was counted lies beside the engine's state in `sessions.state`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

__all__ = ["CHANGED", "SEVERAL", "WAY_BACK", "Tongue"]

SEVERAL = 3  # messages in a row in another language, until that is the person's
YOUNG = 2  # up to so many messages (a greeting, and a first sentence) a chat has no language of its own yet
CHANGED = "core:utter_language_changed"
WAY_BACK = {"en": "kiswahili", "sw": "english"}  # what that text says to write, by the language that it is in
KEY = "tongue"


class Heard(NamedTuple):
    """`now`: of this message alone; `keep`: the person's from now on, which `is_change` if it was another before."""

    now: str | None
    keep: str | None = None
    is_change: bool = False


@dataclass(slots=True)
class Tongue:
    """`messages`: heard so far, as far as it matters; `other` and `times`: the run of messages in another language."""

    messages: int = 0
    other: str = ""
    times: int = 0

    @classmethod
    def read(cls, state: Mapping[str, Any] | None) -> Tongue:
        kept = (state or {}).get(KEY) or {}
        return cls(int(kept.get("messages", 0)), str(kept.get("other", "")), int(kept.get("times", 0)))

    def to_json(self) -> dict[str, Any]:
        return {KEY: {"messages": self.messages, "other": self.other, "times": self.times}}

    def hear(self, language: str | None, *, own: str | None, usual: str, is_word: bool = False) -> Heard:
        """`language`: that the message tells, if any; `own`: the person's; `usual`: that they were answered in.

        A single word ("habari", "asante") changes nothing: people use both in one chat.
        """
        self.messages = min(self.messages + 1, YOUNG + 1)
        if language is None:
            return Heard(None)
        if own is None and self.messages <= YOUNG:
            return Heard(None, language)
        if is_word:
            return Heard(None)
        if language == usual.split("-")[0].lower():
            self.other, self.times = "", 0
            return Heard(None, language if own is None else None)
        self.times = self.times + 1 if self.other == language else 1
        self.other = language
        if self.times < SEVERAL:
            return Heard(language)
        self.other, self.times = "", 0
        return Heard(None, language, is_change=True)

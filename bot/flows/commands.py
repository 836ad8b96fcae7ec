"""What may be asked of the engine: a person's wishes, as understood, and what the host reports back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.flows.effects import Say, WaitFor

__all__ = [
    "ActionResult",
    "Answer",
    "Back",
    "CameBack",
    "Cancel",
    "CannotHandle",
    "ChitChat",
    "Clarify",
    "Command",
    "Error",
    "HandOff",
    "Help",
    "Knowledge",
    "OfferPerson",
    "Reopen",
    "Repeat",
    "Restart",
    "Resume",
    "Retry",
    "SessionStart",
    "SetSlot",
    "SkipQuestion",
    "StartFlow",
    "TimedOut",
    "Unsure",
    "Unusable",
    "UserText",
]


@dataclass(frozen=True, slots=True)
class StartFlow:
    """Starts a flow, unless its guard says no; `forced` (an explicit `/intent`) skips the guard."""

    flow: str
    forced: bool = False


@dataclass(frozen=True, slots=True)
class SetSlot:
    """A value for a slot of the running flow. `source`: user, button, nlu or llm; controlled slots take buttons only.

    `title`: what people call the value, where that is an id.
    """

    name: str
    value: Any
    source: str = "user"
    title: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Cancel:
    """Ends the running flow."""


@dataclass(frozen=True, slots=True)
class Clarify:
    """Which of these flows was meant?"""

    flows: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Repeat:
    """Says the last messages again."""


@dataclass(frozen=True, slots=True)
class SkipQuestion:
    """The person does not want to answer."""


@dataclass(frozen=True, slots=True)
class ChitChat:
    """Small talk."""


@dataclass(frozen=True, slots=True)
class Knowledge:
    """A question to the knowledge base."""

    query: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the knowledge base says to the person's question, and where; empty: it was searched, and says nothing."""

    text: str = ""
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HandOff:
    """The person wants to talk to a person."""


@dataclass(frozen=True, slots=True)
class OfferPerson:
    """The person sounds angry: whatever else happens, a human is offered."""


@dataclass(frozen=True, slots=True)
class CannotHandle:
    """Nothing usable was understood."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class Error:
    """The message cannot be worked with: `rasa_internal_error_user_input_too_long`, `..._empty`, or a fault of ours."""

    error_type: str = ""
    info: str = ""


@dataclass(frozen=True, slots=True)
class Help:
    """What the open question wants, and which words always work."""


@dataclass(frozen=True, slots=True)
class Unsure:
    """The person does not know what to answer."""


@dataclass(frozen=True, slots=True)
class Reopen:
    """An option of an earlier question was tapped. `flow` and `step` are those of the question, `values` what the option
    would set, `title` how it reads, `revision` the host's when it was shown."""

    flow: str
    step: str
    values: Mapping[str, Any] = field(default_factory=dict)
    title: str = ""
    revision: int = 0


@dataclass(frozen=True, slots=True)
class Restart:
    """Forgets everything and starts over."""


@dataclass(frozen=True, slots=True)
class Back:
    """To the question before this one."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Runs the step again that failed."""


@dataclass(frozen=True, slots=True)
class SessionStart:
    """A new session begins. What was open is closed, or with `keep` left as it stands, if it was half done;
    slots that no flow has reset are kept with `carry_over`. `metadata` becomes the slot `session_started_metadata`."""

    carry_over: bool = True
    keep: bool = False
    metadata: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class CameBack:
    """The person writes again after a long silence in the middle of a flow. Comes with the commands of the message: a plain
    answer is taken, anything else is met by where we were and whether to go on."""


@dataclass(frozen=True, slots=True)
class UserText:
    """What the person wrote, for a question that takes free text."""

    text: str


@dataclass(frozen=True, slots=True)
class Unusable:
    """A kind of message that the open question cannot use: image, voice, sticker, location, ..."""

    what: str


@dataclass(frozen=True, slots=True)
class ActionResult:
    """What the action asked for by the last RunAction did.

    `events` in rasa-sdk's dict form; `messages` may be responses by id (`Say(utter="utter_x", values={...})`);
    `failed` is the reason when it could not be run.
    """

    events: tuple[Mapping[str, Any], ...] | list[dict[str, Any]] = ()
    messages: tuple[Say, ...] | list[Say] = ()
    wait: WaitFor | None = None
    failed: str | None = None


@dataclass(frozen=True, slots=True)
class Resume:
    """The outside event that a flow waits for has happened."""

    event: str
    key: str
    slots: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TimedOut:
    """The outside event did not come in time."""

    event: str
    key: str


Command = (
    StartFlow
    | SetSlot
    | Cancel
    | Clarify
    | Repeat
    | SkipQuestion
    | ChitChat
    | Knowledge
    | Answer
    | HandOff
    | OfferPerson
    | CannotHandle
    | Error
    | Help
    | Unsure
    | Reopen
    | Restart
    | Back
    | Retry
    | SessionStart
    | CameBack
    | UserText
    | Unusable
    | ActionResult
    | Resume
    | TimedOut
)

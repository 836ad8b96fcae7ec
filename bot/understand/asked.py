"""What the conversation waits for: the open question, and the options that stand."""

from __future__ import annotations

from typing import NamedTuple

from bot.flows import Compiled, FlowState, Slot, Step, last_offered, open_question, open_step

__all__ = ["Asked", "read_asked", "takes_words"]


class Asked(NamedTuple):
    """`slot`: None when nothing is asked, or only the options count."""

    slot: Slot | None
    step: Step | None
    titles: tuple[str, ...]
    payloads: tuple[str, ...]

    @property
    def forced(self) -> bool:
        return self.step is not None and self.step.force_slot_filling

    @property
    def listens(self) -> bool:
        return self.step is not None and self.step.kind == "listen"

    @property
    def takes_any_text(self) -> bool:
        """An open question for any text; one with `accept` takes it only so that its rejection can say why not."""
        if self.slot is None:
            return self.listens
        return self.slot.type in ("text", "any") and self.slot.accept in ("", "text") and not self.slot.controlled


def read_asked(compiled: Compiled, state: FlowState) -> Asked:
    options = state.pending.options if state.pending is not None else last_offered(state)
    return Asked(
        open_question(compiled, state),
        open_step(compiled, state),
        tuple(option.title for option in options),
        tuple(option.payload for option in options),
    )


def takes_words(slot: Slot) -> bool:
    """Whether about any words may be the answer; a controlled slot takes what a tap, an entity or an action gives it."""
    return not slot.controlled and slot.type in ("text", "any") and slot.accept in ("", "text", "name")

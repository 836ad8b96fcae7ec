"""Which commands of a message count, before any of them is applied."""

from __future__ import annotations

from collections.abc import Sequence

from bot.flows.collect import PERSON_FROM
from bot.flows.commands import Cancel, CannotHandle, Command, HandOff, SetSlot, UserText
from bot.flows.look import open_step
from bot.flows.run import Run

__all__ = ["clean", "dropped"]


def clean(run: Run, commands: Sequence[Command]) -> Sequence[Command]:
    """With `force_slot_filling` only the answer; of several values for one slot the last."""
    return _last_values(run, _only_the_answer(run, commands))


def dropped(run: Run, command: Command, reason: str) -> None:
    run.log("command_dropped", command=type(command).__name__, reason=reason)


def _only_the_answer(run: Run, commands: Sequence[Command]) -> Sequence[Command]:
    """Whatever is said is the answer, and nothing else counts; but whoever was offered a person may take the offer, or leave."""
    top = run.top
    step = open_step(run.compiled, run.state) if run.state.pending and run.state.pending.slot else None
    if top is None or step is None or not step.force_slot_filling or not commands:
        return commands
    leaves = (HandOff, Cancel) if max(top.attempts, top.ctx.get("attempts", 0)) >= PERSON_FROM else ()
    kept = [c for c in commands if isinstance(c, leaves) or _answers(run, c, step.target)]
    for command in commands:
        if command not in kept:
            dropped(run, command, "force_slot_filling")
    return kept or [CannotHandle("force_slot_filling")]


def _answers(run: Run, command: Command, slot: str) -> bool:
    if isinstance(command, SetSlot):
        return run.compiled.slot_id(command.name, slot.partition(":")[0]) == slot
    return isinstance(command, UserText)


def _last_values(run: Run, commands: Sequence[Command]) -> Sequence[Command]:
    if len(commands) < 2:
        return commands
    last: dict[str, int] = {}
    for n, command in enumerate(commands):
        if isinstance(command, SetSlot):
            last[run.compiled.slot_id(command.name, run.skill_on_top()) or command.name] = n
    kept = []
    for n, command in enumerate(commands):
        if isinstance(command, SetSlot) and n not in last.values():
            dropped(run, command, "another value follows")
        else:
            kept.append(command)
    return kept

"""The dialogue engine: flows written in YAML, run without I/O, clock or randomness.

skill = load_skill("events", {"flows.yml": "...", "domain.yml": "..."})
compiled = compile_flows([skill])
step = advance(compiled, FlowState(), [StartFlow("events:register")], View(now=now))
step.state.to_json(), step.effects
"""

from __future__ import annotations

from bot.flows.commands import (
    ActionResult,
    Answer,
    Back,
    CameBack,
    Cancel,
    CannotHandle,
    ChitChat,
    Clarify,
    Command,
    Error,
    HandOff,
    Help,
    Knowledge,
    OfferPerson,
    Reopen,
    Repeat,
    Restart,
    Resume,
    Retry,
    SessionStart,
    SetSlot,
    SkipQuestion,
    StartFlow,
    TimedOut,
    Unsure,
    Unusable,
    UserText,
)
from bot.flows.compile import compile_flows
from bot.flows.diagnostics import Diagnostic
from bot.flows.effects import Button, Effect, HandOffRequested, Log, RunAction, Say, WaitFor
from bot.flows.engine import Advance, advance
from bot.flows.load import load_skill
from bot.flows.look import (
    Progress,
    SessionRules,
    can_start,
    last_offered,
    open_question,
    open_step,
    progress,
    question_below,
    running_skill,
    session_rules,
)
from bot.flows.model import Compiled, Flow, Slot, Step
from bot.flows.run import View
from bot.flows.sharing import compile_beside
from bot.flows.source import SkillSource
from bot.flows.state import FlowState, Frame, OfferedOption, Pending, Phase

__all__ = [
    "ActionResult",
    "Advance",
    "Answer",
    "Back",
    "Button",
    "CameBack",
    "Cancel",
    "CannotHandle",
    "ChitChat",
    "Clarify",
    "Command",
    "Compiled",
    "Diagnostic",
    "Effect",
    "Error",
    "Flow",
    "FlowState",
    "Frame",
    "HandOff",
    "HandOffRequested",
    "Help",
    "Knowledge",
    "Log",
    "OfferPerson",
    "OfferedOption",
    "Pending",
    "Phase",
    "Progress",
    "Reopen",
    "Repeat",
    "Restart",
    "Resume",
    "Retry",
    "RunAction",
    "Say",
    "SessionRules",
    "SessionStart",
    "SetSlot",
    "SkillSource",
    "SkipQuestion",
    "Slot",
    "StartFlow",
    "Step",
    "TimedOut",
    "Unsure",
    "Unusable",
    "UserText",
    "View",
    "WaitFor",
    "advance",
    "can_start",
    "compile_beside",
    "compile_flows",
    "last_offered",
    "load_skill",
    "open_question",
    "open_step",
    "progress",
    "question_below",
    "running_skill",
    "session_rules",
]

"""The nodes of the router's graph: context, classification, the agents, the response. Each adds a line to the trace; none writes anything."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from langgraph.runtime import Runtime

from bot.errors import Permanent, Retryable
from bot.flows import Answer, Command, Knowledge, Slot
from bot.llm.errors import LlmAway
from bot.ports import Passage, Prompt, Reply
from bot.router.answer import ANSWER, grounded, quote
from bot.router.commands import read_commands, schema
from bot.router.entry import is_good_enough
from bot.router.rank import Candidate, is_question, rank
from bot.router.situation import MAX_TEXT, Permitted, Situation, look, permit
from bot.router.state import KNOWLEDGE, SUPPORT, RouterState, Surroundings, agent_of
from bot.understand.questions import is_clear_question

__all__ = ["CommandAgent", "classify", "go_on", "load_context", "rag", "respond", "to_agent"]

log = logging.getLogger(__name__)

TOP_FLOWS = 12  # in a prompt: more cost time and confuse small models
NEAR = 0.34  # a third of what was said are words of the flow: rather a wish than a question
PASSAGES = 4

_prompts = Environment(
    loader=PackageLoader("bot.router", "prompts"),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    autoescape=False,
)


async def load_context(state: RouterState, runtime: Runtime[Surroundings]) -> RouterState:
    question = runtime.context.question
    return {"situation": look(question.compiled, question.state)}


async def classify(state: RouterState, runtime: Runtime[Surroundings]) -> RouterState:
    """Ranks flows, looks into the knowledge, and decides who is asked. No model: this is the cheap part."""
    around, situation = runtime.context, state["situation"]
    question = around.question
    candidates = rank(question.text, situation.startable, question.compiled, first=situation.skill, top=TOP_FLOWS)
    found = await _search(around)
    passages = found or ()
    agent = _choose(around, situation, candidates, passages)
    line = {
        "node": "classify",
        "flows": [[each.flow.id, each.score] for each in candidates],
        "passages": [[each.source, round(each.score, 3)] for each in passages],
        "agent": agent,
    }
    return {
        "candidates": candidates,
        "passages": passages,
        "is_searched": found is not None,
        "agent": agent,
        "trace": [line],
    }


def _choose(
    around: Surroundings, situation: Situation, candidates: Sequence[Candidate], passages: Sequence[Passage]
) -> str:
    question = around.question
    best = candidates[0] if candidates and candidates[0].score > 0 else None
    if any(isinstance(each, Knowledge) for each in question.offline):
        return KNOWLEDGE
    if around.llm is None or _has_answer(around):
        return KNOWLEDGE if passages else ""
    if passages and (is_question(question.text) or best is None or best.score < NEAR):
        return KNOWLEDGE
    if situation.running is not None and (best is None or best.score < NEAR):
        return _known(around, situation.skill)
    return _known(around, best.flow.skill) if best is not None else SUPPORT


def _has_answer(around: Surroundings) -> bool:
    question = around.question
    return is_good_enough(question.offline, question.compiled, question.state)


def _known(around: Surroundings, skill: str) -> str:
    return agent_of(skill) if skill in around.question.skills else SUPPORT


def to_agent(state: RouterState) -> str:
    return state["agent"] or "respond"


# -- agents ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CommandAgent:
    """Asks the small model once for commands. Of a skill: it knows what is running and the skill's own words; else of support."""

    skill: str = ""

    async def __call__(self, state: RouterState, runtime: Runtime[Surroundings]) -> RouterState:
        around, situation = runtime.context, state["situation"]
        name = agent_of(self.skill) if self.skill else SUPPORT
        permitted = permit(
            around.question.compiled, situation, state["candidates"], may_search=around.knowledge is not None
        )
        line: dict[str, Any] = {"node": name}
        proposed: list[Command] = []
        try:
            self._limit(around, line)
            reply = await _ask(around, self._prompt(around, situation, permitted))
            proposed, dropped = read_commands(reply.data, permitted, around.question)
            line |= {**_of_reply(reply), "dropped": dropped}
        except LlmAway as e:
            line["away"] = e.reason
        line["commands"] = [_told(each) for each in proposed]
        searches = any(isinstance(each, Knowledge) for each in proposed) and KNOWLEDGE not in state["tried"]
        return {
            "proposed": proposed,
            "agent": KNOWLEDGE if searches else "",
            "tried": [name],
            "trace": [line],
        }

    def _limit(self, around: Surroundings, line: dict[str, Any]) -> None:
        """From here on the turn has as many calls as the skill allows itself, its search in the knowledge included."""
        budget, limit = around.question.budget, around.limits.get(self.skill)
        if budget is None or limit is None or limit >= budget.calls:
            return
        budget.calls = limit
        line["limit"] = f"limits.llm_calls_per_turn of {self.skill} is {limit}; more must be said in its skill.yml"
        log.info("calls of a turn limited by a skill", extra={"of_skill": self.skill, "calls": limit})

    def _prompt(self, around: Surroundings, situation: Situation, permitted: Permitted) -> Prompt:
        question = around.question
        running = situation.running
        system = _prompts.get_template("skill.j2" if self.skill else "support.j2").render(
            organization=question.organization,
            skill=self.skill,
            running=f"{running.id} ({running.description or running.name})" if running else "",
            prose=around.prose.get(self.skill, ""),
            flows=[{"id": flow.id, "name": flow.name, "description": flow.description} for flow in permitted.flows],
            slots=[_described(slot, around) for slot in permitted.slots.values()],
            is_running=permitted.is_running,
            is_asked=permitted.is_asked,
            may_search=permitted.may_search,
        )
        user = {
            "message": question.text[:MAX_TEXT],
            "language": question.locale,
            "the bot just said": situation.said,
            "it asks for": situation.asked.id if situation.asked else None,
            "given so far": {slot: str(value) for slot, value in situation.filled.items()},
        }
        purpose = f"router.{self.skill or SUPPORT}"
        return Prompt(purpose, system, user, schema(permitted), private=question.private)


async def rag(state: RouterState, runtime: Runtime[Surroundings]) -> RouterState:
    """Answers from the organization's knowledge, with the source; without a model, or when it strays, by quoting the best passage."""
    around = runtime.context
    passages = state["passages"]
    line: dict[str, Any] = {"node": KNOWLEDGE}
    answer = await _answered(around, passages, line) if passages else None
    line["answered"] = answer is not None
    return {
        "proposed": [answer] if answer else state.get("proposed", ()),
        "agent": "" if answer or state["tried"] else _next_agent(around, state),
        "tried": [KNOWLEDGE],
        "trace": [line],
    }


async def _answered(around: Surroundings, passages: Sequence[Passage], line: dict[str, Any]) -> Answer | None:
    """None: the model says that the passages do not answer it."""
    if around.llm is None:
        return quote(passages[0])
    question = around.question
    system = _prompts.get_template("knowledge.j2").render(organization=question.organization, language=question.locale)
    user = {
        "question": question.text[:MAX_TEXT],
        "passages": [{"number": n, "source": p.source, "text": p.text} for n, p in enumerate(passages, 1)],
    }
    try:
        reply = await _ask(around, Prompt("router.knowledge", system, user, ANSWER, private=question.private))
    except LlmAway as e:
        line["away"] = e.reason
        return quote(passages[0])
    line |= _of_reply(reply)
    if reply.data.get("answer") is None:
        return None
    found = grounded(reply.data, passages, question.text)
    line["grounded"] = found is not None
    return found or quote(passages[0])


def _next_agent(around: Surroundings, state: RouterState) -> str:
    if around.llm is None or any(isinstance(each, Knowledge) for each in around.question.offline):
        return ""
    if _has_answer(around):
        return ""
    return _known(
        around, state["situation"].skill or (state["candidates"][0].flow.skill if state["candidates"] else "")
    )


def go_on(state: RouterState) -> str:
    """After an agent: another one that it asks for and that was not asked yet, or the response."""
    return state["agent"] if state["agent"] and state["agent"] not in state["tried"] else "respond"


async def respond(state: RouterState, runtime: Runtime[Surroundings]) -> RouterState:
    """What was proposed becomes the output. To a question that was looked up in vain it is said that we do not know."""
    question, proposed = runtime.context.question, state.get("proposed", ())
    commands = [each for each in proposed if not isinstance(each, Knowledge)]
    asks = any(isinstance(each, Knowledge) for each in (*question.offline, *proposed))
    asks = asks or is_question(question.text) or is_clear_question(question.text, of_name=True)
    pending = question.state.pending
    is_waiting = pending is not None and pending.kind == "event"  # then "are you there?" has an answer of its own
    if not commands and asks and state["is_searched"] and not is_waiting and not _has_answer(runtime.context):
        commands = [Answer()]
    return {"commands": commands, "trace": [{"node": "respond", "commands": [_told(each) for each in commands]}]}


# -- what the nodes share -------------------------------------------------------------------------


async def _search(around: Surroundings) -> Sequence[Passage] | None:
    """None: there is nowhere to look, or it cannot be looked into now."""
    if around.knowledge is None:
        return None
    question = around.question
    try:
        return await around.knowledge.search(
            question.organization_id, question.text[:MAX_TEXT], locale=question.locale, limit=PASSAGES
        )
    except (Retryable, Permanent, LlmAway) as e:
        log.warning("knowledge cannot be searched", extra={"reason": type(e).__name__})
        return None


async def _ask(around: Surroundings, prompt: Prompt) -> Reply:
    budget = around.question.budget
    if around.llm is None or budget is None:
        raise LlmAway("refused", "no model is on")
    return await around.llm.ask(prompt, budget)


def _of_reply(reply: Reply) -> dict[str, Any]:
    return {
        "model": reply.model,
        "asked": reply.asked,
        "answered": reply.answered,
        "remembered": reply.is_remembered,
    }


def _described(slot: Slot, around: Surroundings) -> Mapping[str, str]:
    kind = slot.accept or slot.type
    if slot.values:
        kind = f"one of {', '.join(slot.values)}"
    about = next(
        (
            step.description
            for flow in around.question.compiled.flows.values()
            for step in flow.steps
            if step.kind == "collect" and step.target == slot.id and step.description
        ),
        "",
    )
    return {"id": slot.id, "kind": kind, "about": about}


def _told(command: Command) -> str:
    return repr(command)

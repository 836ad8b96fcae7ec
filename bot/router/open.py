"""The router as an adapter; nothing when there is nothing that it could use. langgraph is only imported when there is."""

from __future__ import annotations

import asyncio
import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bot.ports import Router
    from bot.registry import Skill
    from bot.runtime import Runtime

__all__ = ["open_router"]

MAX_PROSE = 4_000  # of a skill about itself, in each prompt of its agent


async def open_router(runtime: Runtime) -> Router | None:
    """Needs a model or knowledge: without both, nothing could be explained that was not explained already."""
    if runtime.llm is None and runtime.knowledge is None:
        return None
    graph = await asyncio.to_thread(importlib.import_module, "bot.router.graph")  # takes seconds
    prose = {skill.name: _prose(skill) for skill in runtime.registry.usable}
    opened: Router = graph.GraphRouter(runtime.llm, runtime.knowledge, prose, runtime.registry.llm_limits())
    return opened


def _prose(skill: Skill) -> str:
    """What it says of itself, then what it may do: its agent must not promise more."""
    file = skill.folder / "skill.md"
    said = file.read_text(encoding="utf-8")[:MAX_PROSE].strip() if file.is_file() else ""
    told = skill.manifest.capabilities.told() if skill.manifest else []
    may = f"Besides answering, it {', '.join(told)}." if told else "It only answers: no message comes later by itself."
    return f"{said}\n\n{may}".strip()

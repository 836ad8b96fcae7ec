"""The router as an adapter; nothing when there is nothing that it could use. langgraph is only imported when there is."""

from __future__ import annotations

import asyncio
import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from bot.ports import Router
    from bot.runtime import Runtime

__all__ = ["open_router"]

MAX_PROSE = 4_000  # of a skill about itself, in each prompt of its agent


async def open_router(runtime: Runtime) -> Router | None:
    """Needs a model or knowledge: without both, nothing could be explained that was not explained already."""
    if runtime.llm is None and runtime.knowledge is None:
        return None
    graph = await asyncio.to_thread(importlib.import_module, "bot.router.graph")  # takes seconds
    prose = {skill.name: _prose(skill.folder) for skill in runtime.registry.usable}
    opened: Router = graph.GraphRouter(runtime.llm, runtime.knowledge, prose)
    return opened


def _prose(folder: Path) -> str:
    file = folder / "skill.md"
    return file.read_text(encoding="utf-8")[:MAX_PROSE].strip() if file.is_file() else ""

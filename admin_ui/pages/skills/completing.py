"""Completion in the editor: the browser asks with the line up to the cursor (`static/workshop.js`), and hears what may stand there."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass

from nicegui import ui
from nicegui.events import GenericEventArguments

from admin_ui.kit import bound, say
from admin_ui.pages.skills.bench import Bench
from bot.tools.completion import Kind, Names, Option, complete, names_of

__all__ = ["HEAD", "Completing"]

HEAD = '<script src="/static/workshop.js" defer></script>'
MAX_HEAD = 2_000  # of one line
SAID: dict[Kind, str] = {
    "key": "",
    "value": "",
    "slot": "slot",
    "response": "response",
    "flow": "flow",
    "action": "action",
    "step": "step",
    "intent": "intent",
    "entity": "entity",
}


@dataclass(slots=True)
class Completing:
    """Names are read again when the draft was saved."""

    bench: Bench
    _names: Names | None = None
    _revision: int = 0

    def attach(self, editor: ui.codemirror, path: str) -> None:
        async def answer(event: GenericEventArguments) -> None:
            asked = event.args
            lines = (editor.value or "").split("\n")
            number, head = int(asked["line"]), str(asked["head"])[:MAX_HEAD]
            found = complete(path, lines[: number - 1], head, await self._known(), below=lines[number:])
            told = [_told(each) for each in found]
            ui.run_javascript(f"cn.completed({int(asked['n'])}, {json.dumps(told)})")

        editor.on("complete", bound(answer, writes=False))
        ui.run_javascript(f"cn.completing?.({editor.id})")

    async def _known(self) -> Names:
        if self._names is None or self._revision != self.bench.draft.revision:
            self._revision = self.bench.draft.revision
            self._names = await asyncio.to_thread(self._read)
        return self._names

    def _read(self) -> Names:
        """The skill as shipped too: a draft with a mistake may not be readable."""
        registry, manifest = self.bench.desk.runtime.registry, self.bench.skill.manifest
        shipped = registry.sources([self.bench.skill.name, *(manifest.requires if manifest is not None else ())])
        return names_of([self.bench.source, *shipped])


def _told(option: Option) -> dict[str, str]:
    said = SAID[option.kind]
    return {"label": option.label, "kind": option.kind, "said": say(said) if said else ""}

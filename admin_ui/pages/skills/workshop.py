"""The workshop of one skill: its files, what is wrong with them, and beside them its phone, tests, diagram, cost, changes and versions."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass, field
from typing import Literal

from nicegui import context, ui
from nicegui.events import GenericEventArguments, ValueChangeEventArguments

from admin_ui.kit import (
    Desk,
    Live,
    badge,
    bound,
    button,
    confirm,
    dialog,
    empty,
    every,
    heading,
    later,
    live,
    note,
    page,
    panel,
    say,
    text_field,
    toast,
)
from admin_ui.kit.frame import crumb
from admin_ui.pages.skills.bench import Bench, open_bench
from admin_ui.pages.skills.cases import Cases
from admin_ui.pages.skills.changes import draw_changes
from admin_ui.pages.skills.completing import HEAD, Completing
from admin_ui.pages.skills.cost import Cost
from admin_ui.pages.skills.diagram import Diagram
from admin_ui.pages.skills.phone import Phone
from admin_ui.pages.skills.title import skill_title
from admin_ui.pages.skills.versions import Versions
from bot.flows.diagnostics import Diagnostic
from bot.publishing.rows import Moved
from bot.publishing.service import NotSound

SAVE_AFTER_S = 0.8  # of quiet
LANGUAGES = {"yml": "YAML", "yaml": "YAML", "md": "Markdown"}


@page(
    "/skills/{name}",
    title={"en": "Workshop", "sw": "Karakana"},
    permission="skills.edit",
    parent="/skills",
    wide=True,
)
async def workshop(desk: Desk, name: str, file: str = "") -> None:
    ui.add_head_html(HEAD)
    bench = await open_bench(desk, name)
    await bench.look()
    crumb(skill_title(desk, bench.skill.name))
    path = file if file in bench.texts else next((each for each in bench.texts if each.startswith("flows/")), "")
    await Workshop(desk, bench, path or next(iter(bench.texts), "")).build()


@dataclass(slots=True)
class Workshop:
    desk: Desk
    bench: Bench
    path: str
    text: str = ""  # as it stands in the editor
    typed_at: float = 0.0
    is_dirty: bool = False
    unpublished: frozenset[str] = frozenset()  # files in which the draft is not what people meet
    version: int = 0  # which people meet; 0: as shipped
    parts: dict[str, Live] = field(default_factory=dict)
    editor: ui.codemirror | None = None
    diagram: Diagram = field(init=False)
    cost: Cost = field(init=False)
    versions: Versions = field(init=False)
    completing: Completing = field(init=False)
    _saving: asyncio.Lock = field(default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        self.diagram = Diagram(self.bench, self.path)
        self.cost = Cost(self.bench)
        self.versions = Versions(self.bench, self._looked)
        self.completing = Completing(self.bench)

    async def build(self) -> None:
        await self._compare()
        title = skill_title(self.desk, self.bench.skill.name)
        text = {
            "en": "Change texts and flows of your own. Nobody sees a draft until you publish it.",
            "sw": "Badilisha maandishi na mitiririko yako. Hakuna anayeona rasimu hadi uichapishe.",
        }
        with heading({"en": f"Workshop: {title}", "sw": f"Karakana: {title}"}, text):
            self.parts["state"] = await live(self._state)
            button(
                {"en": "Discard", "sw": "Tupa"},
                bound(self._ask_to_discard, writes=False),
                kind="quiet",
                icon="delete_sweep",
                mark="discard",
            )
            if self.desk.may("skills.publish"):
                button(
                    {"en": "Publish", "sw": "Chapisha"},
                    bound(self._ask_to_publish, writes=False),
                    kind="primary",
                    icon="publish",
                    mark="publish",
                )
        with ui.element("div").classes("cn-workshop"):
            with panel(flush=True, classes="cn-files"):
                self.parts["files"] = await live(self._files)
            with panel(flush=True, classes="cn-editor"):
                self.parts["editor"] = later(self._editor, lines=12)
                self.parts["problems"] = await live(self._problems)
            with panel(classes="cn-side"):
                await self._side()
        every(0.4, bound(self._save_when_quiet, writes=False))
        ui.on("cn_theme", bound(self._paint, writes=False))

    def _paint(self, event: GenericEventArguments) -> None:
        if self.editor is not None:
            self.editor.theme = "githubDark" if event.args else "githubLight"

    # -- the parts

    async def _state(self) -> None:
        errors = sum(each.severity == "error" for each in self.bench.told)
        with ui.element("div").classes("cn-line"):
            if self.is_dirty:
                badge(say("saving …"))
            elif errors:
                badge(say("{errors} to mend", errors=errors), "bad")
            elif len(self.unpublished) == 1:
                badge(say("1 file not published"), "warn")
            elif self.unpublished:
                badge(say("{n} files not published", n=len(self.unpublished)), "warn")
            elif self.version:
                badge(say("version {version} is live", version=self.version), "good")
            else:
                badge(say("as shipped"), "good")

    async def _compare(self) -> None:
        self.unpublished = frozenset(each.path for each in await self.bench.changes())
        self.version = next((each.number for each in await self.bench.versions()), 0)

    async def _files(self) -> None:
        wrong = {
            each.file.rpartition(f"{self.bench.skill.name}/")[2] for each in self.bench.told if each.severity == "error"
        }
        with ui.element("nav").classes("cn-list") as files:
            files.props["aria-label"] = say("Files")
            for path in self.bench.texts:
                with ui.element("button").classes("cn-row cn-file").props('type="button"') as row:
                    row.on("click", bound(lambda path=path: self._open(path), writes=False), [])
                    row.mark(f"file-{path}")
                    if path == self.path:
                        row.props["aria-current"] = "true"
                    ui.label(path).classes("cn-clip cn-grow cn-small")
                    if any(each.endswith(path) for each in wrong):
                        badge("!", "bad")
                    elif path in self.unpublished:
                        badge("•", "warn").props["aria-label"] = say("not published")
                    elif path in self.bench.changed:
                        badge("•", "accent").props["aria-label"] = say("your own")

    async def _editor(self) -> None:
        if not self.path:
            with empty("description", "No file", "This skill has no flows or texts that can be worded."):
                return
        self.text = self.bench.texts[self.path]
        self.editor = ui.codemirror(
            self.text,
            on_change=bound(self._typed, writes=False),
            language=LANGUAGES.get(self.path.rpartition(".")[2]),  # type: ignore[arg-type]
            theme=_theme(),
            indent="  ",
            line_wrapping=True,
        )
        self.editor.classes("cn-code-editor").mark("editor")
        label = self.desk.say(
            {
                "en": f"Text of {self.path}. Escape, then Tab, leaves it.",
                "sw": f"Maandishi ya {self.path}. Escape, kisha Tab, hutoka.",
            }
        )
        kept = {
            "key": f"{self.desk.organization.id}:{self.bench.skill.name}:{self.path}",
            "now": self.desk.now.timestamp() * 1000,
            "saved": self.bench.draft.edited_at.timestamp() * 1000,
            "mine": self.bench.draft.edited_by == self.desk.principal.actor,
        }
        ui.run_javascript(f"cn.editor({self.editor.id}, {json.dumps(label)}, {json.dumps(kept)})")
        self._mark_lines()
        self.completing.attach(self.editor, self.path)

    async def _problems(self) -> None:
        told = self.bench.told
        with (
            ui.element("div")
            .classes("cn-stack tight")
            .style("padding: 10px 14px")
            .props('role="status" aria-live="polite"')
        ):
            if not told:
                note("No mistakes found.", "good")
            for each in told[:30]:
                self._problem(each)
            if len(told) > 30:
                ui.label(say("and {n} more", n=len(told) - 30)).classes("cn-muted cn-small")

    def _problem(self, told: Diagnostic) -> None:
        path = next((each for each in self.bench.texts if told.file.endswith(each)), "")
        with ui.element("button").classes("cn-row cn-problem").props('type="button"') as row:
            row.on("click", bound(lambda: self._go_to(path, told.line), writes=False), [])
            badge(say(told.severity), "bad" if told.severity == "error" else "warn")
            with ui.element("div").classes("cn-grow"):
                ui.label(". ".join(map(_sentence, filter(None, (told.message, told.suggestion))))).classes("cn-small")
                ui.label(f"{path or told.file}:{told.line}:{told.column}  {told.code}").classes("cn-muted cn-small num")

    async def _side(self) -> None:
        with ui.tabs().props("dense no-caps align=left outside-arrows mobile-arrows").classes("cn-tabs") as tabs:
            talk = ui.tab(say("Phone"))
            tests = ui.tab(say("Tests"))
            picture = ui.tab(say("Diagram"))
            cost = ui.tab(say("Cost"))
            changes = ui.tab(say("Changes"))
            past = ui.tab(say("Versions"))

        async def turn(event: ValueChangeEventArguments[str]) -> None:
            await self.diagram.look(event.value == picture.props["name"])

        with ui.tab_panels(tabs, value=talk, animated=False, on_change=bound(turn, writes=False)).classes(
            "cn-tab-panels"
        ):
            with ui.tab_panel(talk):
                await Phone(self.bench, self.desk.organization.locale).build()
            with ui.tab_panel(tests):
                await Cases(self.bench).build()
            with ui.tab_panel(picture):
                self.diagram.build()
            with ui.tab_panel(cost):
                self.cost.build()
            with ui.tab_panel(changes):
                self.parts["changes"] = later(draw_changes, self.bench)
            with ui.tab_panel(past):
                self.versions.build()

    # -- typing and saving

    async def _typed(self, event: ValueChangeEventArguments[str]) -> None:
        self.text = event.value or ""
        self.typed_at = time.monotonic()
        if not self.is_dirty and self.path and self.text != self.bench.texts.get(self.path):
            self.is_dirty = True
            await self.parts["state"].refresh()

    async def _save_when_quiet(self) -> None:
        if self.is_dirty and time.monotonic() - self.typed_at > SAVE_AFTER_S and not self._saving.locked():
            await self._save()

    async def _save(self, *, over: bool = False) -> None:
        """What is typed while it is being written is written the next time."""
        async with self._saving:
            text = self.text
            self.is_dirty = False
            try:
                if text != self.bench.texts.get(self.path):
                    await self.bench.write(self.path, text, over=over)
            except Moved as e:
                self._ask_whose(str(e))
                return
            except Exception:
                self.is_dirty = True
                self.typed_at = time.monotonic() + 5  # not at once again
                raise
            await self._looked()

    async def _looked(self) -> None:
        await self.bench.look()
        await self._compare()
        self._mark_lines()
        for name in ("state", "files", "problems", "changes"):
            await self.parts[name].refresh()
        await self.diagram.refresh(self.path)
        await self.cost.refresh()

    def _mark_lines(self) -> None:
        if self.editor is None:
            return
        here = [each for each in self.bench.told if self.path and each.file.endswith(self.path)]
        last = self.text.count("\n") + 1
        lines = {min(each.line, last): each for each in reversed(here)}
        self.editor.decorations = [
            {"kind": "line", "line": line, "class": f"cn-line-{each.severity}"} for line, each in sorted(lines.items())
        ]
        self.editor.line_tooltips = {line: each.message for line, each in lines.items()}

    async def _open(self, path: str) -> None:
        if self.is_dirty:
            await self._save()
        self.path = path
        for name in ("files", "editor"):
            await self.parts[name].refresh()
        await self.diagram.refresh(path)

    async def _go_to(self, path: str, line: int) -> None:
        if path and path != self.path:
            await self._open(path)
        if self.editor is not None and path == self.path:
            self.editor.reveal_line(line)

    def _ask_whose(self, why: str) -> None:
        async def theirs() -> None:
            await self.bench.again()
            await self.parts["editor"].refresh()
            await self._looked()

        async def mine() -> None:
            await self._save(over=True)

        self.is_dirty = False
        text = {
            "en": f"{why[:1].upper()}{why[1:]}. Keep what you wrote in {self.path}, or look at theirs?",
            "sw": f"Mtu mwingine amebadilisha rasimu hii. Ubaki na ulichoandika kwenye {self.path}, au uone chake?",
        }
        with (
            dialog({"en": "Somebody else wrote too", "sw": "Mtu mwingine pia ameandika"}, text=text) as box,
            ui.element("div").classes("cn-actions"),
        ):
            button({"en": "Theirs", "sw": "Chake"}, kind="quiet").on("click", box.close, []).on(
                "click", bound(theirs, writes=False), []
            )
            button({"en": "Keep mine", "sw": "Baki na changu"}, kind="primary", mark="keep-mine").on(
                "click", box.close, []
            ).on("click", bound(mine, writes=False), [])
        box.open()

    # -- publishing

    async def _ask_to_publish(self) -> None:
        if self.is_dirty:
            await self._save()
        if any(each.severity == "error" for each in self.bench.told):
            toast("There are mistakes to mend first.", kind="bad")
            return

        async def go() -> None:
            box.close()
            await self._publish(why.value or "")

        if not self.unpublished:
            toast("Nothing differs from what people meet.")
            return
        text = "From then on people meet this version; you can bring the old one back at any time."
        with dialog({"en": "Publish this draft", "sw": "Chapisha rasimu hii"}, text=text) as box:
            told = ui.element("div")
            why = text_field("What is new", hint="For your colleagues; people do not see it.", mark="publish-note")
            with ui.element("div").classes("cn-actions"):
                button({"en": "Cancel", "sw": "Ghairi"}, box.close, kind="quiet")
                button({"en": "Publish", "sw": "Chapisha"}, bound(go, writes=False), kind="primary", mark="publish-now")
        box.open()
        lost = await self.bench.stranded()  # takes a moment: it compiles both
        if lost and not told.is_deleted:
            with told:
                note(say("{lost} conversations under way lose their place and are told so.", lost=lost), "warn")

    async def _publish(self, why: str) -> None:
        self.desk.require("skills.publish")
        try:
            made = await self.bench.publish(why)
        except NotSound as e:
            toast(say("Not published: {message}", message=e.diagnostics[0].message), kind="bad")
        else:
            toast(say("Version {number} is live; every conversation has it within ten seconds.", number=made.number))
        await self._looked()
        await self.versions.refresh()

    def _ask_to_discard(self) -> None:
        async def go() -> None:
            await self.bench.throw_away()
            await self.parts["editor"].refresh()
            await self._looked()

        confirm(
            "Throw the draft away?",
            "It becomes what is published now. This cannot be undone.",
            "Throw away",
            bound(go, writes=False),
        )


def _theme() -> Literal["githubLight", "githubDark"]:
    """As the page is shown: as it was chosen, else as shell.js says that the system wants it."""
    cookies = context.client.request.cookies
    chosen = cookies.get("cn_theme", "auto")
    is_dark = (cookies.get("cn_shown") if chosen == "auto" else chosen) == "dark"
    return "githubDark" if is_dark else "githubLight"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]

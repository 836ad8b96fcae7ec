"""Knowledge: what the bot may answer from, what it would say, and how often that is right."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import PurePath
from uuid import UUID

from nicegui import ui
from nicegui.events import UploadEventArguments

from admin_ui.kit import (
    Desk,
    Group,
    Live,
    Missing,
    badge,
    bar,
    bound,
    button,
    empty,
    every,
    go,
    heading,
    here,
    icon_button,
    live,
    note,
    page,
    panel,
    say,
    select_field,
    skeleton,
    stat,
    toast,
    undo,
)
from admin_ui.kit.controls import tag
from admin_ui.kit.frame import crumb
from admin_ui.words import Words
from bot.knowledge import desk as verbs
from bot.knowledge.read import MAX_BYTES
from bot.unit import open_unit

WATCH_S = 2.0
MOST_FILES = 20
_TITLE = {"en": "Knowledge", "sw": "Maarifa"}
_LOCALES: Mapping[str, Words] = {
    "": {"en": "Every language", "sw": "Lugha zote"},
    "en": "English",
    "sw": "Kiswahili",
}
_KINDS = {"text/markdown": "Markdown", "text/plain": "Text", "application/pdf": "PDF", "text/html": "Web page"}


@page("/knowledge", title=_TITLE, icon="menu_book", group=Group.CONTENT, permission="knowledge.view", order=30)
async def knowledge(desk: Desk) -> None:
    text = {
        "en": "Bring what people ask about. The bot answers from it word for word, says where it stands, and leaves alone what is not in it.",
        "sw": "Leta yale ambayo watu huuliza. Bot hujibu kutoka humo, hutaja chanzo, na huacha yasiyomo.",
    }
    with heading(_TITLE, text):
        pass
    parts: list[Live] = []
    with ui.element("div").classes("cn-grid cn-cols-side"):
        with ui.element("div").classes("cn-stack loose"):
            if desk.may("knowledge.edit"):
                _uploader(desk, parts)
            parts.append(await live(_documents, parts))
        with ui.element("div").classes("cn-stack loose"):
            golden: list[Live] = []
            _try(desk, golden)
            golden.append(await live(_golden, golden))

    seen = {"progress": _progress(await verbs.documents())}

    async def watch() -> None:
        found = await verbs.documents()
        if _progress(found) != seen["progress"]:
            seen["progress"] = _progress(found)
            await parts[0].refresh()

    if verbs.finds_by_meaning(desk.runtime):
        every(WATCH_S, bound(watch, writes=False))


def _progress(found: Sequence[verbs.DocumentView]) -> int:
    return sum(each.ready for each in found)


# -- what there is


def _uploader(desk: Desk, parts: list[Live]) -> None:
    with panel({"en": "Bring documents", "sw": "Leta nyaraka"}):
        locales = {key: desk.say(words) for key, words in _LOCALES.items()}
        locale = select_field({"en": "Language", "sw": "Lugha"}, locales, "", mark="document-locale")

        async def uploaded(event: UploadEventArguments) -> None:
            desk = here()
            desk.require("knowledge.edit")
            data, name = await event.file.read(), PurePath(event.file.name).name
            async with open_unit(desk.runtime, desk.organization.id, actor=desk.principal.actor) as work:
                is_new = await verbs.take_in(
                    desk.runtime, work, data, name, base="general", locale=str(locale.value or "")
                )
            toast(
                say("{name} is taken in", name=name)
                if is_new
                else say("{name} is here already, to the letter", name=name)
            )
            await parts[0].refresh()

        async def refused() -> None:
            toast(
                say(
                    "Up to {MOST_FILES} files of Markdown, text, PDF or HTML, each of at most {n} MB.",
                    MOST_FILES=MOST_FILES,
                    n=MAX_BYTES // 1024 // 1024,
                ),
                kind="bad",
            )

        found = ui.upload(
            label=say("Markdown, text, PDF or HTML: choose files, or drop them here"),
            multiple=True,
            on_upload=bound(uploaded, writes=False),
            on_rejected=bound(refused, writes=False),
            max_file_size=MAX_BYTES,
            max_files=MOST_FILES,
            auto_upload=True,
        )
        found.props('flat bordered accept=".md,.markdown,.txt,.pdf,.html,.htm" hide-upload-btn').classes("cn-upload")
        found.mark("documents")
        ui.label(
            desk.say(
                {
                    "en": "A file of the same name takes the place of the earlier one. Headings help: each becomes a passage that can be quoted.",
                    "sw": "Faili la jina lile lile huchukua nafasi ya la awali. Vichwa husaidia: kila kimoja huwa kifungu.",
                }
            )
        ).classes("cn-hint")


async def _documents(parts: list[Live]) -> None:
    desk = here()
    found = await verbs.documents()
    with panel({"en": f"Documents ({len(found)})", "sw": f"Nyaraka ({len(found)})"}, flush=True):
        if not found:
            with empty(
                "menu_book",
                desk.say({"en": "No documents yet", "sw": "Bado hakuna nyaraka"}),
                desk.say(
                    {
                        "en": "Start with the ten questions that people ask you most, as a text file: a heading for each, the answer below it.",
                        "sw": "Anza na maswali kumi unayoulizwa zaidi: kichwa kwa kila moja, jibu chini yake.",
                    }
                ),
            ):
                return
        with ui.element("div").classes("cn-list"):
            for each in found:
                _document(desk, each, parts)


def _document(desk: Desk, each: verbs.DocumentView, parts: list[Live]) -> None:
    is_read = each.ready == each.passages or not verbs.finds_by_meaning(desk.runtime)
    with ui.element("div").classes("cn-row"):
        with ui.element("a").classes("cn-grow") as link:
            link.props["href"] = f"/knowledge/{each.id}"
            ui.label(each.title).classes("cn-strong cn-clip")
            told = [say(_KINDS.get(each.mime_type, each.mime_type)), desk.say(_LOCALES.get(each.locale, each.locale))]
            told += [
                say("1 passage") if each.passages == 1 else say("{passages} passages", passages=each.passages),
                desk.day(each.updated_at),
            ]
            ui.label(" · ".join(told)).classes("cn-muted cn-small cn-clip")
            if not is_read:
                with ui.element("div").style("max-width: 220px; padding-top: 6px"):
                    bar(each.share, label=say("How much of {title} is found by meaning", title=each.title))
        if not is_read:
            badge(say("{n} % read", n=round(each.share * 100)), "info")
        else:
            badge(desk.say({"en": "ready", "sw": "tayari"}), "good")
        if desk.may("knowledge.edit"):
            icon_button(
                "delete",
                say("Remove {title}", title=each.title),
                bound(_removing(each.id, each.title, parts), writes=False),
            ).mark(f"remove-{each.source}")


def _removing(document_id: UUID, title: str, parts: list[Live]) -> Callable[[], Awaitable[None]]:
    async def drop() -> None:
        desk = here()
        desk.require("knowledge.edit")
        async with open_unit(desk.runtime, desk.organization.id, actor=desk.principal.actor) as work:
            was = await verbs.remove(work, document_id)
        if was is None:
            toast("It was gone already")
            await parts[0].refresh()
            return

        async def back() -> None:
            desk = here()
            desk.require("knowledge.edit")
            async with open_unit(desk.runtime, desk.organization.id, actor=desk.principal.actor) as work:
                await verbs.put_back(work, was)
            await parts[0].refresh()

        undo(say("“{title}” removed", title=title), bound(back, writes=False))
        await parts[0].refresh()  # last: it takes along what this handler hangs on

    return drop


@page(
    "/knowledge/{document_id}",
    title={"en": "Document", "sw": "Waraka"},
    permission="knowledge.view",
    parent="/knowledge",
)
async def document(desk: Desk, document_id: UUID) -> None:
    found = await verbs.document(document_id)
    if found is None:
        raise Missing
    crumb(found.title)

    async def drop() -> None:
        desk = here()
        desk.require("knowledge.edit")
        async with open_unit(desk.runtime, desk.organization.id, actor=desk.principal.actor) as work:
            await verbs.remove(work, document_id)
        go("/knowledge")

    told = f"{found.source} · {desk.say(_LOCALES.get(found.locale, found.locale))} · {say('{n:,} characters', n=found.characters)}"
    with heading(found.title, told):
        if desk.may("knowledge.edit"):
            button("Remove", bound(drop, writes=False), icon="delete", kind="danger")
    note("The bot quotes these passages, one at a time. Longer ones were cut where the text allows.", "info")
    for each in await verbs.passages(document_id):
        with panel():
            with ui.element("div").classes("cn-panel-head"):
                tag("h2", each.heading.replace(" > ", " › ") or found.title)
                if not each.is_ready and verbs.finds_by_meaning(desk.runtime):
                    badge(say("found by its words so far"), "info")
            ui.label(each.text).style("white-space: pre-wrap; overflow-wrap: anywhere")


# -- a question


def _try(desk: Desk, golden: list[Live]) -> None:
    with panel(
        {"en": "Try a question", "sw": "Jaribu swali"},
        text={"en": "As somebody would ask it in the chat.", "sw": "Kama mtu angeuliza kwenye mazungumzo."},
    ):
        ask = (
            ui.input(placeholder=say("Is there parking?"))
            .props("outlined dense hide-bottom-space")
            .style("width: 100%")
            .mark("ask")
        )
        ask.props["aria-label"] = desk.say({"en": "Question", "sw": "Swali"})
        with ui.element("div").classes("cn-line keep"):
            locale = (
                ui.select(
                    {"en": "English", "sw": "Kiswahili"},
                    value=desk.organization.locale if desk.organization.locale in _LOCALES else "en",
                )
                .props("outlined dense hide-bottom-space options-dense")
                .style("width: 140px")
            )
            locale.props["aria-label"] = desk.say({"en": "Language of the person", "sw": "Lugha ya mtu"})
            button_host = ui.element("div")
        result = ui.element("div").classes("cn-stack")

        async def look() -> None:
            desk = here()
            text = " ".join(str(ask.value or "").split())[:500]
            if not text:
                ask.error = say("Write a question")
                return
            ask.error = None
            result.clear()
            with result:
                skeleton(3)
            tried = await verbs.try_question(desk.runtime, desk.organization.id, text, locale=str(locale.value))
            result.clear()
            with result:
                _tried(desk, text, str(locale.value), tried, golden)

        with button_host:
            button({"en": "Ask", "sw": "Uliza"}, bound(look, writes=False), kind="primary", mark="ask-now")
        ask.on("keydown.enter", bound(look, writes=False), [])


def _tried(desk: Desk, ask: str, locale: str, tried: verbs.Tried, golden: list[Live]) -> None:
    answer = tried.answer
    if answer is not None:
        with ui.element("div").classes("cn-phone").style("max-width: none"), ui.element("div").classes("cn-bubble"):
            ui.label(answer.text).classes("cn-wa-text")
            ui.label(say("Source: {source}", source=answer.source)).classes("cn-wa-foot")
    else:
        note("Nothing here answers it. The bot says so, and offers a person.", "warn")
    with ui.element("div").classes("cn-list"):
        for each in tried.passages:
            with ui.element("div").classes("cn-row").style("align-items: flex-start"):
                with ui.element("div").classes("cn-grow"):
                    ui.label(each.source).classes("cn-strong").style("font-size: 13px")
                    ui.label(each.text[:140] + ("…" if len(each.text) > 140 else "")).classes("cn-muted cn-small")
                    with ui.element("div").style("padding-top: 5px"):
                        bar(each.score, label="How well it fits", tone="accent" if each.is_answer else "warn")
                ui.label(f"{each.score:.2f}").classes("num cn-small cn-strong")
    how = say("by meaning and words") if tried.by_meaning else say("by words alone, as no model for meanings is there")
    ui.label(say("From {needed:.2f} on it counts as an answer; found {how}.", needed=tried.needed, how=how)).classes(
        "cn-hint"
    )
    if desk.may("knowledge.edit"):

        async def right() -> None:
            await _keep_question(ask, answer.source if answer else "", locale, golden)

        async def wrong() -> None:
            await _keep_question(ask, "", locale, golden)

        ui.label(say("Is that right? Keep it as a golden question, to see when it no longer is.")).classes("cn-small")
        with ui.element("div").classes("cn-line"):
            button("That is right", bound(right, writes=False), icon="check", small=True, mark="is-right")
            if answer is not None:
                button("Nothing should answer it", bound(wrong, writes=False), kind="quiet", small=True)


async def _keep_question(ask: str, source: str, locale: str, golden: list[Live]) -> None:
    desk = here()
    desk.require("knowledge.edit")
    async with open_unit(desk.runtime, desk.organization.id, actor=desk.principal.actor) as work:
        await verbs.add_question(work, ask, source=source, locale=locale)
    toast("Kept as a golden question")
    await golden[0].refresh()


# -- how good it is


async def _golden(parts: list[Live]) -> None:
    desk = here()
    found = await verbs.questions()
    with panel(
        {"en": "Golden questions", "sw": "Maswali ya dhahabu"},
        text={"en": "Questions with the answer that is right.", "sw": "Maswali yenye majibu sahihi."},
    ):
        if not found:
            ui.label(
                say(
                    "Try questions above and keep what is right, and some that nothing should answer. Then you see at a glance whether a change helped."
                )
            ).classes("cn-muted cn-small")
            return
        score = ui.element("div").classes("cn-stack")
        marks: dict[str, ui.element] = {}

        async def measure() -> None:
            desk = here()
            score.clear()
            with score:
                skeleton(2)
            report = await verbs.measure(desk.runtime, desk.organization.id, found)
            score.clear()
            right = sum(each.is_right for each in report.outcomes)
            with score, ui.element("div").classes("cn-grid").style("grid-template-columns: 1fr 1fr; gap: 10px"):
                stat(
                    "Right",
                    say("{right} of {n}", right=right, n=len(report.outcomes)),
                    f"{right / len(report.outcomes):.0%}",
                )
                stat("Left alone", f"{report.left_alone:.0%}", "of what nothing answers")
            for each in report.outcomes:
                host = marks[each.golden.ask]
                host.clear()
                with host:
                    badge(say("right") if each.is_right else say("wrong"), "good" if each.is_right else "bad")

        button("Measure", bound(measure, writes=False), icon="speed", small=True, mark="measure")
        with ui.element("div").classes("cn-list"):
            for each in found:
                with ui.element("div").classes("cn-row").style("padding: 8px 0"):
                    with ui.element("div").classes("cn-grow"):
                        ui.label(each.ask).style("overflow-wrap: anywhere; font-size: 13.5px")
                        ui.label(each.source or say("nothing should answer it")).classes("cn-muted cn-small")
                    marks[each.ask] = ui.element("div")
                    if desk.may("knowledge.edit"):
                        icon_button(
                            "close", say("Remove “{ask}”", ask=each.ask), bound(_dropping(each.id, parts), writes=False)
                        )


def _dropping(question_id: UUID, parts: list[Live]) -> Callable[[], Awaitable[None]]:
    async def drop() -> None:
        desk = here()
        desk.require("knowledge.edit")
        async with open_unit(desk.runtime, desk.organization.id, actor=desk.principal.actor) as work:
            was = await verbs.remove_question(work, question_id)
        if was is None:
            await parts[0].refresh()
            return

        async def back() -> None:
            desk = here()
            async with open_unit(desk.runtime, desk.organization.id, actor=desk.principal.actor) as work:
                await verbs.add_question(work, was.ask, source=was.source, locale=was.locale)
            await parts[0].refresh()

        undo("Removed", bound(back, writes=False))
        await parts[0].refresh()

    return drop

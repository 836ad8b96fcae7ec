"""Which skills there are, which are on, and which the organization worded itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nicegui import ui
from nicegui.events import ValueChangeEventArguments

from admin_ui.kit import Desk, Group, badge, bound, heading, here, link_button, note, page, panel, say, toast
from admin_ui.pages.skills.title import skill_title
from bot.manifest import Manifest
from bot.publishing.switch import set_enabled
from bot.registry import Skill
from bot.unit import Unit
from store import db

STATES = """
SELECT n.skill,
    COALESCE((SELECT i.enabled FROM skill_installs i WHERE i.skill = n.skill), false) AS enabled,
    (SELECT max(v.number) FROM skill_versions v WHERE v.skill = n.skill) AS version,
    (SELECT d.edited_at FROM skill_drafts d WHERE d.skill = n.skill AND d.files <> COALESCE(
        (SELECT v.files FROM skill_versions v WHERE v.skill = n.skill ORDER BY v.number DESC LIMIT 1), '{}'::jsonb)) AS edited_at
FROM unnest($1::text[]) AS n(skill)
"""


@page(
    "/skills",
    title={"en": "Skills", "sw": "Stadi"},
    icon="extension",
    group=Group.CONTENT,
    permission="skills.view",
    order=10,
)
async def skills(desk: Desk) -> None:
    found = [each for each in desk.runtime.registry.skills.values() if each.manifest is not None]
    states = {row["skill"]: row for row in await db.fetch(STATES, [each.name for each in found])}
    text = {
        "en": "What people can do in your chat. Switch a skill on or off at any time; conversations under way are told.",
        "sw": "Yale watu wanaweza kufanya kwenye mazungumzo. Washa au zima wakati wowote; walio katikati hujulishwa.",
    }
    with heading({"en": "Skills", "sw": "Stadi"}, text):
        pass
    with panel(flush=True), ui.element("div").classes("cn-list"):
        for each in sorted(found, key=lambda skill: (not states[skill.name]["enabled"], skill.name)):
            _row(desk, each, states[each.name])


def _row(desk: Desk, skill: Skill, state: Mapping[str, Any]) -> None:
    manifest = skill.manifest
    assert manifest is not None
    with ui.element("div").classes("cn-row").style("flex-wrap: wrap"):
        with ui.element("div").classes("cn-grow").style("min-width: 240px"):
            with ui.element("div").classes("cn-line"):
                ui.label(skill_title(desk, skill.name)).classes("cn-strong")
                if skill.off:
                    badge(desk.say({"en": "broken", "sw": "ina hitilafu"}), "bad")
                if state["version"]:
                    badge(
                        desk.say({"en": f"your version {state['version']}", "sw": f"toleo lako {state['version']}"}),
                        "accent",
                    )
                if state["edited_at"]:
                    badge(desk.say({"en": "draft", "sw": "rasimu"}), "warn")
            ui.label(_about(desk, manifest)).classes("cn-muted cn-small")
            if skill.off:
                note(skill.problems[0] if skill.problems else "It did not load.", "bad")
        if skill.off:
            return
        if desk.may("skills.edit"):
            link_button({"en": "Edit", "sw": "Hariri"}, f"/skills/{skill.name}", icon="edit", small=True)
        switch = ui.switch(
            value=state["enabled"], on_change=bound(lambda event, work, name=skill.name: _switch(event, work, name))
        )
        switch.props["aria-label"] = say("{name}: on or off", name=skill_title(desk, skill.name))
        switch.mark(f"switch-{skill.name}")
        if not desk.may("skills.switch"):
            switch.disable()


async def _switch(event: ValueChangeEventArguments[bool], work: Unit, name: str) -> None:
    desk = here()
    desk.require("skills.switch")
    await set_enabled(work, name, enabled=bool(event.value))
    title = skill_title(desk, name)
    toast(
        desk.say(
            {"en": f"{title} is on", "sw": f"{title} imewashwa"}
            if event.value
            else {"en": f"{title} is off", "sw": f"{title} imezimwa"}
        )
    )


def _about(desk: Desk, manifest: Manifest) -> str:
    described = getattr(manifest, "description", None)
    return (
        desk.say(dict(described))
        if isinstance(described, Mapping) and described
        else f"{manifest.name} {manifest.version}"
    )

"""The shell around every page: sidebar, header, breadcrumbs, menus. Built from what pages say of themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import groupby
from uuid import UUID

from nicegui import context, ui

from admin_ui import gate
from admin_ui.kit.after import go
from admin_ui.kit.bell import bell
from admin_ui.kit.bound import bound
from admin_ui.kit.controls import button, icon_button, tag
from admin_ui.kit.page import Page, may_see, pages
from admin_ui.kit.palette import palette
from admin_ui.kit.theme import accent_css
from admin_ui.scope import Desk, here, say
from admin_ui.words import LOCALES
from bot.identity.impersonation import stop_impersonating

__all__ = ["frame", "menu_of"]


def menu_of(desk: Desk) -> list[Page]:
    """What this person's sidebar holds."""
    return [each for each in pages() if each.group is not None and may_see(desk, each)]


@contextmanager
def frame(desk: Desk, page: Page) -> Iterator[None]:
    colour = str(desk.organization.branding.get("colour", ""))
    ui.add_head_html(f"<style>{accent_css(colour)}</style>")
    ui.page_title(f"{desk.say(page.title)} · {desk.organization.name}")
    skip = tag("a", desk.word("skip"), "cn-skip")
    skip.props["href"] = "#content"
    _sidebar(desk, page)
    ui.element("div").classes("cn-scrim").props["onclick"] = "cn.closeMenu()"
    with ui.element("div").classes("cn-body"):
        _header(desk, page)
        if desk.principal.impersonated_by is not None:
            _banner(desk)
        with ui.element("main").classes(f"cn-main {'wide' if page.wide else ''}").props("id=content tabindex=-1"):
            yield
    palette(desk)


def _banner(desk: Desk) -> None:
    until = f"{desk.local(desk.borrowed_until):%H:%M}" if desk.borrowed_until else "–"
    with ui.element("div").classes("cn-banner").props("role=status"):
        ui.icon("visibility").props("aria-hidden=true")
        ui.label(desk.word("borrowed", name=desk.name, until=until)).classes("cn-banner-text")
        button(desk.word("end_borrowing"), bound(_give_back, writes=False), small=True, mark="end-borrowing")


async def _give_back() -> None:
    desk = here()
    await stop_impersonating(desk.runtime, desk.principal)
    ui.navigate.to(gate.way_back(f"/platform/organizations/{desk.organization.id}"))


def _sidebar(desk: Desk, page: Page) -> None:
    lit = page.parent or page.path
    with ui.element("nav").classes("cn-sidebar") as nav:
        nav.props["aria-label"] = desk.word("menu")
        with ui.element("a").classes("cn-brand") as brand:
            brand.props["href"] = "/"
            _mark(desk)
            ui.label(desk.organization.name).classes("cn-brand-name")
        for group, members in groupby(menu_of(desk), key=lambda each: each.group):
            assert group is not None
            if title := desk.word(f"group.{group.value}"):
                ui.label(title).classes("cn-nav-group")
            for each in members:
                with ui.element("a").classes("cn-nav") as link:
                    link.props["href"] = each.path
                    if each.path == lit:
                        link.props["aria-current"] = "page"
                    ui.icon(each.icon or "circle").props("aria-hidden=true")
                    ui.label(desk.say(each.title)).props("tag=span")


def _mark(desk: Desk) -> None:
    logo = str(desk.organization.branding.get("logo", ""))
    with ui.element("div").classes("cn-mark").props("aria-hidden=true"):
        if logo:
            ui.element("img").props(f'src="/branding/{desk.organization.id}/{logo}" alt=""')
        else:
            ui.label(_initials(desk.organization.name))


def _initials(name: str) -> str:
    return "".join(word[0] for word in name.split()[:2]).upper() or "?"


def _header(desk: Desk, page: Page) -> None:
    with ui.element("header").classes("cn-header"):
        opener = icon_button("menu", desk.word("menu")).classes("cn-menu-open")
        opener.props["onclick"] = "cn.toggleMenu()"
        opener.props["aria-expanded"] = "false"
        _crumbs(desk, page)
        with ui.element("button").classes("cn-search-open").props('type="button" id="cn-palette-open"') as find:
            find.props["aria-label"] = desk.word("search")
            ui.icon("search").props("aria-hidden=true")
            tag("span", desk.word("search"))
            tag("span", "Ctrl K", "cn-kbd").style("flex: none")
        if len(desk.organizations) > 1:
            _organizations(desk)
        bell(desk)
        _person(desk)


def _crumbs(desk: Desk, page: Page) -> None:
    by_path = {each.path: each for each in pages()}
    above: list[Page] = []
    parent = by_path.get(page.parent or "")
    while parent is not None and len(above) < 4:
        above.insert(0, parent)
        parent = by_path.get(parent.parent or "")
    with ui.element("nav").classes("cn-crumbs").props() as crumbs:
        crumbs.props["aria-label"] = say("Breadcrumbs")
        for each in above:
            tag("a", desk.say(each.title)).props["href"] = each.path
            ui.label("/").props("aria-hidden=true")
        tag("span", desk.say(page.title)).props('aria-current="page"').classes("cn-crumb-here")


def crumb(text: str) -> None:
    """The page's own name for where one is, such as an event's title."""
    for each in context.client.elements.values():
        if "cn-crumb-here" in each.classes:
            for child in each.default_slot.children:
                if isinstance(child, ui.label):
                    child.set_text(text)
    ui.page_title(f"{text} · {here().organization.name}")


def _organizations(desk: Desk) -> None:
    with icon_button("swap_horiz", desk.word("switch_organization")), ui.menu().props("auto-close"):
        for identity, name in desk.organizations:
            with ui.item(on_click=bound(_switch_to(identity))) as item, ui.item_section():
                item.props(f"{'active' if identity == desk.organization.id else ''}").mark(f"organization-{identity}")
                ui.label(name)


def _switch_to(organization_id: UUID) -> Callable[[], None]:
    def switch() -> None:
        desk = here()
        go(gate.ticket(desk.session_id, desk.principal.id, organization_id, "/"))  # outside of this organization

    return switch


def _person(desk: Desk) -> None:
    with ui.element("button").classes("cn-icon").props('type="button"') as opener:
        opener.props["aria-label"] = f"{desk.word('account')}: {desk.name}"
        ui.label(_initials(desk.name)).classes("cn-avatar")
        with ui.menu().props('anchor="bottom right" self="top right"').style("min-width: 230px"):
            with ui.element("div").style("padding: 8px 10px 10px"):
                ui.label(desk.name).classes("cn-strong")
                ui.label(desk.email).classes("cn-muted cn-small cn-clip")
            ui.separator()
            with ui.item().props('href="/profile" tag="a" clickable'), ui.item_section():
                ui.label(desk.word("profile"))
            ui.separator()
            ui.label(desk.word("theme")).classes("cn-nav-group").style("padding: 6px 10px 4px")
            with ui.element("div").classes("cn-segments").style("margin: 0 8px 8px"):
                for name in ("light", "dark", "auto"):
                    choice = tag("button", desk.word(name)).props('type="button"')
                    choice.props["onclick"] = f"cn.theme('{name}')"
            ui.label(desk.word("language")).classes("cn-nav-group").style("padding: 6px 10px 4px")
            with ui.element("div").classes("cn-segments").style("margin: 0 8px 8px"):
                for code, name in LOCALES.items():
                    choice = tag("button", name).props('type="button"')
                    choice.props["aria-pressed"] = "true" if code == desk.locale else "false"
                    choice.props["onclick"] = f"cn.locale('{code}')"
            ui.separator()
            with ui.item(on_click=bound(_sign_out, writes=False)), ui.item_section():
                ui.label(desk.word("sign_out"))


async def _sign_out() -> None:
    desk = here()
    if desk.principal.impersonated_by is not None:  # one's own session lives on
        await _give_back()
        return
    await gate.sign_out(desk)
    ui.navigate.to("/leave")

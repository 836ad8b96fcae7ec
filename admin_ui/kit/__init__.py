"""What pages are made of. A page is a function and one line:

    @page("/contacts", title={"en": "Contacts", "sw": "Anwani"}, icon="people", group=Group.AUDIENCE, permission="contacts.view")
    async def contacts(desk: Desk) -> None:
        with heading({"en": "Contacts", "sw": "Anwani"}, "Everybody who ever wrote to you."):
            button("Import", bound(start_import), icon="upload", kind="primary")
        await table(...)

* Path parameters and query parameters (those with a default) are arguments: `/contacts/{contact_id}` gives `contact_id: UUID`.
* A handler goes through `bound(...)`: it re-enters the organization and opens one transaction; an argument named `work` is its unit of work
  (`audit`, `enqueue`, `send`). `bound(fn, writes=False)` for what only reads or shows. `tests/admin_ui/test_handlers.py` finds those that do not.
* `part = await live(draw)` is a part of the page that `await part.refresh()` draws again (never `ui.refreshable`, which does it for everybody);
  `later(draw)` is one that comes when the page stands already. `every(seconds, handler)` and `soon(seconds, handler)`, never `ui.timer`.
* No Tailwind: what elements look like is said by `static/theme.css` (`panel`, `cn-grid cn-cols-2`, `cn-line`, `cn-muted` ...) with tokens such as `--ink`.
* Texts: `{"en": ..., "sw": ...}`, or English alone with its Swahili in a catalogue (`admin_ui/swahili.py`; a skill's own by `in_swahili`). The kit
  looks texts up by itself; with values, and in NiceGUI's own elements, say it: `ui.label(say("{n:,} seats", n=40))`, never an f-string.
* `search(fn)` adds to the command palette, `todo(fn)` to the checklist of a new organization.
"""

from admin_ui.kit.after import after_commit, go, reload
from admin_ui.kit.bound import Live, bound, later, live
from admin_ui.kit.controls import (
    badge,
    bar,
    button,
    confirm,
    dialog,
    facts,
    field,
    forget_kept,
    heading,
    icon_button,
    link_button,
    note,
    panel,
    select_field,
    stat,
    text_area,
    text_field,
    toast,
)
from admin_ui.kit.empty import empty
from admin_ui.kit.page import Group, Hit, Missing, Page, Todo, link_to, page, pages, search, todo
from admin_ui.kit.skeleton import skeleton
from admin_ui.kit.ticking import every, soon
from admin_ui.kit.undo import undo
from admin_ui.scope import Desk, Organization, here, say
from admin_ui.words import Words, in_swahili

__all__ = [
    "Desk",
    "Group",
    "Hit",
    "Live",
    "Missing",
    "Organization",
    "Page",
    "Todo",
    "Words",
    "after_commit",
    "badge",
    "bar",
    "bound",
    "button",
    "confirm",
    "dialog",
    "empty",
    "every",
    "facts",
    "field",
    "forget_kept",
    "go",
    "heading",
    "here",
    "icon_button",
    "in_swahili",
    "later",
    "link_button",
    "link_to",
    "live",
    "note",
    "page",
    "pages",
    "panel",
    "reload",
    "say",
    "search",
    "select_field",
    "skeleton",
    "soon",
    "stat",
    "text_area",
    "text_field",
    "toast",
    "todo",
    "undo",
]

"""The Inbox: conversations of the organization, live, and answered by people where the bot should not.

`desktop` holds the three panes together, `listing`, `thread`, `composer` and `person` draw them, `watch` looks for what is new.
"""

from admin_ui.pages.inbox.desktop import inbox

__all__ = ["inbox"]

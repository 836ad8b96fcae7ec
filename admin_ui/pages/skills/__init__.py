"""What the bot can do: which skills are on, and the workshop in which an organization makes one its own."""

from admin_ui.pages.skills import listing, workshop

__all__ = ["listing", "workshop"]

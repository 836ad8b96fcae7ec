"""Contacts: the list, one person with everything that happened, files of contacts, doubles, and what is written beside them."""

from admin_ui.pages.contacts import book, importing, listing, merging, person

__all__ = ["book", "importing", "listing", "merging", "person"]

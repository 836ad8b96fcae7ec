"""Webhooks out: the list, one of them with what it was told, one telling with what came back."""

from admin_ui.pages.webhooks import delivery, endpoint, listing

__all__ = ["delivery", "endpoint", "listing"]

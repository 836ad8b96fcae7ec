"""The organization's WhatsApp numbers, the connection doctor, and the message templates."""

from admin_ui.pages.channels import listing, number, template

__all__ = ["listing", "number", "template"]

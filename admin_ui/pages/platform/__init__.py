"""The pages of the platform's own people; no organization's role sees them."""

from admin_ui.pages.platform import incidents, organization, organizations, queues

__all__ = ["incidents", "organization", "organizations", "queues"]

"""Tables without an organization, each with the reason why its rows belong to none. A table that is not here needs `organization_id`."""

from __future__ import annotations

PLATFORM_TABLES: dict[str, str] = {
    "tortoise_migrations": "what has been migrated; the owner's alone",
    "organizations": "the organization itself; held by its id",
    "users": "people may be members of several organizations; held by membership",
    "meta_apps": "the platform's own apps at Meta, and the secrets that sign deliveries",
    "webhook_deliveries": "raw deliveries, kept before anyone knows whose they are; the application only inserts",
    "heartbeats": "which processes live",
}

UNPROTECTED_FUNCTIONS: dict[str, str] = {}
"""SECURITY DEFINER functions: they run as the owner, so each needs a reason and its own test."""

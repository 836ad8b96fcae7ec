"""Tables without an organization, each with the reason why its rows belong to none. A table that is not here needs `organization_id`."""

from __future__ import annotations

PLATFORM_TABLES: dict[str, str] = {
    "tortoise_migrations": "what has been migrated; the owner's alone",
    "organizations": "the organization itself; held by its id",
    "users": "people may be members of several organizations; held by membership",
    "meta_apps": "the platform's own apps at Meta, and the secrets that sign deliveries",
    "webhook_deliveries": "raw deliveries, kept before anyone knows whose they are; the application only inserts",
    "heartbeats": "which processes live",
    "user_credentials": "a person's own password and second factor; the system's role alone",
    "user_recovery_codes": "a person's own, hashed; the system's role alone",
    "user_sessions": "a person is signed in once for all her organizations; the system's role alone",
    "refresh_tokens": "of a session, hashed; the system's role alone",
    "mailed_tokens": "links to one's own e-mail, hashed; the system's role alone",
    "user_external_identities": "who a person is at Google or Microsoft; the system's role alone",
    "external_attempts": "sign-ins under way, of people who are not known yet; the system's role alone",
    "incidents": "alarms of the platform as a whole; the system's role alone",
    "incident_notes": "of an incident; the system's role alone",
    "platform_notifications": "what the platform's own people are told; the system's role alone",
    "sign_in_tries": "tries of people who are not known; blind indexes only; the system's role alone",
}

UNPROTECTED_FUNCTIONS: dict[str, str] = {}
"""SECURITY DEFINER functions: they run as the owner, so each needs a reason and its own test."""

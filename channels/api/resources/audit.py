"""Who did what."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import Field

from bot.http import Answer, Ask, Filter, Line, Listed, Page, Routes
from store.models import AuditEntry

routes = Routes("Audit log", "Who did what, when, before and after. Nothing here is ever changed.")


class AuditEntryOut(Answer):
    id: UUID
    at: datetime
    actor: str
    action: str
    subject: str
    before: Any
    after: Any


class AuditFilter(Filter):
    action: Line | None = Field(None, description="Exactly this one, such as events.event_created.")
    actor: Line | None = None
    subject: Line | None = None


@routes.get("/audit", permission="audit.view")
async def list_audit_entries(ask: Ask, query: AuditFilter, page: Page) -> Listed[AuditEntryOut]:
    """List audit entries, the newest first."""
    wanted = query.model_dump(include=set(AuditFilter.model_fields), exclude_none=True)
    return await page.of(AuditEntry.filter(**wanted), AuditEntryOut.model_validate)

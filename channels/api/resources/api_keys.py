"""Keys for programs."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints

from bot.http import NOT_FOUND, Answer, Ask, Body, Line, Listed, Moment, Problem, Routes
from bot.identity import api_keys
from bot.unit import Unit

routes = Routes(
    "API keys",
    "Keys for programs. A key may what its scopes say and what the person who made it may at that moment, and nothing more.",
)

Scope = Annotated[str, StringConstraints(pattern=r"^[a-z_]+(\.[a-z_]+)+$", max_length=80)]


class KeyIn(Body):
    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Box office", "scopes": ["events.view"]}]})

    name: Annotated[
        Line,
        StringConstraints(
            min_length=1, max_length=120, pattern=r"^[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*$"
        ),
    ]
    scopes: list[Scope] = Field(min_length=1, max_length=100, description="Permissions, such as events.view.")
    expires_at: Moment | None = Field(None, description="At most a year from now; a year when it is left out.")
    rate_per_min: int = Field(600, ge=1, le=60_000)
    internal: bool = Field(False, description="For services of your own, from the addresses of `allowed_ips` only.")
    allowed_ips: list[Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F:./]{2,49}$")]] = Field(
        default_factory=list, max_length=100, description="Addresses or networks, such as 192.0.2.0/24."
    )


class KeyOut(Answer):
    id: UUID
    kind: str
    name: str
    prefix: str
    scopes: list[str]
    allowed_ips: list[str]
    rate_per_min: int
    created_by: UUID | None
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    last_used_ip: str
    revoked_at: datetime | None


class NewKeyOut(Answer):
    id: UUID
    prefix: str
    secret: str = Field(description="The whole key. It is shown this once.")


@routes.get("/api-keys", permission="api_keys.manage")
async def list_api_keys(ask: Ask) -> Listed[KeyOut]:
    """List keys, the newest first."""
    return Listed([KeyOut.model_validate(each) for each in await api_keys.list_keys(ask.runtime, ask.principal)])


@routes.post("/api-keys", permission="api_keys.manage", status=201)
async def create_api_key(ask: Ask, work: Unit, body: KeyIn) -> NewKeyOut:
    """Make a key."""
    made = await api_keys.create_key(ask.runtime, ask.principal, **body.model_dump())
    return NewKeyOut.model_validate(made)


@routes.delete("/api-keys/{key_id}", permission="api_keys.manage")
async def revoke_api_key(ask: Ask, work: Unit, key_id: UUID) -> None:
    """Revoke a key; it ends within seconds."""
    if not await api_keys.revoke_key(ask.runtime, ask.principal, key_id):
        raise Problem(NOT_FOUND, "there is no such key, or it was revoked before")

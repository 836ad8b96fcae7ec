"""What an organization asks of those who sign in: `settings["security"]` of its row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from bot.identity.errors import NotAMember, NotPossible
from bot.identity.memory import forget_organization
from bot.identity.principal import Principal
from bot.unit import open_unit
from store import people
from store.jsonb import from_jsonb, to_jsonb

if TYPE_CHECKING:
    from bot.runtime import Runtime

__all__ = ["Security", "security_of", "set_security"]


class Security(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    require_second_factor: bool = False
    allowed_domains: tuple[str, ...] = ()
    """E-mail domains of who may be invited, and who may come in through Google, Microsoft and the like; none: all."""

    @field_validator("allowed_domains")
    @classmethod
    def _in_lower_case(cls, domains: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(each.strip().lower().lstrip("@") for each in domains if each.strip())

    def admits(self, email: str) -> bool:
        return not self.allowed_domains or email.rpartition("@")[2].lower() in self.allowed_domains

    def admit(self, *, method: str, email: str) -> None:
        """
        Raises:
            NotAMember: signed in elsewhere, with an address of a domain that is not on the organization's list.
        """
        if method != "password" and not self.admits(email):
            raise NotAMember(
                f"this organization opens to accounts of {', '.join(self.allowed_domains)} only; use one of those, or your password"
            )


def security_of(settings: Mapping[str, Any]) -> Security:
    """What cannot be read counts as the strictest reading: a second factor is asked for."""
    try:
        return Security.model_validate(settings.get("security") or {})
    except ValidationError:
        return Security(require_second_factor=True)


async def set_security(runtime: Runtime, principal: Principal, security: Security) -> None:
    """
    Raises:
        NotPossible: it would lock out the principal herself.
    """
    principal.require("security.manage")
    organization_id = principal.organization_id
    assert organization_id is not None
    person = await people.person(principal.id)
    if person is not None and security.require_second_factor and person.totp_confirmed_at is None:
        raise NotPossible("own_second_factor", "set up your own second step first", field="require_second_factor")
    if person is not None and not security.admits(person.email):
        domain = person.email.rpartition("@")[2]
        raise NotPossible(
            "own_domain", f"your own address is of {domain}; put it on the list too", field="allowed_domains"
        )
    async with open_unit(runtime, organization_id, actor=principal.actor) as work:
        text = await work.tx.fetchval("SELECT settings FROM organizations WHERE id = $1 FOR UPDATE", organization_id)
        settings = from_jsonb(text) if text else {}
        after = security.model_dump(mode="json")
        await work.tx.execute(
            "UPDATE organizations SET settings = $2::jsonb WHERE id = $1",
            organization_id,
            to_jsonb({**settings, "security": after}),
        )
        work.audit("security.changed", before=settings.get("security"), after=after)
    forget_organization(organization_id)
    runtime.directory.forget()

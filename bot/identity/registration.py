"""The way in for somebody new: an organization with its first owner, and the proof that an e-mail address is hers."""

from __future__ import annotations

import zoneinfo
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from bot.identity.access import SignedIn, start_session
from bot.identity.errors import LinkSpent, NotPossible, TooManyTries
from bot.identity.external import open_ticket
from bot.identity.letters import LOCALES, write
from bot.identity.mailing import checked_email, checked_name, hashed, link_to, new_token, require_open, send_beside
from bot.identity.memory import forget_user
from bot.identity.passwords import check_password, hash_password
from bot.identity.principal import Principal
from bot.identity.settings import IdentitySettings
from store import people
from store.ids import uuid7
from store.people import Founder, NewOrganization

if TYPE_CHECKING:
    from bot.runtime import Runtime

__all__ = ["found_organization", "register", "send_verification", "verify_email"]

FREE_REGISTRATIONS = 10  # of one network address; each further one within the hour costs a wait


async def register(
    runtime: Runtime,
    *,
    organization: str,
    name: str,
    email: str = "",
    password: str = "",
    ticket: str = "",
    country: str = "KE",
    locale: str = "en",
    timezone: str = "Africa/Nairobi",
    ip: str,
    user_agent: str,
    kind: str = "browser",
) -> SignedIn:
    """A new organization with its key, its default skills and this person as owner, signed in; a letter asks to confirm the address.

    With the `ticket` of `external.Newcomer` neither address nor password are needed.

    Raises:
        NotPossible: `field` says what is wrong; `taken`: there is an account with this address.
        WeakPassword, TooManyTries
    """
    settings = runtime.configuration.section(IdentitySettings, "identity")
    now = runtime.clock.now()
    if not settings.register_open:
        raise NotPossible("closed", "new organizations are not taken here; ask somebody for an invitation")
    newcomer = open_ticket(runtime, ticket) if ticket else None
    email = newcomer.email if newcomer else checked_email(email)
    name = checked_name(name, field="name")
    new = _organization(runtime, organization, country=country, locale=locale, timezone=timezone)
    if newcomer is None:
        check_password(password, email=email, name=name)
    after_s = await people.count_try(
        [(runtime.master.blind_index(f"register:{ip}").hex(), FREE_REGISTRATIONS)], now=now, longest_s=3600
    )
    if after_s:
        raise TooManyTries(after_s)
    founder = Founder(
        uuid7(),
        email,
        name=name,
        locale=new.locale,
        password_hash="" if newcomer else await hash_password(settings, password),
        email_verified_at=now if newcomer else None,
        external=(newcomer.provider, newcomer.issuer, newcomer.subject) if newcomer else None,
    )
    made = await people.found(new, founder, is_new=True, now=now)
    if made is None:
        raise NotPossible(
            "taken", "there is an account with this e-mail address; sign in, or choose a new password", field="email"
        )
    if newcomer is None:
        await _mail_verification(runtime, founder.user_id, email, name, new.locale)
    person = await people.person(founder.user_id)
    assert person is not None
    method = newcomer.provider if newcomer else "password"
    return await start_session(
        runtime, person, second_factor=False, ip=ip, user_agent=user_agent, kind=kind, method=method
    )


async def found_organization(
    runtime: Runtime,
    principal: Principal,
    *,
    organization: str,
    country: str = "KE",
    locale: str = "en",
    timezone: str = "Africa/Nairobi",
) -> UUID:
    """Another organization of somebody who is signed in."""
    if principal.kind != "user" or principal.impersonated_by is not None:
        raise NotPossible("not_a_person", "organizations are registered by people")
    if not runtime.configuration.section(IdentitySettings, "identity").register_open:
        raise NotPossible("closed", "new organizations are not taken here")
    new = _organization(runtime, organization, country=country, locale=locale, timezone=timezone)
    made = await people.found(new, Founder(principal.id), is_new=False, now=runtime.clock.now())
    assert made is not None
    return made


def _organization(runtime: Runtime, name: str, *, country: str, locale: str, timezone: str) -> NewOrganization:
    settings = runtime.configuration.section(IdentitySettings, "identity")
    if len(country) != 2 or not country.isalpha():
        raise NotPossible("country", "give the country by its two letters, like KE", field="country")
    if locale not in LOCALES:
        raise NotPossible("locale", f"choose one of {', '.join(LOCALES)}", field="locale")
    try:
        zoneinfo.ZoneInfo(timezone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as e:
        raise NotPossible("timezone", "give a time zone like Africa/Nairobi", field="timezone") from e
    usable = [skill.name for skill in runtime.registry.usable]
    skills = [name for name in settings.default_skills if name in usable] or usable
    return NewOrganization(checked_name(name, field="organization"), country.upper(), locale, timezone, tuple(skills))


# -- the address


async def send_verification(runtime: Runtime, principal: Principal) -> None:
    """The letter once more."""
    person = await people.person(principal.id) if principal.kind == "user" else None
    if person is None:
        raise NotPossible("not_a_person", "only people have e-mail addresses")
    if person.email_verified_at is not None:
        raise NotPossible("verified", "your e-mail address is confirmed already")
    key = runtime.master.blind_index(f"verify:{person.id}").hex()
    after_s = await people.count_try([(key, 3)], now=runtime.clock.now(), longest_s=3600)
    if after_s:
        raise TooManyTries(after_s)
    await _mail_verification(runtime, person.id, person.email, person.name, person.locale)


async def _mail_verification(runtime: Runtime, user_id: UUID, email: str, name: str, locale: str) -> None:
    settings = runtime.configuration.section(IdentitySettings, "identity")
    token, kept = new_token()
    now = runtime.clock.now()
    await people.put_mailed_link(
        kept, "verify", user_id, email, now=now, expires_at=now + timedelta(hours=settings.verify_h)
    )
    link = link_to(runtime, "verify", token)
    send_beside(runtime, write("verify", email, locale, link=link, name=name, hours=f"{settings.verify_h:g}"))


async def verify_email(runtime: Runtime, token: str) -> UUID:
    """Whose address is confirmed now.

    Raises:
        LinkSpent
    """
    again = "sign in and ask for a new letter in your profile"
    found = await people.mailed_link(hashed(token), "verify")
    if found is None:
        raise LinkSpent("unknown", f"this link is not complete; copy it whole from the letter, or {again}")
    now = runtime.clock.now()
    require_open(found.expires_at, found.used_at, now, what="this link", again=again)
    user_id = await people.verify_email(hashed(token), now=now)
    if user_id is None:
        raise LinkSpent("used", f"this link was used already, or the address belongs to another account; {again}")
    forget_user(user_id)
    return user_id

"""The numbers of an organization: who they are, connecting one, giving one a new token."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from tortoise.exceptions import IntegrityError

from bot.errors import Refused
from bot.identity import Principal
from bot.provider import Finding, Introduced, Line, NotConnected, NumberFacts
from bot.runtime import Runtime
from bot.unit import open_unit
from store.crypto import keyring
from store.db import fetch
from store.directory import meta_app, tokens_aad
from store.ids import uuid7
from store.jsonb import from_jsonb, to_jsonb
from store.models import ChannelAccount
from store.provision import join_meta_app

__all__ = ["Number", "UnknownNumber", "connect", "find_number", "line_of", "list_numbers", "put_facts", "renew_token"]

_ID = re.compile(r"[0-9]{5,32}")
_LIST = """
SELECT a.id, a.external_id, a.waba_id, a.meta_app_id, a.name, a.display_phone_number, a.state, a.state_reason, a.facts, a.facts_at,
    a.templates_at, a.token_expires_at, a.findings, a.refused_at,
    (SELECT max(s.last_user_at) FROM sessions s WHERE s.organization_id = a.organization_id AND s.account_id = a.id) AS heard_at
FROM channel_accounts a WHERE a.organization_id = $1 AND ($2::uuid IS NULL OR a.id = $2) ORDER BY a.created_at, a.id
"""


class UnknownNumber(Refused):
    def __init__(self) -> None:
        super().__init__("your organization has no such number")


@dataclass(frozen=True, slots=True)
class Number:
    id: UUID
    phone_number_id: str
    waba_id: str
    meta_app_id: UUID | None
    name: str
    display_phone_number: str
    state: str  # ours: connected, paused, disconnected, stopped
    state_reason: str
    facts: NumberFacts
    facts_at: datetime | None
    templates_at: datetime | None
    token_expires_at: datetime | None
    findings: dict[str, Finding]
    refused_at: datetime | None
    heard_at: datetime | None  # a person wrote to it last


async def list_numbers(organization_id: UUID) -> list[Number]:
    """Oldest first."""
    return [_read(row) for row in await fetch(_LIST, organization_id, None)]


async def find_number(organization_id: UUID, account_id: UUID) -> Number:
    """
    Raises:
        UnknownNumber
    """
    rows = await fetch(_LIST, organization_id, account_id)
    if not rows:
        raise UnknownNumber
    return _read(rows[0])


async def connect(
    runtime: Runtime,
    principal: Principal,
    *,
    phone_number_id: str,
    waba_id: str,
    token: str,
    app_secret: str,
    verify_token: str,
) -> UUID:
    """Takes a number in, once the provider has confirmed that token, secret, number and account belong together.

    So nobody can take somebody else's number, nor change the secrets of somebody else's Meta app. Never inside a transaction.

    Raises:
        NotConnected: which of it is wrong, and why.
        Retryable: the provider cannot be asked now.
    """
    principal.require("channels.manage")
    _must_be_id("phone_number_id", phone_number_id)
    _must_be_id("waba_id", waba_id)
    _must_be_there(token=token, app_secret=app_secret, verify_token=verify_token)
    organization_id = principal.organization_id
    assert organization_id is not None
    line = Line(phone_number_id, waba_id, token, app_secrets=(app_secret,), verify_token=verify_token)
    found = await runtime.provider.introduce(line)
    meta_app_id = await join_meta_app(
        runtime.master, found.app_id, found.facts.verified_name, secret=app_secret, verify_token=verify_token
    )
    keys = await keyring().keys(organization_id)
    account_id = uuid7()
    try:
        async with open_unit(runtime, organization_id, actor=principal.actor) as work:
            await ChannelAccount.create(
                id=account_id,
                external_id=phone_number_id,
                waba_id=waba_id,
                portfolio=found.portfolio[:64],
                meta_app_id=meta_app_id,
                name=found.facts.verified_name[:200],
                display_phone_number=found.facts.display_phone_number[:32],
                sealed_token=keys.seal(token.encode(), tokens_aad(organization_id)),
                facts=found.facts.model_dump(),
                facts_at=runtime.clock.now(),
                token_expires_at=found.token_expires_at,
            )
            work.audit(
                "channel.connected",
                subject=f"channel_accounts:{account_id}",
                after={"phone_number_id": phone_number_id, "waba_id": waba_id},
            )
    except IntegrityError as e:
        why = {
            "en": "This number is connected already, by you or by another organization",
            "sw": "Namba hii imeunganishwa tayari, nawe au na shirika lingine",
        }
        raise NotConnected("phone_number_id", why) from e
    runtime.directory.forget()
    return account_id


async def renew_token(
    runtime: Runtime,
    principal: Principal,
    account_id: UUID,
    *,
    token: str,
    app_secret: str = "",
    verify_token: str = "",
) -> None:
    """Another token, confirmed by the provider first; with `app_secret` another secret too, the earlier ones stay valid beside it.

    A number that the provider had stopped for its token goes on by itself.

    Raises:
        NotConnected, Retryable: as `connect`. UnknownNumber.
    """
    principal.require("channels.manage")
    _must_be_there(token=token)
    organization_id = principal.organization_id
    assert organization_id is not None
    number = await find_number(organization_id, account_id)
    app = await meta_app(runtime.master, number.meta_app_id) if number.meta_app_id else None
    secrets = (app_secret,) if app_secret else tuple(each.decode() for each in app.secrets[:1]) if app else ()
    if not secrets:
        _must_be_there(app_secret=app_secret)
    found = await runtime.provider.introduce(Line(number.phone_number_id, number.waba_id, token, app_secrets=secrets))
    if app is None or app.app_id != found.app_id or app_secret or verify_token:
        meta_app_id = await join_meta_app(
            runtime.master, found.app_id, found.facts.verified_name, secret=secrets[0], verify_token=verify_token
        )
    else:
        meta_app_id = app.meta_app_id
    keys = await keyring().keys(organization_id)
    async with open_unit(runtime, organization_id, actor=principal.actor) as work:
        await ChannelAccount.filter(id=account_id).update(
            sealed_token=keys.seal(token.encode(), tokens_aad(organization_id)), meta_app_id=meta_app_id
        )
        await put_facts(work.tx, organization_id, account_id, found, work.now)
        work.audit(
            "channel.token_renewed",
            subject=f"channel_accounts:{account_id}",
            after={"app_secret": "renewed"} if app_secret else {},
        )
    runtime.directory.forget()


async def put_facts(tx: Any, organization_id: UUID, account_id: UUID, found: Introduced, now: datetime) -> None:
    await tx.execute(
        "UPDATE channel_accounts SET facts = $3::jsonb, facts_at = $4, token_expires_at = $5,"
        " name = CASE WHEN name = '' THEN left($6, 200) ELSE name END,"
        " display_phone_number = CASE WHEN $7 = '' THEN display_phone_number ELSE left($7, 32) END"
        " WHERE organization_id = $1 AND id = $2",
        organization_id,
        account_id,
        to_jsonb(found.facts.model_dump()),
        now,
        found.token_expires_at,
        found.facts.verified_name,
        found.facts.display_phone_number,
    )


async def line_of(runtime: Runtime, organization_id: UUID, number: Number) -> Line:
    """With its secrets in clear."""
    account = await runtime.directory.account(organization_id, number.id)
    app = await meta_app(runtime.master, number.meta_app_id) if number.meta_app_id else None
    return Line(
        number.phone_number_id,
        number.waba_id,
        account.token,
        app.app_id if app else "",
        tuple(each.decode() for each in app.secrets) if app else (),
        app.verify_token if app else "",
    )


def _read(row: Any) -> Number:
    return Number(
        id=row["id"],
        phone_number_id=row["external_id"],
        waba_id=row["waba_id"],
        meta_app_id=row["meta_app_id"],
        name=row["name"],
        display_phone_number=row["display_phone_number"],
        state=row["state"],
        state_reason=row["state_reason"],
        facts=NumberFacts.model_validate(from_jsonb(row["facts"] or "{}")),
        facts_at=row["facts_at"],
        templates_at=row["templates_at"],
        token_expires_at=row["token_expires_at"],
        findings={check: Finding.model_validate(each) for check, each in from_jsonb(row["findings"] or "{}").items()},
        refused_at=row["refused_at"],
        heard_at=row["heard_at"],
    )


def _must_be_id(field: str, given: str) -> None:
    if not _ID.fullmatch(given):
        raise NotConnected(
            field,
            {"en": "The digits that Meta shows, nothing else", "sw": "Tarakimu ambazo Meta inaonyesha, hakuna kingine"},
        )


def _must_be_there(**given: str) -> None:
    for field, value in given.items():
        if not value.strip() or not value.isascii() or len(value) > 1000:
            raise NotConnected(field, {"en": "Please fill this in", "sw": "Tafadhali jaza hapa"})

"""The connection doctor: what is between the provider and us, check by check; what was found is kept until it is looked for again."""

from __future__ import annotations

import asyncio
import logging
import time
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from bot.contacts.phone import e164
from bot.errors import Refused, Retryable
from bot.identity import Principal
from bot.numbers.book import Number, find_number, line_of, put_facts
from bot.numbers.templates import approved_templates, counted, fetch_templates
from bot.provider import Finding, Known, Line, NotConnected, Outcome
from bot.render.template import unsendable, variables
from bot.runtime import Runtime
from bot.unit import open_unit
from store.crypto import keyring
from store.db import fetchval, transaction
from store.directory import last_delivery
from store.identities import Name, find_contact
from store.jsonb import to_jsonb
from store.tenancy import organization_scope

__all__ = ["examine", "examine_all", "refresh", "send_test", "subscribe"]

log = logging.getLogger(__name__)

HEARD_WITHIN_S = 8.0
LOOK_S = 0.25


async def examine(runtime: Runtime, principal: Principal, account_id: UUID, check: str) -> Finding:
    """One check. Asks the provider and our own webhook over HTTP: never inside a transaction.

    Raises:
        UnknownNumber; KeyError: there is no such check.
    """
    principal.require("channels.manage")
    number, line, known = await _prepared(runtime, _organization(principal), account_id)
    found = await runtime.provider.examine(line, check, known)
    await _keep(_organization(principal), number.id, [found])
    return found


async def examine_all(runtime: Runtime, organization_id: UUID, account_id: UUID) -> list[Finding]:
    """Every check, in order; what the provider says of the number and of its templates is brought up to date before."""
    await refresh(runtime, organization_id, account_id)
    number, line, known = await _prepared(runtime, organization_id, account_id)
    checks = runtime.provider.checks
    found = list(await asyncio.gather(*(runtime.provider.examine(line, each, known) for each in checks)))
    await _keep(organization_id, number.id, found)
    bad = [each.check for each in found if each.outcome is Outcome.BAD]
    extra = {"account_id": str(account_id), "bad": ",".join(bad), "action": "number.examined"}
    log.info("number examined", extra=extra)
    return found


async def refresh(runtime: Runtime, organization_id: UUID, account_id: UUID) -> None:
    """What the provider says of the number and its templates, as far as it says anything."""
    with organization_scope(organization_id):
        number = await find_number(organization_id, account_id)
        line = await line_of(runtime, organization_id, number)
        try:
            facts = await runtime.provider.introduce(line)
            async with transaction() as tx:
                await put_facts(tx, organization_id, account_id, facts, runtime.clock.now())
            await fetch_templates(runtime, organization_id, account_id)
        except (NotConnected, Retryable) as e:  # the checks tell it, each its part
            log.info("number not brought up to date", extra={"reason": type(e).__name__})


async def subscribe(runtime: Runtime, principal: Principal, account_id: UUID) -> None:
    """Has the account's deliveries sent to our app. Raises NotConnected, Retryable."""
    principal.require("channels.manage")
    organization_id = _organization(principal)
    _, line, _ = await _prepared(runtime, organization_id, account_id)
    await runtime.provider.subscribe(line)
    async with open_unit(runtime, organization_id, actor=principal.actor) as work:
        work.audit("channel.subscribed", subject=f"channel_accounts:{account_id}")


async def send_test(
    runtime: Runtime, principal: Principal, account_id: UUID, phone: str, *, within_s: float = HEARD_WITHIN_S
) -> Finding:
    """A message to a phone of one's own, and whether Meta's word of it comes back to our webhook: the whole circle.

    Raises:
        Refused: no phone number, or its owner wrote STOP.
    """
    principal.require("channels.manage")
    organization_id = _organization(principal)
    number, line, _ = await _prepared(runtime, organization_id, account_id)
    profile = await runtime.directory.organization(organization_id)
    to = e164(phone, profile.info.country)
    await _must_be_willing(organization_id, to)
    simple = [
        each
        for each in await approved_templates(organization_id, waba_id=number.waba_id)
        if not variables(each.components) and not unsendable(each.components, each.category)
    ]
    simple.sort(key=lambda each: (each.name != "hello_world", each.category != "UTILITY"))
    chosen = (simple[0].name, simple[0].language) if simple else None
    async with open_unit(runtime, organization_id, actor=principal.actor) as work:
        work.audit(
            "channel.test_sent", subject=f"channel_accounts:{account_id}", after={"template": chosen and chosen[0]}
        )
    message_id, found = await runtime.provider.greet(line, to, chosen)
    if message_id:
        found = await _heard(organization_id, account_id, message_id, found, within_s)
    found = found.model_copy(update={"at": runtime.clock.now()})
    await _keep(organization_id, account_id, [found])
    return found


async def _heard(organization_id: UUID, account_id: UUID, message_id: str, found: Finding, within_s: float) -> Finding:
    """Statuses of a message that we have no row of are parked (`message_statuses`)."""
    began = time.monotonic()
    while time.monotonic() - began < within_s:
        status = await fetchval(
            "SELECT status FROM message_statuses WHERE organization_id = $1 AND account_id = $2 AND external_id = $3"
            " ORDER BY (status = 'failed') DESC, received_at LIMIT 1",
            organization_id,
            account_id,
            message_id,
        )
        if status is not None:
            took_ms = round((time.monotonic() - began) * 1000)
            is_good = status != "failed"
            came = {
                "en": f"Meta accepted it, and its “{status}” came to our webhook after {took_ms} ms",
                "sw": f"Meta imeukubali, na “{status}” imefika kwenye webhook yetu baada ya ms {took_ms}",
            }
            mend = {} if is_good else {"en": "Is it a phone with WhatsApp?", "sw": "Je, simu hiyo ina WhatsApp?"}
            outcome = Outcome.GOOD if is_good else Outcome.BAD
            return found.model_copy(update={"came": came, "mend": mend, "outcome": outcome})
        await asyncio.sleep(LOOK_S)
    came = {
        "en": f"Meta accepted it, but nothing came to our webhook within {within_s:.0f} s",
        "sw": f"Meta imeukubali, lakini hakuna kilichofika kwenye webhook yetu ndani ya sekunde {within_s:.0f}",
    }
    mend = {
        "en": "Sending works, receiving does not: look at the account's app, the fields and the signatures above.",
        "sw": "Kutuma kunafanya kazi, kupokea hakufanyi: angalia programu ya akaunti, sehemu na sahihi hapo juu.",
    }
    return found.model_copy(update={"came": came, "mend": mend, "outcome": Outcome.BAD})


async def _must_be_willing(organization_id: UUID, phone: str) -> None:
    keys = await keyring().keys(organization_id)
    async with transaction() as tx:
        contact_id = await find_contact(tx, keys, [Name("phone", "", phone)])
        stopped = await tx.fetchval(
            "SELECT opted_out_at FROM contacts WHERE organization_id = $1 AND id = $2", organization_id, contact_id
        )
    if stopped is not None:
        raise Refused("whoever has this phone wrote STOP: nothing is sent there, not even a test")


async def _prepared(runtime: Runtime, organization_id: UUID, account_id: UUID) -> tuple[Number, Line, Known]:
    with organization_scope(organization_id):
        number = await find_number(organization_id, account_id)
        line = await line_of(runtime, organization_id, number)
        counts = await counted(organization_id, number.waba_id)
    profile = await runtime.directory.organization(organization_id)
    heard: datetime | None = await last_delivery(number.meta_app_id) if number.meta_app_id else None
    known = Known(
        now=runtime.clock.now(),
        state=number.state,
        state_reason=number.state_reason,
        last_delivery_at=heard,
        last_message_at=number.heard_at,
        refused_at=number.refused_at,
        templates=counts,
        templates_at=number.templates_at,
        zone=ZoneInfo(profile.info.timezone),
    )
    return number, line, known


async def _keep(organization_id: UUID, account_id: UUID, found: list[Finding]) -> None:
    with organization_scope(organization_id):
        async with transaction() as tx:
            await tx.execute(
                "UPDATE channel_accounts SET findings = COALESCE(findings, '{}'::jsonb) || $3::jsonb WHERE organization_id = $1 AND id = $2",
                organization_id,
                account_id,
                to_jsonb({each.check: each.model_dump(mode="json") for each in found}),
            )


def _organization(principal: Principal) -> UUID:
    assert principal.organization_id is not None
    return principal.organization_id

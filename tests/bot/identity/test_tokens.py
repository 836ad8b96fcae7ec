"""Tokens of the API and keys for programs."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID

from joserfc import jwt
from joserfc.jwk import OctKey

from bot.identity.access import identify
from bot.identity.api_keys import create_key, list_keys, revoke_key
from bot.identity.errors import NotPossible, SessionEnded, Unauthenticated
from bot.identity.principal import NotAllowed, Principal
from bot.identity.tokens import Tokens, issue, refresh
from store.crypto import keyring
from tests.bot.identity.office import IP, Office, raised, rows


async def _tokens(office: Office, email: str = "jane@savanna.example", role: str = "owner") -> Tokens:
    await office.enrol(email, role)
    signed_in = await office.sign_in(email, kind="api")
    return await issue(office.runtime, signed_in.session_id, signed_in.user_id, office.organization_id)


async def _who(office: Office, token: str, ip: str = IP) -> Principal:
    return await identify(office.runtime, f"Bearer {token}", ip=ip)


async def test_an_access_token_names_person_and_organization_for_fifteen_minutes(office: Office) -> None:
    tokens = await _tokens(office)
    principal = await _who(office, tokens.access)
    assert (principal.kind, principal.organization_id) == ("user", office.organization_id)
    assert principal.may("organization.delete")
    office.later(minutes=14)
    await _who(office, tokens.access)
    office.later(minutes=2)
    await raised(Unauthenticated, _who(office, tokens.access))


async def test_an_access_token_for_another_organization_opens_nothing(office: Office) -> None:
    await office.enrol("jane@savanna.example")
    signed_in = await office.sign_in("jane@savanna.example", kind="api")
    tokens = await issue(office.runtime, signed_in.session_id, signed_in.user_id, office.other_id)
    error = await raised(Exception, _who(office, tokens.access))
    assert "not a member" in str(error)


async def test_forged_tokens_are_refused(office: Office) -> None:
    tokens = await _tokens(office)
    head, body, signature = tokens.access.split(".")
    ours = keyring().master.derive("access tokens")
    decoded = jwt.decode(tokens.access, OctKey.import_key(ours))
    forged = [
        f"{head}.{body}.{signature[:-4]}AAAA",
        f"{head}.{body[:-2]}.{signature}",
        jwt.encode(decoded.header, decoded.claims, OctKey.import_key(b"x" * 32)),
        jwt.encode(
            {**decoded.header, "alg": "HS512"}, decoded.claims, OctKey.import_key(ours * 2), algorithms=["HS512"]
        ),
        jwt.encode(decoded.header, {**decoded.claims, "aud": "other"}, OctKey.import_key(ours)),
        jwt.encode(decoded.header, {k: v for k, v in decoded.claims.items() if k != "exp"}, OctKey.import_key(ours)),
        # {"alg":"none"}
        f"eyJhbGciOiJub25lIn0.{body}.",
    ]
    for each in forged:
        await raised(Unauthenticated, _who(office, each))


async def test_a_refresh_token_is_good_once_and_its_second_use_ends_the_family(office: Office) -> None:
    first = await _tokens(office)
    second = await refresh(office.runtime, first.refresh, organization_id=office.organization_id)
    third = await refresh(office.runtime, second.refresh, organization_id=office.organization_id)
    await _who(office, third.access)
    await raised(SessionEnded, refresh(office.runtime, first.refresh))
    await raised(SessionEnded, refresh(office.runtime, third.refresh))
    await raised(SessionEnded, _who(office, third.access))


async def test_two_that_come_with_one_refresh_token_at_once_do_not_both_get_a_pair(office: Office) -> None:
    tokens = await _tokens(office)
    results = await asyncio.gather(*(refresh(office.runtime, tokens.refresh) for _ in range(4)), return_exceptions=True)
    assert sum(isinstance(each, Tokens) for each in results) == 1


async def test_refresh_tokens_expire_and_are_stored_as_hashes(office: Office) -> None:
    tokens = await _tokens(office)
    assert all(tokens.refresh not in str(tuple(row)) for row in await rows("SELECT * FROM refresh_tokens"))
    office.later(days=31)
    await raised(SessionEnded, refresh(office.runtime, tokens.refresh))
    await raised(SessionEnded, refresh(office.runtime, "cnr_unknown"))


# -- API keys


async def test_a_key_may_what_its_scopes_say(office: Office) -> None:
    owner = await office.principal("jane@savanna.example")
    made = await create_key(office.runtime, owner, name="Website", scopes=["stall.view"], rate_per_min=90)
    principal = await _who(office, made.secret)
    assert (principal.kind, principal.permissions) == ("api_key", {"stall.view"})
    assert (principal.organization_id, principal.rate_per_min) == (office.organization_id, 90)
    kept = await rows("SELECT * FROM api_keys")
    assert made.secret.split("_")[2] not in str([tuple(row) for row in kept])


async def test_nobody_gives_a_key_what_she_has_not(office: Office) -> None:
    admin = await office.principal("adam@savanna.example", "admin")
    error = await raised(NotAllowed, create_key(office.runtime, admin, name="x", scopes=["organization.delete"]))
    assert error.permission == "organization.delete"
    viewer = await office.principal("vera@savanna.example", "viewer")
    await raised(NotAllowed, create_key(office.runtime, viewer, name="x", scopes=["stall.view"]))


async def test_a_key_never_outgrows_who_made_it(office: Office) -> None:
    admin = await office.principal("adam@savanna.example", "admin")
    made = await create_key(office.runtime, admin, name="Sync", scopes=["stall.view", "contacts.phone"])
    await rows("UPDATE memberships SET role = 'viewer' WHERE user_id = $1", admin.id)
    office.later(seconds=6)
    assert (await _who(office, made.secret)).permissions == {"stall.view"}
    await rows("UPDATE memberships SET role = 'owner' WHERE user_id = $1", admin.id)
    office.later(seconds=6)
    assert (await _who(office, made.secret)).permissions == {"stall.view", "contacts.phone"}
    await rows("DELETE FROM memberships WHERE user_id = $1", admin.id)
    office.later(seconds=6)
    await raised(Unauthenticated, _who(office, made.secret))


async def test_a_key_makes_no_keys(office: Office) -> None:
    owner = await office.principal("jane@savanna.example")
    made = await create_key(office.runtime, owner, name="Keys", scopes=["api_keys.manage", "stall.view"])
    key = await _who(office, made.secret)
    await raised(NotPossible, create_key(office.runtime, key, name="more", scopes=["stall.view"]))


async def test_a_key_ends_when_it_is_revoked_or_old(office: Office) -> None:
    owner = await office.principal("jane@savanna.example")
    soon = office.stage.clock.now() + timedelta(days=1)
    made = await create_key(office.runtime, owner, name="Short", scopes=["stall.view"], expires_at=soon)
    other = await create_key(office.runtime, owner, name="Long", scopes=["stall.view"])
    await _who(office, made.secret)
    assert await revoke_key(office.runtime, owner, other.id)
    assert not await revoke_key(office.runtime, owner, other.id)
    assert "revoked" in str(await raised(Unauthenticated, _who(office, other.secret)))
    office.later(days=2)
    assert "expired" in str(await raised(Unauthenticated, _who(office, made.secret)))
    actions = [row["action"] for row in await rows("SELECT action FROM audit_entries ORDER BY at, id")]
    assert actions == ["api_key.created", "api_key.created", "api_key.revoked"]


async def test_keys_of_another_organization_are_neither_seen_nor_revoked(office: Office) -> None:
    owner = await office.principal("jane@savanna.example")
    made = await create_key(office.runtime, owner, name="Ours", scopes=["stall.view"])
    stranger = await office.principal("ali@pwani.example", organization_id=office.other_id)
    assert await list_keys(office.runtime, stranger) == []
    assert not await revoke_key(office.runtime, stranger, made.id)
    await _who(office, made.secret)


async def test_an_internal_key_works_from_its_addresses_only(office: Office) -> None:
    owner = await office.principal("jane@savanna.example")
    await raised(NotPossible, create_key(office.runtime, owner, name="x", scopes=["stall.view"], internal=True))
    made = await create_key(
        office.runtime, owner, name="Biller", scopes=["stall.view"], internal=True, allowed_ips=["10.1.0.0/16", "::1"]
    )
    assert (await _who(office, made.secret, "10.1.2.3")).kind == "internal"
    assert (await _who(office, made.secret, "::ffff:10.1.2.3")).kind == "internal"
    for ip in ("10.2.0.1", "203.0.113.9", "", "nonsense"):
        await raised(Unauthenticated, _who(office, made.secret, ip))
    admin = await office.principal("adam@savanna.example", "admin")
    await raised(
        NotAllowed,
        create_key(office.runtime, admin, name="x", scopes=["stall.view"], internal=True, allowed_ips=["10.0.0.1"]),
    )


async def test_what_is_wrong_with_a_key_is_said_with_its_field(office: Office) -> None:
    owner = await office.principal("jane@savanna.example")
    now = office.stage.clock.now()
    for field, given in {
        "name": {"name": " ", "scopes": ["stall.view"]},
        "scopes": {"name": "x", "scopes": []},
        "expires_at": {"name": "x", "scopes": ["stall.view"], "expires_at": now - timedelta(days=1)},
        "rate_per_min": {"name": "x", "scopes": ["stall.view"], "rate_per_min": 0},
        "allowed_ips": {"name": "x", "scopes": ["stall.view"], "allowed_ips": ["10.0.0.300"]},
    }.items():
        error = await raised(NotPossible, create_key(office.runtime, owner, **given))  # type: ignore[arg-type]
        assert error.field == field


async def test_the_last_use_of_a_key_is_remembered(office: Office) -> None:
    owner = await office.principal("jane@savanna.example")
    made = await create_key(office.runtime, owner, name="Website", scopes=["stall.view"])
    await _who(office, made.secret, "198.51.100.20")
    for _ in range(100):
        (row,) = [each for each in await list_keys(office.runtime, owner) if each.id == made.id]
        if row.last_used_at is not None:
            break
        await asyncio.sleep(0.02)
    assert row.last_used_ip == "198.51.100.20"


async def test_limits_of_who_made_it_hold_for_a_key(office: Office) -> None:
    event = UUID(int=7)
    owner = await office.principal("jane@savanna.example")
    made = await create_key(office.runtime, owner, name="Website", scopes=["stall.view", "contacts.phone"])
    await rows("UPDATE memberships SET events = $2::jsonb WHERE user_id = $1", owner.id, f'["{event}"]')
    office.later(seconds=6)
    key = await _who(office, made.secret)
    assert key.may("stall.view", event=event)
    assert not key.may("stall.view", event=UUID(int=8))
    assert not key.may("contacts.phone")

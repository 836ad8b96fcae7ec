"""Signing in: tries, sessions, the second step."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import pyotp
import pytest

from bot.identity import second_factor
from bot.identity.access import identify, organizations_of, principal_of_session, sign_in, sign_out
from bot.identity.errors import (
    NeedsSecondFactor,
    NotAMember,
    SecondFactorRequired,
    SessionEnded,
    TooManyTries,
    Unauthenticated,
    WrongCode,
    WrongCredentials,
)
from bot.identity.passwords import hash_password
from bot.identity.roles import PLATFORM
from bot.identity.settings import IdentitySettings
from store import people
from tests.bot.identity.office import PASSWORD, Office, raised, rows


async def test_who_signs_in_may_what_the_role_says(office: Office) -> None:
    await office.enrol("jane@savanna.example", "event_manager")
    signed_in = await office.sign_in(" Jane@Savanna.example ")
    assert [place.name for place in signed_in.organizations] == ["Savanna Events"]
    principal = await office.who(signed_in)
    assert principal.may("stall.edit")
    assert not principal.may("users.manage")


async def test_a_wrong_password_and_an_unknown_address_are_told_apart_by_nothing(office: Office) -> None:
    await office.enrol("jane@savanna.example")
    wrong = await raised(WrongCredentials, office.sign_in("jane@savanna.example", "wrong password 1"))
    unknown = await raised(WrongCredentials, office.sign_in("nobody@savanna.example", "wrong password 1"))
    assert str(wrong) == str(unknown)
    assert type(wrong) is type(unknown)


async def test_an_unknown_address_takes_as_long_as_a_wrong_password(office: Office) -> None:
    slow = IdentitySettings(argon2_memory_kib=65_536, argon2_passes=6)
    hashed = await hash_password(slow, PASSWORD)

    async def shortest(against: str) -> float:
        from bot.identity.passwords import verify_password

        await verify_password(slow, against, "another one")  # the first makes what the unknown are compared with
        times = []
        for _ in range(3):
            before = time.perf_counter()
            assert not await verify_password(slow, against, "another one")
            times.append(time.perf_counter() - before)
        return min(times)

    known, unknown = await shortest(hashed), await shortest("")
    assert unknown > known / 3


async def test_wrong_passwords_cost_ever_longer_waits_and_the_right_one_ends_them(office: Office) -> None:
    await office.enrol("jane@savanna.example")
    for _ in range(6):
        await raised(WrongCredentials, office.sign_in("jane@savanna.example", "wrong password 1"))
    first = await raised(TooManyTries, office.sign_in("jane@savanna.example"))
    assert 0 < first.after_s <= 2
    office.later(seconds=first.after_s + 0.1)
    await raised(WrongCredentials, office.sign_in("jane@savanna.example", "wrong password 1"))
    second = await raised(TooManyTries, office.sign_in("jane@savanna.example"))
    assert second.after_s > first.after_s
    office.later(seconds=second.after_s + 0.1)
    await office.sign_in("jane@savanna.example")
    await raised(WrongCredentials, office.sign_in("jane@savanna.example", "wrong password 1"))
    await office.sign_in("jane@savanna.example")


async def test_the_wait_never_grows_beyond_a_quarter_of_an_hour(office: Office) -> None:
    await office.enrol("jane@savanna.example")
    longest = 0.0
    for _ in range(40):
        error = await raised(Unauthenticated, office.sign_in("jane@savanna.example", "wrong password 1"))
        if isinstance(error, TooManyTries):
            longest = max(longest, error.after_s)
            office.later(seconds=error.after_s + 0.1)
    assert 800 < longest <= 900


async def test_tries_at_the_same_moment_are_all_counted(office: Office) -> None:
    await office.enrol("jane@savanna.example")
    tries = [raised(Unauthenticated, office.sign_in("jane@savanna.example", "wrong password 1")) for _ in range(20)]
    errors = await asyncio.gather(*tries)
    assert sum(isinstance(error, WrongCredentials) for error in errors) == 6
    assert sum(isinstance(error, TooManyTries) for error in errors) == 14


async def test_strangers_tries_do_not_lock_out_who_comes_from_a_known_address(office: Office) -> None:
    await office.enrol("jane@savanna.example")
    await office.sign_in("jane@savanna.example", ip="198.51.100.7")
    for _ in range(8):
        await raised(Unauthenticated, office.sign_in("jane@savanna.example", "wrong password 1", ip="192.0.2.66"))
    await raised(TooManyTries, office.sign_in("jane@savanna.example", ip="192.0.2.66"))
    await office.sign_in("jane@savanna.example", ip="198.51.100.7")


async def test_one_address_that_tries_many_accounts_waits_too(office: Office) -> None:
    for n in range(31):
        await raised(WrongCredentials, office.sign_in(f"someone{n}@savanna.example", "wrong password 1"))
    await raised(TooManyTries, office.sign_in("someone99@savanna.example", "wrong password 1"))
    await raised(WrongCredentials, office.sign_in("someone99@savanna.example", "wrong password 1", ip="198.51.100.8"))


async def test_stored_tries_name_nobody(office: Office) -> None:
    await raised(WrongCredentials, office.sign_in("secret.admirer@savanna.example", "wrong password 1"))
    kept = await rows("SELECT key FROM sign_in_tries")
    assert kept
    assert not any("admirer" in row["key"] for row in kept)


async def test_a_stronger_hash_takes_hold_with_the_next_sign_in(office: Office) -> None:
    user_id = await office.enrol("jane@savanna.example")
    weak = await hash_password(IdentitySettings(argon2_memory_kib=8_192, argon2_passes=2), PASSWORD)
    await people.put_password(user_id, weak, office.stage.clock.now())
    await office.sign_in("jane@savanna.example")
    found = await people.person(user_id)
    assert found is not None
    assert found.password_hash != weak
    assert found.password_hash.startswith("$argon2id$v=19$m=8192,t=1,")
    await office.sign_in("jane@savanna.example")


# -- sessions


async def test_signed_out_is_signed_out_at_once(office: Office) -> None:
    await office.enrol("jane@savanna.example")
    signed_in = await office.sign_in("jane@savanna.example")
    await office.who(signed_in)
    await sign_out(signed_in.session_id)
    await raised(SessionEnded, office.who(signed_in))


async def test_a_session_ends_when_it_is_old_or_idle(office: Office) -> None:
    await office.enrol("jane@savanna.example")
    idle = await office.sign_in("jane@savanna.example")
    office.later(hours=71)
    await office.who(idle)
    office.later(hours=71)
    await office.who(idle)  # the visit was counted
    office.later(hours=73)
    await raised(SessionEnded, office.who(idle))
    old = await office.sign_in("jane@savanna.example")
    for _ in range(11):
        office.later(hours=60)
        await office.who(old)
    office.later(hours=61)
    await raised(SessionEnded, office.who(old))


async def test_another_organization_stays_closed(office: Office) -> None:
    await office.enrol("jane@savanna.example")
    signed_in = await office.sign_in("jane@savanna.example")
    await raised(NotAMember, office.who(signed_in, office.other_id))
    assert [each.organization_id for each in await organizations_of(signed_in.user_id)] == [office.organization_id]


async def test_a_person_of_two_organizations_has_each_ones_role(office: Office) -> None:
    await office.enrol("jane@savanna.example", "owner")
    await office.enrol("jane@savanna.example", "viewer", organization_id=office.other_id)
    signed_in = await office.sign_in("jane@savanna.example")
    assert {place.role for place in signed_in.organizations} == {"owner", "viewer"}
    assert (await office.who(signed_in)).may("organization.delete")
    assert not (await office.who(signed_in, office.other_id)).may("organization.edit")


async def test_without_an_organization_one_may_nothing_but_the_platforms_own_may_theirs(office: Office) -> None:
    await office.enrol("jane@savanna.example")
    await office.enrol("root@chatnation.example", "platform_admin", organization_id=None)
    jane, root = await office.sign_in("jane@savanna.example"), await office.sign_in("root@chatnation.example")
    assert (await principal_of_session(office.runtime, jane.session_id, None)).permissions == frozenset()
    assert (await principal_of_session(office.runtime, root.session_id, None)).permissions == PLATFORM
    await raised(NotAMember, office.who(root))


async def test_a_membership_that_says_platform_admin_gives_nothing(office: Office) -> None:
    principal = await office.principal("jane@savanna.example", "owner")
    await rows("UPDATE memberships SET role = 'platform_admin' WHERE user_id = $1", principal.id)
    office.later(seconds=6)
    assert principal.session_id is not None
    assert (await office.who(principal.session_id)).permissions == frozenset()


async def test_a_suspended_organization_opens_to_nobody(office: Office) -> None:
    principal = await office.principal("jane@savanna.example")
    await rows("UPDATE organizations SET suspended_at = now() WHERE id = $1", office.organization_id)
    office.later(seconds=6)
    assert principal.session_id is not None
    error = await raised(NotAMember, office.who(principal.session_id))
    assert "suspended" in str(error)


async def test_the_application_cannot_read_what_proves_who_people_are(office: Office) -> None:
    import asyncpg

    from store.db import fetch
    from store.tenancy import organization_scope

    await office.enrol("jane@savanna.example")
    for table in ("user_credentials", "user_sessions", "refresh_tokens", "mailed_tokens", "sign_in_tries"):
        with organization_scope(office.organization_id), pytest.raises(asyncpg.InsufficientPrivilegeError):
            await fetch(f"SELECT * FROM {table}")
    with organization_scope(office.organization_id):
        assert len(await fetch("SELECT email FROM users")) == 1
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await fetch("UPDATE users SET email = 'x@y.z' RETURNING id")
    with organization_scope(office.other_id):
        assert await fetch("SELECT email FROM users") == []


# -- the second step


async def _with_app(office: Office, email: str = "jane@savanna.example") -> tuple[pyotp.TOTP, list[str]]:
    principal = await office.principal(email)
    setup = await second_factor.begin(office.runtime, principal)
    assert setup.qr_svg.startswith("<svg")
    app = pyotp.TOTP(setup.secret)
    codes = await second_factor.confirm(office.runtime, principal, app.at(office.stage.clock.now()))
    office.later(seconds=60)
    return app, codes


async def test_the_second_step_is_asked_for_after_the_password(office: Office) -> None:
    app, _ = await _with_app(office)
    await raised(WrongCredentials, office.sign_in("jane@savanna.example", "wrong password 1"))
    await raised(NeedsSecondFactor, office.sign_in("jane@savanna.example"))
    await raised(WrongCode, office.sign_in("jane@savanna.example", code="000000"))
    signed_in = await office.sign_in("jane@savanna.example", code=app.at(office.stage.clock.now()))
    assert (await office.who(signed_in)).may("organization.edit")


async def test_a_code_counts_once(office: Office) -> None:
    app, _ = await _with_app(office)
    code = app.at(office.stage.clock.now())
    await office.sign_in("jane@savanna.example", code=code)
    await raised(WrongCode, office.sign_in("jane@savanna.example", code=code))


async def test_a_recovery_code_counts_once_and_is_kept_as_a_hash(office: Office) -> None:
    _, codes = await _with_app(office)
    await office.sign_in("jane@savanna.example", code=codes[3].upper())
    await raised(WrongCode, office.sign_in("jane@savanna.example", code=codes[3]))
    kept = {row["code_hash"] for row in await rows("SELECT code_hash FROM user_recovery_codes")}
    assert len(kept) == 10
    assert not kept & set(codes)


async def test_the_right_password_without_a_code_does_not_set_the_count_of_wrong_codes_back(office: Office) -> None:
    await _with_app(office)
    refused = 0
    for _ in range(12):
        try:
            await office.sign_in("jane@savanna.example")
        except NeedsSecondFactor:
            pass
        except TooManyTries:
            break
        await raised(Unauthenticated, office.sign_in("jane@savanna.example", code="000000"))
        refused += 1
    assert refused < 12


async def test_an_organization_can_ask_for_the_second_step(office: Office) -> None:
    await office.enrol("jane@savanna.example")
    signed_in = await office.sign_in("jane@savanna.example")
    await rows(
        """UPDATE organizations SET settings = '{"security": {"require_second_factor": true}}' WHERE id = $1""",
        office.organization_id,
    )
    error = await raised(SecondFactorRequired, office.who(signed_in))
    assert not error.is_set_up
    herself = await principal_of_session(office.runtime, signed_in.session_id, None)
    setup = await second_factor.begin(office.runtime, herself)
    await second_factor.confirm(office.runtime, herself, pyotp.TOTP(setup.secret).at(office.stage.clock.now()))
    assert (await office.who(signed_in)).may("organization.edit")


async def test_other_browsers_need_the_code_once_it_is_on(office: Office) -> None:
    await office.enrol("jane@savanna.example")
    other = await office.sign_in("jane@savanna.example")
    app, _ = await _with_app(office)
    error = await raised(SecondFactorRequired, office.who(other))
    assert error.is_set_up
    await raised(WrongCode, second_factor.confirm_session(office.runtime, other.session_id, "000000"))
    await second_factor.confirm_session(office.runtime, other.session_id, app.at(office.stage.clock.now()))
    await office.who(other)


async def test_turning_it_off_needs_a_code_and_stands_in_the_audit_log(office: Office) -> None:
    app, _ = await _with_app(office)
    signed_in = await office.sign_in("jane@savanna.example", code=app.at(office.stage.clock.now()))
    principal = await office.who(signed_in)
    await raised(WrongCode, second_factor.turn_off(office.runtime, principal, "000000"))
    office.later(seconds=60)
    await second_factor.turn_off(office.runtime, principal, app.at(office.stage.clock.now()))
    await office.sign_in("jane@savanna.example")
    actions = [row["action"] for row in await rows("SELECT action FROM audit_entries ORDER BY at")]
    assert actions == ["second_factor.on", "second_factor.off"]


async def test_who_is_impersonated_keeps_her_own_second_step(office: Office) -> None:
    principal = await office.principal("jane@savanna.example")
    as_her = replace(principal, impersonated_by=principal.id)
    with pytest.raises(Exception, match="only people themselves"):
        await second_factor.begin(office.runtime, as_her)


async def test_a_request_without_a_bearer_is_nobody(office: Office) -> None:
    for header in (
        None,
        "",
        "Basic abc",
        "Bearer",
        "Bearer ",
        "Bearer nonsense",
        "Bearer a.b.c",
        "Bearer cn_x",
        "Bearer cn_a_b",
    ):
        await raised(Unauthenticated, identify(office.runtime, header, ip="203.0.113.9"))


async def test_the_secret_of_the_app_is_sealed(office: Office) -> None:
    app, _ = await _with_app(office)
    sealed = (await rows("SELECT sealed_totp FROM user_credentials"))[0]["sealed_totp"]
    assert app.secret.encode() not in sealed


def test_sign_in_is_what_others_call() -> None:
    assert sign_in.__module__ == "bot.identity.access"

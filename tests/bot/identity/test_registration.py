"""Coming in: registering, confirming an address, a forgotten password, one's own sessions."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bot.config import Configuration
from bot.identity import profile
from bot.identity.access import SignedIn, principal_of_session
from bot.identity.errors import (
    LinkSpent,
    NotPossible,
    SessionEnded,
    TooManyTries,
    Unauthenticated,
    WeakPassword,
    WrongCredentials,
)
from bot.identity.passwords import check_password
from bot.identity.registration import found_organization, register, send_verification, verify_email
from bot.testing.people import QUICK_HASHES
from store import people
from store.crypto import keyring
from tests.bot.identity.office import IP, PASSWORD, Office, raised, rows, token_of

NEW = "umbrella beside the lake"


async def _register(office: Office, **more: Any) -> SignedIn:
    given = {
        "organization": "Lake Fair",
        "name": "Nia Odhiambo",
        "email": "nia@lake.example",
        "password": PASSWORD,
        "ip": IP,
        "user_agent": "Firefox",
        **more,
    }
    return await register(office.runtime, **given)


async def test_who_registers_owns_a_working_organization(office: Office) -> None:
    signed_in = await _register(office, locale="sw")
    (place,) = signed_in.organizations
    assert (place.name, place.slug, place.role) == ("Lake Fair", "lake-fair", "owner")
    principal = await principal_of_session(office.runtime, signed_in.session_id, place.organization_id)
    assert principal.may("organization.delete")
    assert principal.may("stall.edit")  # the default skills are on
    keyring().forget(place.organization_id)
    keys = await keyring().keys(place.organization_id)  # and its data key is kept
    assert keys.open_text(keys.seal_text("x", table="t", column="c"), table="t", column="c") == "x"
    actions = await rows("SELECT action FROM audit_entries WHERE organization_id = $1", place.organization_id)
    assert [row["action"] for row in actions] == ["organization.registered"]


async def test_two_organizations_of_one_name_have_two_slugs(office: Office) -> None:
    first = await _register(office)
    second = await _register(office, email="other@lake.example")
    assert [each.organizations[0].slug for each in (first, second)] == ["lake-fair", "lake-fair-2"]


async def test_an_address_registers_once_and_leaves_nothing_behind(office: Office) -> None:
    await _register(office)
    before = await rows("SELECT count(*) AS n FROM organizations")
    error = await raised(NotPossible, _register(office, organization="Again", email="NIA@lake.example"))
    assert (error.reason, error.field) == ("taken", "email")
    assert await rows("SELECT count(*) AS n FROM organizations") == before


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("email", {"email": "nia"}),
        ("email", {"email": "nia@lake.example\nBcc: all@lake.example"}),
        ("email", {"email": "a b@lake.example"}),
        ("organization", {"organization": "  "}),
        ("name", {"name": "x" * 300}),
        ("country", {"country": "Kenya"}),
        ("locale", {"locale": "xx"}),
        ("timezone", {"timezone": "Nairobi/../../etc"}),
    ],
)
async def test_what_is_wrong_is_said_with_its_field(office: Office, field: str, given: dict[str, str]) -> None:
    error = await raised(NotPossible, _register(office, **given))
    assert error.field == field


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("short", "short"),
        ("x" * 201, "long"),
        ("aaaaaaaaaaaaaa", "simple"),
        ("1234567890", "simple"),
        ("abcdefghijkl", "simple"),
        ("Password123!", "common"),
        ("nia.odhiambo1", "own"),
    ],
)
def test_weak_passwords_are_refused_with_the_mend(password: str, reason: str) -> None:
    with pytest.raises(WeakPassword) as caught:
        check_password(password, email="nia.odhiambo@lake.example", name="Nia Odhiambo")
    assert caught.value.reason == reason


def test_words_are_a_password() -> None:
    check_password(PASSWORD, email="nia@lake.example", name="Nia")
    check_password("pass-the-salt-please", email="nia@lake.example")


async def test_many_registrations_from_one_address_slow_down(office: Office) -> None:
    for n in range(11):
        await _register(office, email=f"nia{n}@lake.example")
    await raised(TooManyTries, _register(office, email="nia99@lake.example"))


async def test_registering_can_be_closed(office: Office) -> None:
    closed = Configuration.read({**QUICK_HASHES, "CHATNATION__IDENTITY__REGISTER_OPEN": "false"})
    office.runtime.configuration = closed
    assert (await raised(NotPossible, _register(office))).reason == "closed"


async def test_somebody_known_registers_another_organization(office: Office) -> None:
    owner = await office.principal("jane@savanna.example")
    made = await found_organization(office.runtime, owner, organization="Second")
    assert owner.session_id is not None
    assert (await office.who(owner.session_id, made)).may("organization.delete")


# -- the address


async def test_the_letter_confirms_the_address_once(office: Office) -> None:
    signed_in = await _register(office, locale="sw")
    letter = await office.letter()
    assert letter.to == "nia@lake.example"
    assert letter.subject == "Thibitisha barua pepe yako"
    token = token_of(letter)
    assert token in letter.html
    assert await verify_email(office.runtime, token) == signed_in.user_id
    person = await people.person(signed_in.user_id)
    assert person is not None
    assert person.email_verified_at is not None
    assert (await raised(LinkSpent, verify_email(office.runtime, token))).reason == "used"
    assert (await raised(LinkSpent, verify_email(office.runtime, "nonsense"))).reason == "unknown"


async def test_an_old_letter_says_what_to_do(office: Office) -> None:
    signed_in = await _register(office)
    token = token_of(await office.letter())
    office.later(hours=49)
    error = await raised(LinkSpent, verify_email(office.runtime, token))
    assert error.reason == "expired"
    assert "new letter" in str(error)
    await send_verification(office.runtime, await principal_of_session(office.runtime, signed_in.session_id, None))
    newer = token_of(await office.letter(2))
    await verify_email(office.runtime, newer)


async def test_only_the_newest_letter_counts(office: Office) -> None:
    signed_in = await _register(office)
    first = token_of(await office.letter())
    await send_verification(office.runtime, await principal_of_session(office.runtime, signed_in.session_id, None))
    await office.letter(2)
    assert (await raised(LinkSpent, verify_email(office.runtime, first))).reason == "used"


async def test_a_new_address_counts_when_its_letter_is_answered(office: Office) -> None:
    owner = await office.principal("jane@savanna.example")
    await raised(
        WrongCredentials,
        profile.change_email(office.runtime, owner, "jane@new.example", password="not her password"),
    )
    await profile.change_email(office.runtime, owner, "jane@new.example", password=PASSWORD)
    await office.sign_in("jane@savanna.example")
    letter = await office.letter()
    assert letter.to == "jane@new.example"
    await verify_email(office.runtime, token_of(letter))
    await office.sign_in("jane@new.example")
    await raised(WrongCredentials, office.sign_in("jane@savanna.example"))


async def test_an_address_of_somebody_else_gets_no_letter(office: Office) -> None:
    owner = await office.principal("jane@savanna.example")
    await office.enrol("ann@savanna.example")
    await profile.change_email(office.runtime, owner, "ann@savanna.example", password=PASSWORD)
    assert office.letters == []


# -- a forgotten password


async def _reset_token(office: Office, email: str = "jane@savanna.example") -> str:
    sent = len(office.letters)
    await profile.request_reset(office.runtime, email, ip=IP)
    return token_of(await office.letter(sent + 1))


async def test_a_new_password_ends_every_session_and_the_wait(office: Office) -> None:
    owner = await office.principal("jane@savanna.example")
    for _ in range(7):
        await raised(Unauthenticated, office.sign_in("jane@savanna.example", "wrong password 1"))
    await raised(TooManyTries, office.sign_in("jane@savanna.example"))
    token = await _reset_token(office)
    assert await profile.read_reset(office.runtime, token) == "jane@savanna.example"
    await raised(WeakPassword, profile.reset_password(office.runtime, token, "short"))
    await profile.reset_password(office.runtime, token, NEW)
    assert owner.session_id is not None
    await raised(SessionEnded, office.who(owner.session_id))
    await office.sign_in("jane@savanna.example", NEW)
    await raised(WrongCredentials, office.sign_in("jane@savanna.example"))
    error = await raised(LinkSpent, profile.reset_password(office.runtime, token, NEW + "s"))
    assert error.reason == "used"
    assert (await office.letter(2)).subject == "Your password was changed"
    assert [row["action"] for row in await rows("SELECT action FROM audit_entries")] == ["password.reset"]


async def test_two_that_use_one_link_at_once_do_not_both_win(office: Office) -> None:
    await office.enrol("jane@savanna.example")
    token = await _reset_token(office)
    both = await asyncio.gather(
        profile.reset_password(office.runtime, token, NEW),
        profile.reset_password(office.runtime, token, NEW + " too"),
        return_exceptions=True,
    )
    assert sorted(type(each) for each in both if each is not None) == [LinkSpent]


async def test_a_link_for_one_thing_does_no_other(office: Office) -> None:
    await office.enrol("jane@savanna.example")
    token = await _reset_token(office)
    assert (await raised(LinkSpent, verify_email(office.runtime, token))).reason == "unknown"
    await _register(office)
    other = token_of(await office.letter(2))
    assert (await raised(LinkSpent, profile.reset_password(office.runtime, other, NEW))).reason == "unknown"


async def test_a_link_to_reset_lives_an_hour(office: Office) -> None:
    await office.enrol("jane@savanna.example")
    token = await _reset_token(office)
    office.later(minutes=61)
    error = await raised(LinkSpent, profile.reset_password(office.runtime, token, NEW))
    assert error.reason == "expired"
    assert "Forgot password" in str(error)


async def test_nobody_learns_who_has_an_account(office: Office) -> None:
    await profile.request_reset(office.runtime, "nobody@savanna.example", ip=IP)
    await asyncio.sleep(0.1)
    assert office.letters == []


async def test_letters_to_reset_are_not_sent_without_end(office: Office) -> None:
    await office.enrol("jane@savanna.example")
    for _ in range(4):
        await profile.request_reset(office.runtime, "jane@savanna.example", ip=IP)
    await raised(TooManyTries, profile.request_reset(office.runtime, "jane@savanna.example", ip=IP))


async def test_links_are_kept_as_hashes(office: Office) -> None:
    await office.enrol("jane@savanna.example")
    token = await _reset_token(office)
    assert all(token not in str(tuple(row)) for row in await rows("SELECT * FROM mailed_tokens"))


# -- one's own


async def test_a_changed_password_signs_out_everywhere_else(office: Office) -> None:
    owner = await office.principal("jane@savanna.example")
    other = await office.sign_in("jane@savanna.example")
    await raised(WrongCredentials, profile.change_password(office.runtime, owner, current="not her password", new=NEW))
    await profile.change_password(office.runtime, owner, current=PASSWORD, new=NEW)
    assert owner.session_id is not None
    await office.who(owner.session_id)
    await raised(SessionEnded, office.who(other))


async def test_guessing_the_current_password_slows_down(office: Office) -> None:
    owner = await office.principal("jane@savanna.example")
    for _ in range(6):
        await raised(
            WrongCredentials, profile.change_password(office.runtime, owner, current="wrong password", new=NEW)
        )
    await raised(TooManyTries, profile.change_password(office.runtime, owner, current=PASSWORD, new=NEW))


async def test_sessions_are_listed_and_revoked_by_their_owner_only(office: Office) -> None:
    owner = await office.principal("jane@savanna.example")
    phone = await office.sign_in("jane@savanna.example", user_agent="Phone", ip="198.51.100.4")
    stranger = await office.principal("ali@savanna.example")
    listed = await profile.list_sessions(office.runtime, owner)
    assert {(each.row.user_agent, each.row.ip, each.is_current) for each in listed} == {
        ("Firefox", IP, True),
        ("Phone", "198.51.100.4", False),
    }
    assert not await profile.revoke_session(stranger, phone.session_id)
    await office.who(phone)
    assert await profile.revoke_session(owner, phone.session_id)
    await raised(SessionEnded, office.who(phone))
    await office.sign_in("jane@savanna.example")
    assert await profile.revoke_other_sessions(owner) == 1
    assert len(await profile.list_sessions(office.runtime, owner)) == 1


async def test_name_and_language_are_ones_own(office: Office) -> None:
    owner = await office.principal("jane@savanna.example")
    await profile.change_profile(owner, name="  Jane   Wanjiru ", locale="sw")
    found = await profile.read_profile(owner)
    assert (found.name, found.locale, found.has_password, found.has_second_factor) == (
        "Jane Wanjiru",
        "sw",
        True,
        False,
    )
    assert (await raised(NotPossible, profile.change_profile(owner, name="Jane", locale="xx"))).field == "locale"

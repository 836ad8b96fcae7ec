"""Slips in the domain of an e-mail address."""

from __future__ import annotations

import pytest

from bot.understand.addresses import likely_email


@pytest.mark.parametrize(
    "domain", ["gmial.com", "gmal.com", "gmaill.com", "gnail.com", "gmail.con", "gmail.co", "GMIAL.com"]
)
def test_one_slip_from_a_common_domain_is_doubted(domain: str) -> None:
    assert likely_email(f"Ann.N@{domain}") == "Ann.N@gmail.com"


@pytest.mark.parametrize(
    "address",
    [
        "a@gmail.com",
        "a@Gmail.com",
        "a@ymail.com",
        "a@mail.com",
        "a@example.com",
        "a@gmlia.com",
        "a@gm.com",
        "gmial.com",
        "",
        "a@",
    ],
)
def test_other_addresses_are_taken_as_they_are(address: str) -> None:
    assert likely_email(address) is None


def test_the_nearest_is_proposed() -> None:
    assert likely_email("a@yaho.com") == "a@yahoo.com"
    assert likely_email("a@hotmial.com") == "a@hotmail.com"
    assert likely_email("a@outlok.com") == "a@outlook.com"

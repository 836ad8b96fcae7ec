"""Only what Meta signed with a secret of ours gets in; no header makes verification raise."""

from __future__ import annotations

import hashlib
import hmac

import pytest

from channels.whatsapp.signature import sign, verify

BODY = b'{"text":"Habari \\ud83d\\udc4b \\u00e5"}'
SECRET, OTHER = b"app secret", b"other secret"


def test_a_signature_is_hmac_sha256_of_the_raw_bytes() -> None:
    assert sign(BODY, SECRET) == "sha256=" + hmac.new(SECRET, BODY, hashlib.sha256).hexdigest()


def test_the_secret_that_signed_is_named() -> None:
    assert verify(BODY, sign(BODY, SECRET), [SECRET]) == 0
    assert verify(BODY, sign(BODY, SECRET), [OTHER, SECRET]) == 1
    assert verify(BODY, sign(BODY, SECRET), [SECRET, SECRET]) == 0


def test_hex_may_be_upper_case() -> None:
    assert verify(BODY, sign(BODY, SECRET).upper(), [SECRET]) == 0


def test_the_same_json_in_other_bytes_is_not_signed() -> None:
    assert verify('{"text":"Habari 👋 å"}'.encode(), sign(BODY, SECRET), [SECRET]) is None


@pytest.mark.parametrize(
    "header",
    [None, "", "sha256=", "sha256", "sha1=" + "0" * 40, "sha256=" + "0" * 64, "sha256=ÿ\u0100\ud83d", "é" * 71, "\x00"],
)
def test_a_missing_or_wrong_header_is_refused(header: str | None) -> None:
    assert verify(BODY, header, [SECRET]) is None


def test_without_secrets_nothing_is_trusted() -> None:
    assert verify(BODY, sign(BODY, SECRET), []) is None

"""The conformance table is true to itself: every test it names exists, every difference is explained, the page is up to date."""

from __future__ import annotations

import re

from tests.support.conformance import ORACLES, PAGE, STATUSES, named_tests, page, read_rows
from tests.support.diagnostics import PAGE as DIAGNOSTICS
from tests.support.diagnostics import codes


def test_every_row_is_there() -> None:
    assert [data["row"] for data, _ in read_rows()] == list("ABCDEFGHIJKLMNO")


def test_every_feature_is_told_properly() -> None:
    for _, features in read_rows():
        for feature in features:
            assert feature.status in STATUSES, feature
            assert feature.oracle in ORACLES, feature
            assert feature.status == "full" or feature.note, f"{feature.row}: {feature.feature} says not why"
            assert feature.tests or feature.status == "accepted-ignored", (
                f"{feature.row}: {feature.feature} has no test"
            )


def test_every_test_that_is_named_exists() -> None:
    missing = [
        name
        for _, features in read_rows()
        for feature in features
        for name in feature.tests
        if name.partition("::")[2] not in named_tests(name.partition("::")[0])
    ]
    assert missing == []


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text() == page(), "run python -m tests.support.conformance"


def test_every_code_of_a_finding_is_on_its_page() -> None:
    listed = re.findall(r"^\| (CN-[A-Z]+-\d{3}) ", DIAGNOSTICS.read_text(), re.MULTILINE)
    assert listed == sorted(codes()), "run python -m tests.support.diagnostics"

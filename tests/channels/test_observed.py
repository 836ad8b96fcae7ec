"""Every request is measured under its route and belongs to a trace."""

from __future__ import annotations

import logging

import aiohttp
import pytest

from bot.metrics import REGISTRY
from store.metrics import statement_name
from tests.channels.posts import delivery, item, post
from tests.support.world import World


@pytest.mark.parametrize(
    ("method", "path", "labels"),
    [
        ("GET", "/healthz", ("GET", "/healthz", "200")),
        ("GET", "/nowhere/254711000001", ("GET", "unmatched", "404")),
        ("PROPFIND", "/webhooks/whatsapp", ("other", "unmatched", "405")),
        ("POST", "/webhooks/whatsapp", ("POST", "/webhooks/whatsapp", "403")),
    ],
)
async def test_a_request_is_counted_under_its_route_never_under_its_address(
    world: World, method: str, path: str, labels: tuple[str, str, str]
) -> None:
    before = _count(labels)
    async with aiohttp.ClientSession() as session, session.request(method, world.web_url + path) as answer:
        assert str(answer.status) == labels[2]
    assert _count(labels) == before + 1


async def test_a_delivery_that_is_refused_is_told_with_a_trace_and_without_its_words(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, logger="channels.webhooks"):
        assert await post(world, delivery((world.people[0], {"messages": [item("my secret")]})), secret="wrong") == 403
    [record] = [each for each in caplog.records if each.name == "channels.webhooks"]
    assert record.__dict__["action"] == "delivery.refused"
    assert "my secret" not in str(record.__dict__)


def test_a_statement_is_named_by_its_function_or_by_verb_and_table() -> None:
    assert statement_name("SELECT * FROM cn_claim($1, $2)") == "cn_claim"
    assert (
        statement_name("WITH raw AS (INSERT INTO webhook_deliveries (id) SELECT 1) SELECT a.* FROM cn_accept($1) a")
        == "cn_accept"
    )
    assert statement_name('SELECT "id" FROM "contacts" WHERE "id"=$1') == "select contacts"
    assert statement_name("  insert into inbox (id) values ($1)") == "insert inbox"
    assert statement_name("BEGIN; SET LOCAL app.current_org = '0192f0c1-2345-7abc-8def-0123456789ab'") == "begin"
    assert statement_name("COMMIT") == "commit"
    assert statement_name("SELECT 1") == "select"
    assert statement_name("VACUUM") == "other"


def _count(labels: tuple[str, str, str]) -> float:
    named = dict(zip(("method", "route", "status"), labels, strict=True))
    return REGISTRY.get_sample_value("http_request_duration_seconds_count", named) or 0

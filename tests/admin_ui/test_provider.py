"""Signing in through an OpenID provider by the pages: out to it over real HTTP, and back with what it gave."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import oidc_provider_mock
import pytest
from nicegui.testing import User
from oidc_provider_mock import User as Known

from bot.config import Configuration
from bot.testing.people import QUICK_HASHES, enrol
from tests.admin_ui.desk import Desks

# The provider for tests calls what its own libraries will drop.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:authlib", "ignore:authlib.jose")

PEOPLE = (
    Known(sub="1", claims={"email": "jane@savanna.example", "email_verified": True, "name": "Jane Wanjiru"}),
    Known(sub="2", claims={"email": "nia@lake.example", "email_verified": True, "name": "Nia Odhiambo"}),
)


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    with oidc_provider_mock.run_server_in_thread(user_claims=PEOPLE, require_nonce=True) as server:
        yield f"http://localhost:{server.server_port}"


@pytest.fixture
def with_provider(desks: Desks, provider: str) -> Desks:
    given = {"CLIENT_ID": "chatnation", "CLIENT_SECRET": "a secret of ours", "ISSUER": provider, "LABEL": "Lake login"}
    desks.runtime.configuration = Configuration.read(
        QUICK_HASHES | {f"CHATNATION__IDENTITY__OIDC__{name}": value for name, value in given.items()}
    )
    return desks


async def go_there(user: User, sub: str, path: str = "/auth/oidc") -> str:
    """Says at the provider who one is; the address to which it sends back."""
    out = await user.http_client.get(path)
    assert out.status_code == 303
    async with httpx.AsyncClient() as elsewhere:
        back = await elsewhere.post(out.headers["location"], data={"sub": sub})
    assert back.status_code == 302, back.text
    return back.headers["location"].removeprefix("http://127.0.0.1:3000")


async def test_a_member_comes_in_and_goes_on_where_she_wanted_to(with_provider: Desks) -> None:
    desks = with_provider
    await enrol(desks.runtime, desks.organization_id, "jane@savanna.example", "owner")
    user = desks.stranger()
    await user.open("/login?next=/audit")
    await user.should_see("Go on with Lake login")
    inside = await user.http_client.get(await go_there(user, "1", "/auth/oidc?next=/audit"))
    assert (inside.status_code, inside.headers["location"]) == (303, "/audit")
    await user.open("/audit")
    await user.should_see("Audit log")


async def test_a_newcomer_creates_an_organization_without_a_password(with_provider: Desks) -> None:
    user = with_provider.stranger()
    answer = await user.http_client.get(await go_there(user, "2"))
    assert answer.headers["location"].startswith("/register?ticket=")
    await user.open(answer.headers["location"])
    await user.should_see("You sign in as nia@lake.example.")
    await user.should_not_see(marker="password")
    user.find(marker="organization").type("Lake Fair")
    user.find(marker="register").click()
    await user.should_see("Get going", retries=80)
    await user.should_see("Lake Fair")


async def test_an_answer_for_another_browser_lets_nobody_in(with_provider: Desks) -> None:
    await enrol(with_provider.runtime, with_provider.organization_id, "jane@savanna.example", "owner")
    hers, other = with_provider.stranger(), with_provider.stranger()
    back = await go_there(hers, "1")
    answer = await other.http_client.get(back)
    assert answer.headers["location"] == "/login?problem=failed"
    await other.open(answer.headers["location"])
    await other.should_see("Signing in there did not work")
    assert (await other.http_client.get("/")).status_code == 303


async def test_a_provider_that_is_not_set_up_is_told_kindly(desks: Desks) -> None:
    user = desks.stranger()
    answer = await user.http_client.get("/auth/google")
    assert answer.headers["location"] == "/login?problem=failed"
    await user.open("/login")
    await user.should_not_see("Go on with")

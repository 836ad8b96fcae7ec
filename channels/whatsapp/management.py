"""WhatsApp behind the Provider port: what Meta knows of a number, of its account and of its app."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import aiohttp

from bot.errors import Retryable
from bot.messages import Template, Text
from bot.provider import (
    Finding,
    Introduced,
    Known,
    Line,
    NotConnected,
    Outcome,
    TemplateFacts,
)
from bot.render import render
from channels.settings import WebSettings, WhatsAppSettings
from channels.whatsapp.client import Accepted, Answer, GraphClient, Refused, Throttled, Unknown, Unreached
from channels.whatsapp.doctor import CHECKS, Case
from channels.whatsapp.errors import ErrorClass
from channels.whatsapp.lenient import as_dict, as_list, text
from channels.whatsapp.outbound import to_json
from channels.whatsapp.reading import NUMBER_FIELDS, TEMPLATE_FIELDS, expiry, proof, read_number, read_template, said

if TYPE_CHECKING:
    from bot.runtime import Runtime

__all__ = ["WhatsAppProvider", "open_provider"]

PAGE = 100
MOST_PAGES = 70  # a verified portfolio has 6,000 templates at the most


async def open_provider(runtime: Runtime) -> WhatsAppProvider:
    settings = runtime.configuration.section(WhatsAppSettings, "whatsapp")
    web = runtime.configuration.section(WebSettings, "web")
    host = "127.0.0.1" if web.host in ("", "0.0.0.0", "::") else web.host
    return WhatsAppProvider(
        graph_url=settings.graph_url,
        version=settings.version,
        webhook_url=settings.webhook_url or f"http://{host}:{web.port}/webhooks/whatsapp",
        timeout_s=settings.timeout_s,
    )


class WhatsAppProvider:
    """`webhook_url`: our own, as Meta sees it."""

    checks = {name: check.title for name, check in CHECKS.items()}

    def __init__(self, *, graph_url: str, webhook_url: str, version: str = "v25.0", timeout_s: float = 10.0) -> None:
        self._graph_url, self._version, self._webhook_url = graph_url, version, webhook_url
        self._timeout_s = timeout_s
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def introduce(self, line: Line) -> Introduced:
        graph = self._graph()
        token = await _asked(graph, "token", line.token, "debug_token", params={"input_token": line.token})
        data = as_dict(token.get("data"))
        if data.get("is_valid") is not True:
            raise NotConnected("token", {"en": "Meta does not accept this token", "sw": "Meta haikubali tokeni hii"})
        number = await _asked(
            graph, "phone_number_id", line.token, line.phone_number_id, params={"fields": NUMBER_FIELDS}
        )
        for secret in line.app_secrets[:1]:
            params = {"fields": "id", "appsecret_proof": proof(secret, line.token)}
            await _asked(graph, "app_secret", line.token, line.phone_number_id, params=params)
        await self._must_be_of_account(graph, line)
        account = await _asked(
            graph, "waba_id", line.token, line.waba_id, params={"fields": "id,name,owner_business_info"}
        )
        return Introduced(
            app_id=text(data.get("app_id")),
            portfolio=text(as_dict(account.get("owner_business_info")).get("id")) or f"waba:{line.waba_id}",
            facts=read_number(number),
            token_expires_at=expiry(data),
        )

    async def _must_be_of_account(self, graph: GraphClient, line: Line) -> None:
        if line.phone_number_id not in await numbers_of(graph, line):
            why = {
                "en": "This account does not have the number: look for both ids on the same page of Meta's app dashboard",
                "sw": "Akaunti hii haina namba hiyo: tafuta vitambulisho vyote kwenye ukurasa mmoja wa Meta",
            }
            raise NotConnected("waba_id", why)

    async def templates(self, line: Line) -> Sequence[TemplateFacts]:
        graph, found, after = self._graph(), list[TemplateFacts](), ""
        for _ in range(MOST_PAGES):
            params = {"limit": str(PAGE), "fields": TEMPLATE_FIELDS} | ({"after": after} if after else {})
            page = await _asked(graph, "waba_id", line.token, line.waba_id, "message_templates", params=params)
            found += [read_template(as_dict(each)) for each in as_list(page.get("data"))]
            paging = as_dict(page.get("paging"))
            after = text(as_dict(paging.get("cursors")).get("after"))
            if not after or not paging.get("next"):
                break
        return [each for each in found if each.external_id and each.name]

    async def examine(self, line: Line, check: str, known: Known) -> Finding:
        case = Case(self._graph(), self._open(), line, known, self._webhook_url, self._version)
        began = time.monotonic()
        found = await CHECKS[check].run(case)
        return Finding(
            check=check,
            outcome=found.outcome,
            tried=dict(found.tried),
            came=dict(found.came),
            mend=dict(found.mend),
            ms=round((time.monotonic() - began) * 1000),
            at=known.now,
        )

    async def subscribe(self, line: Line) -> None:
        answer = await self._graph().write(line.token, line.waba_id, "subscribed_apps")
        if not isinstance(answer, Answer):
            _raise("waba_id", answer)

    async def greet(self, line: Line, phone: str, template: tuple[str, str] | None) -> tuple[str, Finding]:
        part = (
            Template(name=template[0], language=template[1])
            if template
            else Text(text="This is a test of your connection. Huu ni mtihani wa muunganisho wako.")
        )
        what = (
            {"en": f"the template “{template[0]}” ({template[1]})", "sw": f"kiolezo “{template[0]}” ({template[1]})"}
            if template
            else {"en": "a plain text", "sw": "maandishi ya kawaida"}
        )
        tried = {"en": f"Sent {what['en']} to that phone", "sw": f"Imetuma {what['sw']} kwa simu hiyo"}
        (rendered,) = render(part, option_id=str, page_id=str)
        began = time.monotonic()
        answer = await self._graph().send(line.phone_number_id, line.token, to_json(rendered, to=phone, recipient=None))
        ms = round((time.monotonic() - began) * 1000)
        if isinstance(answer, Accepted):
            came = {"en": "Meta accepted it", "sw": "Meta imeukubali"}
            return answer.message_id, Finding(check="message", outcome=Outcome.GOOD, tried=tried, came=came, ms=ms)
        mend = {
            "en": "Mend what is red above. For a plain text that phone must have written to the number in the last 24 hours; without that, get a"
            " template without variables approved, such as hello_world.",
            "sw": "Rekebisha yaliyo mekundu hapo juu. Kwa maandishi ya kawaida simu hiyo lazima iwe imeandikia namba ndani ya saa 24; vinginevyo"
            " pata kiolezo kisicho na vigezo kiidhinishwe, kama hello_world.",
        }
        return "", Finding(check="message", outcome=Outcome.BAD, tried=tried, came=said(answer), mend=mend, ms=ms)

    def _graph(self) -> GraphClient:
        return GraphClient(
            self._open(), base_url=self._graph_url, version=self._version, timeout_s=min(self._timeout_s, 10.0)
        )

    def _open(self) -> aiohttp.ClientSession:
        """Opened by the first call: most processes never look."""
        if self._session is None or self._session.closed:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=20, force_close=True), cookie_jar=aiohttp.DummyCookieJar()
            )
        return self._session


async def numbers_of(graph: GraphClient, line: Line) -> set[str]:
    """The numbers of the account.

    Raises:
        NotConnected, Retryable
    """
    page = await _asked(
        graph, "waba_id", line.token, line.waba_id, "phone_numbers", params={"fields": "id", "limit": str(PAGE)}
    )
    return {text(as_dict(each).get("id")) for each in as_list(page.get("data"))}


async def _asked(
    graph: GraphClient, field: str, token: str, *path: str, params: dict[str, str] | None = None
) -> dict[str, Any]:
    answer = await graph.read(token, *path, params=params)
    if isinstance(answer, Answer):
        return answer.body or {}
    return _raise(field, answer)


def _raise(field: str, answer: Refused | Throttled | Unknown | Unreached) -> NoReturn:
    if not isinstance(answer, Refused):
        raise Retryable(f"asking Meta: {said(answer)['en']}")
    if answer.error_class is ErrorClass.AUTH:
        field = "token"
    raise NotConnected(field, said(answer))

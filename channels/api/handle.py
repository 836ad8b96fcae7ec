"""One request's way: who is it, how often, what does it want, may they; then the handler, in its organization's scope; then the answer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

from aiohttp import web

from bot.http import Access, Ask, Bytes, Fault, Page, Problem, Route, Upload
from bot.identity import Principal
from bot.identity.access import identify
from bot.unit import Unit, open_unit
from channels.api.answer import Writer
from channels.api.cursor import Cursors
from channels.api.idempotency import KEY, Claim, Kept, fingerprint
from channels.api.limits import Budget, Limiter, tightest
from channels.api.parse import Reader
from channels.api.problems import (
    BAD_CURSOR,
    FORBIDDEN,
    INVALID,
    NO_MATCH,
    NO_PRECONDITION,
    SKILL_OFF,
    TOO_MANY,
    problem_of,
)
from channels.api.settings import ApiSettings
from store.tenancy import organization_scope

if TYPE_CHECKING:
    from bot.runtime import Runtime

__all__ = ["BUDGET", "REQUEST_ID", "Desk", "Operation"]

NOBODY = Principal("user", UUID(int=0), None, frozenset())
REQUEST_ID = web.RequestKey("api_request_id", str)
BUDGET = web.RequestKey("api_budget", Budget)
PAGING = ("cursor", "limit", "total")


@dataclass(frozen=True, slots=True)
class Desk:
    """What all operations share."""

    runtime: Runtime
    settings: ApiSettings
    cursors: Cursors
    limiter: Limiter

    def ip_of(self, request: web.Request) -> str:
        """The caller's address, also from behind our own proxies."""
        if self.settings.proxies:
            hops = [each.strip() for each in request.headers.get("X-Forwarded-For", "").split(",") if each.strip()]
            if len(hops) >= self.settings.proxies:
                return hops[-self.settings.proxies]
        return request.remote or ""


class Operation:
    """A route, ready to be called."""

    def __init__(self, desk: Desk, route: Route, *, prefix: str, skill: str = "") -> None:
        self.route = route
        self._desk = desk
        self._skill = skill
        self._reader = Reader(
            route, body_limit=desk.settings.body_limit_bytes, upload_limit=desk.settings.upload_limit_bytes
        )
        self._writer = Writer(route, prefix)
        self._of = Writer(_reading(route), prefix) if route.of is not None else None

    async def answer(self, request: web.Request) -> web.StreamResponse:
        try:
            return await self._answer(request)
        except Problem:
            raise
        except Exception as e:
            told = problem_of(e, self.route.raises)
            if told.kind.status >= 500 and told.kind.status != 503:
                raise
            raise told from e

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        desk, route = self._desk, self.route
        ip = desk.ip_of(request)
        is_open = route.permission is Access.ANYONE
        if is_open:
            self._pace(request, (f"sign-in:{ip}", desk.settings.sign_in_per_ip_per_min))
            principal = NOBODY
        else:
            self._pace(request, (f"ip:{ip}", desk.settings.per_ip_per_min))
            principal = await identify(desk.runtime, request.headers.get("Authorization"), ip=ip)
            self._pace(
                request,
                (f"{principal.kind}:{principal.id}", principal.rate_per_min or desk.settings.per_caller_per_min),
                (f"organization:{principal.organization_id}", desk.settings.per_organization_per_min),
            )
        parameters = self._reader.parameters(request.match_info)
        await self._permit(principal, parameters)
        query = self._reader.query(request)
        ask = self._ask(request, principal, ip)
        page = self._page(request, query, principal.organization_id, parameters) if route.is_paged else None
        body, mark = await self._reader.body(request)
        async with AsyncExitStack() as stack:
            if isinstance(body, Upload):
                stack.enter_context(body.spool)
            given = dict(parameters)
            given |= {"query": query} if route.query is not None else {}
            given |= {"body": body} if body is not None else {}
            given |= {"page": page} if page is not None else {}
            if isinstance(route.permission, Access):
                return self._respond(request, self._written(ask, await route.handler(ask, **given), parameters, query))
            with organization_scope(ask.organization_id):
                run = self._in_unit if route.in_unit else self._repeatable
                return await run(request, ask, given, parameters, query, mark)

    # -- before

    def _pace(self, request: web.Request, *limits: tuple[str, int]) -> None:
        budgets: Sequence[Budget] = [self._desk.limiter.take(who, per_min) for who, per_min in limits]
        told = tightest(budgets)
        assert told is not None
        request[BUDGET] = told
        if told.retry_after_s:
            raise Problem(TOO_MANY, f"at most {told.limit} requests a minute; see Retry-After")

    async def _permit(self, principal: Principal, parameters: dict[str, Any]) -> None:
        route = self.route
        if isinstance(route.permission, Access):
            return
        if principal.organization_id is None:
            raise Problem(FORBIDDEN, "these credentials belong to no organization")
        if self._skill:
            profile = await self._desk.runtime.directory.organization(principal.organization_id)
            if self._skill not in profile.skills:
                raise Problem(SKILL_OFF, f"switch the skill {self._skill} on first")
        principal.require(route.permission, event=parameters.get("event_id"), exhibitor=parameters.get("exhibitor_id"))

    def _ask(self, request: web.Request, principal: Principal, ip: str) -> Ask:
        key = request.headers.get("Idempotency-Key")
        if key is not None and self.route.takes_key and not re.fullmatch(KEY, key):
            fault = Fault("1 to 200 visible ASCII characters", ("Idempotency-Key",), "header")
            raise Problem(INVALID, "see errors", faults=[fault])
        request_id = request[REQUEST_ID]
        base_url = f"{request.scheme}://{request.host}"
        return Ask(
            runtime=self._desk.runtime,
            principal=principal,
            now=self._desk.runtime.clock.now(),
            ip=ip,
            request_id=request_id,
            key=key or request_id,
            base_url=base_url,
            user_agent=request.headers.get("User-Agent", "")[:300],
        )

    def _page(self, request: web.Request, query: Any, organization_id: UUID | None, parameters: dict[str, Any]) -> Page:
        assert organization_id is not None
        after = None
        if query.cursor is not None:
            after = self._desk.cursors.read(
                query.cursor,
                route=self.route.name,
                organization_id=organization_id,
                filters=_filters(query, parameters),
            )
            if after is None:
                raise Problem(
                    BAD_CURSOR,
                    "it belongs to another list or filter; begin again without cursor",
                    faults=[Fault("take meta.cursor of the page before", ("cursor",), "query")],
                )
        return Page(query.limit, after, query.total)

    # -- the work

    async def _in_unit(
        self,
        request: web.Request,
        ask: Ask,
        given: dict[str, Any],
        parameters: dict[str, Any],
        query: Any,
        mark: bytes,
    ) -> web.StreamResponse:
        """The handler's rows, its audit entries, and the answer kept for its key commit together."""
        async with open_unit(ask.runtime, ask.organization_id, actor=ask.principal.actor) as work:
            if self.route.of is not None and self.route.method != "POST":
                await self._match(request, ask, parameters, work)
            claim = await self._claim(request, ask, mark)
            if isinstance(claim, Kept):
                return self._respond(request, claim, is_replay=True)
            kept = self._written(ask, await self.route.handler(ask, work=work, **given), parameters, query)
            if claim is not None:
                await claim.keep(kept)
        for follow in ask.afterwards:
            follow()
        return self._respond(request, kept)

    async def _repeatable(
        self,
        request: web.Request,
        ask: Ask,
        given: dict[str, Any],
        parameters: dict[str, Any],
        query: Any,
        mark: bytes,
    ) -> web.StreamResponse:
        claim = await self._claim(request, ask, mark)
        if isinstance(claim, Kept):
            return self._respond(request, claim, is_replay=True)
        try:
            returned = await self.route.handler(ask, **given)
        except BaseException:
            if claim is not None:
                await claim.free()
            raise
        if isinstance(returned, Bytes):
            return await _stream(request, returned)
        kept = self._written(ask, returned, parameters, query)
        if claim is not None:
            await claim.keep(kept)
        return self._respond(request, kept)

    async def _match(self, request: web.Request, ask: Ask, parameters: dict[str, Any], work: Unit) -> None:
        """Whoever changes something says which state they saw.

        At repeatable read, so that a change by anybody between this look and ours ends as 412 too.
        """
        wanted = request.headers.get("If-Match", "").strip()
        if not wanted:
            if self.route.is_update:
                raise Problem(
                    NO_PRECONDITION, "send the ETag that you got as If-Match, or * to overwrite whatever is there"
                )
            return
        await work.tx.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        assert self.route.of is not None
        assert self._of is not None
        current = self._of.etag(await self.route.of(ask, **parameters))
        if not _names(wanted, current):
            raise Problem(NO_MATCH, "read it again, and change what is there now", headers={"ETag": current})

    async def _claim(self, request: web.Request, ask: Ask, mark: bytes) -> Claim | Kept | None:
        if not self.route.takes_key or "Idempotency-Key" not in request.headers:
            return None
        path = self.route.path.format_map(request.match_info)
        seen = fingerprint(request.method, path, request.query_string, mark)
        return await Claim.take(ask.organization_id, ask.principal.actor, ask.key, seen)

    # -- after

    def _written(self, ask: Ask, returned: Any, parameters: dict[str, Any], query: Any) -> Kept:
        def cursor(last: UUID) -> str:
            return self._desk.cursors.write(
                last, route=self.route.name, organization_id=ask.organization_id, filters=_filters(query, parameters)
            )

        return self._writer.write(returned, cursor)

    def _respond(self, request: web.Request, kept: Kept, *, is_replay: bool = False) -> web.Response:
        headers = kept.headers | ({"Idempotency-Replayed": "true"} if is_replay else {})
        seen = request.headers.get("If-None-Match")
        if seen is not None and "ETag" in headers and self.route.method == "GET" and _names(seen, headers["ETag"]):
            return web.Response(status=304, headers=headers)
        return web.Response(
            body=kept.body or None,
            status=kept.status,
            headers=headers,
            content_type="application/json" if kept.body else None,
        )


def _filters(query: Any, parameters: dict[str, Any]) -> dict[str, Any]:
    asked = query.model_dump(mode="json", exclude=set(PAGING)) if query is not None else {}
    return {**asked, **{name: str(value) for name, value in parameters.items()}}


def _names(header: str, etag: str) -> bool:
    return any(each.strip().removeprefix("W/") in ("*", etag) for each in header.split(","))


def _reading(route: Route) -> Route:
    """The route of `route.of`, as far as its answer's writer needs it."""
    return replace(route, method="GET", of=None, location="")


async def _stream(request: web.Request, file: Bytes) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": file.mime_type})
    if file.filename:
        response.headers["Content-Disposition"] = f'attachment; filename="{file.filename}"'
    await response.prepare(request)
    async for chunk in file.chunks:
        await response.write(chunk)
    await response.write_eof()
    return response

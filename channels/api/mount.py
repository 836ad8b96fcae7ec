"""Finds what is declared, here and in the skills, and mounts it under `/v1` and its alias `/api/v1`."""

from __future__ import annotations

import importlib
import logging
import pkgutil
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from aiohttp import web

from bot.config import Configuration
from bot.errors import ConfigError
from bot.hooks.told import TESTING, catalogue
from bot.http import Route, Routes
from bot.identity.roles import CORE
from channels.api import resources
from channels.api.cors import Cors
from channels.api.cursor import Cursors
from channels.api.front import front
from channels.api.handle import Desk, Operation
from channels.api.limits import Limiter
from channels.api.openapi import document
from channels.api.reference import page
from channels.api.settings import ApiSettings
from store.crypto import keyring

if TYPE_CHECKING:
    from bot.runtime import Runtime

__all__ = ["PREFIXES", "add_api", "declared"]

log = logging.getLogger(__name__)

PREFIXES = ("/v1", "/api/v1")
_UUID = "[0-9a-fA-F-]{32,36}"


def add_api(app: web.Application, runtime: Runtime) -> None:
    configuration: Configuration = runtime.configuration
    settings = configuration.section(ApiSettings, "api")
    key = keyring().master.derive("api cursors")
    desk = Desk(runtime, settings, Cursors(key), Limiter())
    found = declared(runtime)
    described = document(found, [*catalogue(runtime.registry).values(), TESTING])
    for prefix in PREFIXES:
        app.add_subapp(prefix, _application(desk, found, described, prefix))


def declared(runtime: Runtime) -> list[tuple[str, Routes]]:
    """(skill, routes); "" for the core's own.

    Raises:
        ConfigError: two of the core's operations share method and path, or one needs a permission that nobody defines.
    """
    found = [("", each) for module in _modules() for each in vars(module).values() if isinstance(each, Routes)]
    known = {*CORE, *runtime.registry.permissions()}
    taken: set[tuple[str, str]] = set()
    for skill, routes in [*found, *runtime.registry.routes()]:
        wrong = list(_wrong(routes.routes, known, taken))
        if wrong and not skill:
            raise ConfigError(f"{routes.title}: {'; '.join(wrong)}")
        if wrong:
            log.error("routes of a skill left out", extra={"skill": skill, "problem": "; ".join(wrong)})
            continue
        taken |= {_address(each) for each in routes.routes}
        if skill:
            found.append((skill, routes))
    return found


def _modules() -> list[Any]:
    return [
        importlib.import_module(f"{resources.__name__}.{each.name}")
        for each in pkgutil.iter_modules(resources.__path__)
    ]


def _wrong(routes: Sequence[Route], known: set[str], taken: set[tuple[str, str]]) -> Iterable[str]:
    for each in routes:
        if _address(each) in taken:
            yield f"{each.method} {each.path} is taken"
        if isinstance(each.permission, str) and each.permission not in known:
            yield f"nobody defines the permission {each.permission} of {each.name}"


def _address(route: Route) -> tuple[str, str]:
    return route.method, re.sub(r"\{\w+\}", "{}", route.path)


def _application(
    desk: Desk, found: list[tuple[str, Routes]], described: dict[str, Any], prefix: str
) -> web.Application:
    app = web.Application(middlewares=[front(Cors(desk.settings.cors_origins))])
    for skill, routes in found:
        for route in routes.routes:
            app.router.add_route(
                route.method, _pattern(route), Operation(desk, route, prefix=prefix, skill=skill).answer
            )

    async def openapi(_: web.Request) -> web.Response:
        return web.json_response(described | {"servers": [{"url": prefix}]})

    html = page(described, prefix)

    async def docs(_: web.Request) -> web.Response:
        return web.Response(text=html, content_type="text/html")

    app.router.add_get("/openapi.json", openapi)
    app.router.add_get("/docs", docs)
    return app


def _pattern(route: Route) -> str:
    """A word where a UUID stands is another path, or none."""
    path = route.path
    for name, hint in route.parameters.items():
        if hint is UUID:
            path = path.replace(f"{{{name}}}", f"{{{name}:{_UUID}}}")
    return path

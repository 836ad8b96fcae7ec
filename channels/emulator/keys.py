"""Typed keys of the aiohttp application."""

from aiohttp import web

from channels.emulator.emulator import Emulator

EMULATOR: web.AppKey[Emulator] = web.AppKey("emulator", Emulator)

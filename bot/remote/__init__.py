"""Actions of skills that are not trusted with our process: asked for over the documented webhook protocol."""

from bot.remote.settings import RemoteSettings, Server

__all__ = ["RemoteSettings", "Server"]

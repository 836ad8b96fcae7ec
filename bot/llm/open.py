"""One gateway behind three ports; nothing when it is not configured. The library behind it is only imported when it is."""

from __future__ import annotations

import importlib
import logging
from typing import TYPE_CHECKING, cast

from bot.llm.settings import LlmSettings

if TYPE_CHECKING:
    from bot.ports import LLM, Embedder, Transcriber
    from bot.runtime import Runtime

__all__ = ["open_embedder", "open_llm", "open_transcriber"]

log = logging.getLogger(__name__)


async def open_llm(runtime: Runtime) -> LLM | None:
    settings = runtime.configuration.section(LlmSettings, "llm")
    if not settings.is_on:
        return None
    gateway = importlib.import_module("bot.llm.gateway")
    client = importlib.import_module("bot.llm.client")
    log.info("models are on", extra={"small": settings.small_model, "large": settings.large_model})
    opened: LLM = gateway.Gateway(settings, client.Client(settings))
    return opened


def open_embedder(runtime: Runtime) -> Embedder | None:
    """For whoever compares meanings with the vectors of this server instead of local ones."""
    settings = runtime.configuration.section(LlmSettings, "llm")
    if runtime.llm is None or not settings.embeddings:
        return None
    embedder: Embedder = importlib.import_module("bot.llm.embedder").GatewayEmbedder(runtime.llm)
    return embedder


async def open_transcriber(runtime: Runtime) -> Transcriber | None:
    settings = runtime.configuration.section(LlmSettings, "llm")
    return cast("Transcriber | None", runtime.llm) if settings.transcription else None

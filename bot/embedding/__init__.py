"""The sense of texts as vectors: adapters of the Embedder port, their cache on disk, and what understanding needs of them."""

from __future__ import annotations

from bot.embedding.senses import Senses
from bot.embedding.settings import EmbeddingSettings, open_local

__all__ = ["EmbeddingSettings", "Senses", "open_local"]

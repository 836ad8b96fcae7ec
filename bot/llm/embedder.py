"""The gateway as an Embedder: what it costs is the organization's in scope."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from bot.errors import Permanent, Retryable
from bot.llm.errors import LlmAway
from bot.llm.gateway import Gateway
from bot.llm.settings import LlmSettings
from store.scope import current_organization

__all__ = ["GatewayEmbedder"]

_FOR_GOOD = frozenset(("refused", "nonsense"))


class GatewayEmbedder:
    """What a person writes, where somebody waits, leaves masked; what is embedded in the background are an organization's own texts."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    @property
    def model(self) -> str:
        """With the dimension where a setting changed it: vectors of different lengths cannot be compared."""
        usual = LlmSettings.model_fields["embedding_dimension"].default
        dimension = self._gateway.dimension
        return self._gateway.model if dimension == usual else f"{self._gateway.model}/{dimension}"

    async def embed(
        self, texts: Sequence[str], *, background: bool = False, kind: Literal["query", "passage"] = "query"
    ) -> Sequence[Sequence[float]]:
        organization_id = current_organization()  # somebody has to be known to have asked
        try:
            return await self._gateway.embed(organization_id, texts, kind="passage" if background else kind)
        except LlmAway as e:
            if e.reason in _FOR_GOOD:
                raise Permanent(f"embedding: {e}") from e
            raise Retryable(f"embedding: {e}") from e

    async def close(self) -> None:
        """The gateway is closed by whoever opened it."""

"""Which models are asked, where, and how much a turn may spend on them."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field, SecretStr

from bot.ports import Tier
from bot.settings import Settings

__all__ = ["LlmSettings", "Structure"]


class Structure(StrEnum):
    """How the server is told to answer in JSON. A server that refuses one is asked by the next from then on."""

    SCHEMA = "schema"  # response_format json_schema, strict
    OBJECT = "object"  # response_format json_object
    PROMPT = "prompt"  # by the prompt alone


class LlmSettings(Settings):
    """The models; off until a key or an address is set. OPENAI_API_KEY and OPENAI_BASE_URL count too, below these."""

    enabled: bool = True
    """False: off, whatever else is set."""
    api_key: SecretStr | None = None
    base_url: str | None = Field(None, pattern=r"^https?://")
    """None: OpenAI's own. A local server often needs no key."""
    small_model: str = "gpt-4o-mini"
    """Understands what people want."""
    large_model: str = "gpt-4o"
    embedding_model: str = "text-embedding-3-small"
    embedding_dimension: int = Field(1536, ge=1)
    embeddings: bool = True
    """False: no vectors from this server; one that only chats has none."""
    transcription_model: str = "whisper-1"
    transcription: bool = True
    """False: voice notes are not sent there; recordings cannot be masked."""
    structure: Structure = Structure.SCHEMA

    timeout_s: float = Field(8.0, gt=0)
    """Of one request."""
    turn_s: float = Field(12.0, gt=0)
    """Of all that one turn asks, with its waits; then the offline answer is given."""
    calls_per_turn: int = Field(2, ge=1)
    """Questions to a chat model: one to understand, one to answer from knowledge."""
    tokens_per_turn: int = Field(8000, ge=1)
    """In and out, of all chat calls of a turn; counted beforehand by the length of the prompt, afterwards by the server."""
    answer_tokens: int = Field(500, ge=1)
    """The longest answer."""
    attempts: int = Field(3, ge=1)
    """Tries of one question, as far as the turn's time allows."""
    backoff_s: float = Field(0.25, ge=0)
    """Before the second try; doubled for each further one."""
    concurrency: int = Field(16, ge=1)
    """Requests of one process at a time."""
    breaker_failures: int = Field(5, ge=1)
    """So many failures in a row, and nobody asks for a while."""
    breaker_rest_s: float = Field(20.0, gt=0)
    cache_entries: int = Field(2000, ge=0)
    cache_s: float = Field(3600.0, gt=0)
    max_audio_mb: float = Field(16.0, gt=0)

    @property
    def is_on(self) -> bool:
        return self.enabled and (self.api_key is not None or self.base_url is not None)

    def model(self, tier: Tier) -> str:
        return self.small_model if tier is Tier.SMALL else self.large_model

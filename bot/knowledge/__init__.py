"""What organizations and skills have written down, and finding in it what answers a question.

    files -> read (Markdown) -> cut (passages) -> store.knowledge (rows) -> embed -> search: meaning, words and spelling -> rank

Everything works without an LLM and without embeddings; with them it finds more.
"""

from bot.knowledge.base import KnowledgeStore
from bot.knowledge.cut import Cut, cut
from bot.knowledge.read import Document, Unsupported, read

__all__ = ["Cut", "Document", "KnowledgeStore", "Unsupported", "cut", "read"]

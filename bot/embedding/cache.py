"""Vectors by model and text, in one file for all processes of a machine and all organizations. Derived data: delete it at will."""

from __future__ import annotations

import hashlib
import logging
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

__all__ = ["VectorCache"]

log = logging.getLogger(__name__)

BUSY_S = 5.0


class VectorCache:
    """Only texts of skills are kept, never what people write. A file that cannot be used is done without."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def get(self, model: str, texts: Sequence[str]) -> dict[str, np.ndarray]:
        import numpy as np

        wanted = {_digest(text): text for text in texts}
        found: dict[str, np.ndarray] = {}
        if not self._path.exists():
            return found
        try:
            with closing(self._open()) as connection:
                for digest, vector in connection.execute(
                    "SELECT digest, vector FROM vectors WHERE model = ?", (model,)
                ):
                    if digest in wanted:
                        found[wanted[digest]] = np.frombuffer(vector, dtype=np.float32)
        except sqlite3.Error as e:
            log.warning("vector cache not read", extra={"reason": str(e)})
        return found

    def put(self, model: str, vectors: Mapping[str, Sequence[float] | np.ndarray]) -> None:
        import numpy as np

        rows = [
            (model, _digest(text), np.asarray(vector, dtype=np.float32).tobytes()) for text, vector in vectors.items()
        ]
        try:
            with closing(self._open()) as connection, connection:
                connection.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?)", rows)
        except (sqlite3.Error, OSError) as e:
            log.warning("vector cache not written", extra={"reason": str(e)})

    def _open(self) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self._path, timeout=BUSY_S)
        connection.execute(
            "CREATE TABLE IF NOT EXISTS vectors (model TEXT, digest BLOB, vector BLOB, PRIMARY KEY (model, digest)) WITHOUT ROWID"
        )
        return connection


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()[:16]

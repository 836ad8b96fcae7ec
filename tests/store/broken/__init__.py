"""An app whose migration fails half-way, and whose model has a field that no migration made."""

from __future__ import annotations

from store.db import AppModels

__all__ = ["BROKEN"]

BROKEN = AppModels("broken", "tests.store.broken.models", "tests.store.broken.migrations")

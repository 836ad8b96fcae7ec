"""The app on which the store's foundation is tested."""

from __future__ import annotations

from store.db import AppModels

__all__ = ["SAMPLE"]

SAMPLE = AppModels("sample", "tests.store.sample.models", "tests.store.sample.migrations")

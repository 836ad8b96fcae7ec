"""The services that one process has opened, and how they close."""

from __future__ import annotations

import asyncio
import importlib
import logging
from collections.abc import Callable, Coroutine, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast
from uuid import UUID

from bot import background
from bot.accounts import Directory
from bot.config import Configuration
from bot.embedding import EmbeddingSettings, Senses
from bot.embedding.cache import VectorCache
from bot.errors import ChatNationError, ConfigError
from bot.flows import Effect
from bot.holds import Holds
from bot.names import KnownNames
from bot.ports import LLM, Blobs, Channel, Clock, Dispatcher, Embedder, Knowledge, Notifier, Pacer, Router, Transcriber
from bot.provider import Provider
from bot.registry import Registry
from bot.remote.settings import RemoteSettings
from bot.settings import SkillsSettings, TurnSettings
from bot.skill import MenuEntry, SkillContext
from bot.turn.places import Places
from bot.understand import Understanding, interpret
from store import db
from store.apps import discover_apps, use_folders
from store.blobs import BlobStore
from store.crypto import Cipher, KeyRing, MasterKey, install_keyring
from store.directory import load_keys
from store.settings import StoreSettings

__all__ = ["ADAPTERS", "WORKER_ADAPTERS", "Runtime", "SystemClock", "open_store"]

log = logging.getLogger(__name__)

# Port -> who implements it: bound by name, so that nothing here knows what is above (decision 1).
ADAPTERS = {
    "channel": "channels.whatsapp.channel:open_channel",
    "dispatcher": "scheduler.dispatch:open_dispatcher",
    "pacer": "scheduler.limits:open_pacer",
    "notifier": "channels.notify:open_notifier",
    "provider": "channels.whatsapp.management:open_provider",
}
# Only in workers, in this order; each may be None, and then everything works without.
WORKER_ADAPTERS = {
    "llm": "bot.llm.open:open_llm",
    "embedder": "bot.embedding.open:open_embedder",
    "transcriber": "bot.llm.open:open_transcriber",
    "knowledge": "bot.knowledge.open:open_knowledge",
    "router": "bot.router.open:open_router",
}
REPARSE = "channels.whatsapp.intake:reparse"


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


class Runtime:
    """One per process. `queue` is the worker's, None elsewhere; only workers import skills' actions and tasks."""

    def __init__(self, configuration: Configuration, *, blobs: Blobs, master: Cipher, clock: Clock) -> None:
        self.configuration = configuration
        self.turn = configuration.section(TurnSettings, "turn")
        self.encrypt_messages = configuration.section(StoreSettings, "store").encrypt_messages
        self.registry = Registry([])
        self.blobs = blobs
        self.master = master  # seals what is the platform's: app secrets, raw deliveries
        self.clock = clock
        self.directory = Directory()
        self.compiling = asyncio.Lock()  # one at a time: many organizations with versions of their own come at once
        self.holds = Holds()
        self.places = Places(self.turn.at_once_per_organization)
        self.names = KnownNames()
        self.channel: Channel = cast("Channel", None)
        self.dispatcher: Dispatcher = cast("Dispatcher", None)
        self.pacer: Pacer = cast("Pacer", None)
        self.notifier: Notifier = cast("Notifier", None)
        self.provider: Provider = cast("Provider", None)
        self.understand: Callable[..., Understanding] = interpret
        self.embedder: Embedder | None = None
        self.senses: Senses | None = None  # what compares meanings; None: letters do
        self.llm: LLM | None = None
        self.transcriber: Transcriber | None = None
        self.knowledge: Knowledge | None = None
        self.router: Router | None = None
        self.watch: Callable[[UUID, Effect], None] | None = (
            None  # looks over the engine's shoulder: tests, the chat console
        )
        self._beside: set[asyncio.Task[None]] = set()

    @classmethod
    async def open(
        cls,
        process: str,
        *,
        configuration: Configuration | None = None,
        queue: str | None = None,
        clock: Clock | None = None,
        adapters: dict[str, str | Any] | None = None,
        admin: bool = False,
    ) -> Runtime:
        """Opens the store, the skills and the adapters. `adapters` replaces some of `ADAPTERS`: a dotted name, a ready object, or None.
        `admin`: the skills' admin pages are imported.

        Raises:
            ConfigError: a setting is missing or wrong.
            DatabaseAway: PostgreSQL does not answer.
        """
        found = configuration or Configuration.read()
        found.check()
        master = await open_store(found, process)
        runtime: Runtime | None = None
        try:
            blobs = _open_blobs(found.section(StoreSettings, "store"), found.data)
            runtime = cls(found, blobs=blobs, master=master, clock=clock or SystemClock())
            runtime.registry = Registry.load(
                context=runtime.skill_context if queue is not None else None,
                queue=queue,
                remote=found.section(RemoteSettings, "remote"),
                admin=admin,
            )
            await runtime.bind({**ADAPTERS, **_of_workers(queue), **(adapters or {})})
            runtime.feel(runtime.embedder)
        except BaseException:
            if runtime is not None:
                await runtime._close_adapters()
            install_keyring(None)
            await db.close()
            raise
        return runtime

    def feel(self, embedder: Embedder | None) -> None:
        """From now on meanings are compared with this."""
        if embedder is None:
            return
        settings = self.configuration.section(EmbeddingSettings, "embeddings")
        cache = VectorCache(self.configuration.data / "vectors.sqlite")
        self.embedder = embedder
        self.senses = Senses(embedder, cache, timeout_s=settings.timeout_s, beside=self.beside)

    async def bind(self, adapters: Mapping[str, str | Any]) -> None:
        """Port -> dotted name, ready object or None; in order, as one may need another."""
        for port, dotted in adapters.items():
            setattr(self, port, await _bind(dotted, self) if isinstance(dotted, str) else dotted)

    def skill_context(self, skill: str) -> SkillContext:
        return SkillContext(skill=skill, clock=self.clock, blobs=self.blobs, menu=self._menu)

    async def _menu(self, organization_id: UUID, locale: str) -> list[MenuEntry]:
        profile = await self.directory.organization(organization_id)
        return self.registry.menu(profile.skills, locale)

    async def reparse(self, delivery_id: UUID) -> None:
        """Reads a kept delivery again, by the adapter of its channel."""
        await _named(REPARSE)(self, delivery_id)

    def beside(self, work: Coroutine[Any, Any, None]) -> None:
        """Runs what nobody waits for and what may be lost: it ends with the process."""
        task = asyncio.ensure_future(work)
        self._beside.add(task)
        task.add_done_callback(self._beside.discard)

    async def close(self) -> None:
        await background.end(self._beside)
        await self._close_adapters()
        install_keyring(None)
        await db.close()

    async def _close_adapters(self) -> None:
        opened = (
            self.router,
            self.knowledge,
            self.llm,
            self.embedder,
            self.provider,
            self.channel,
            self.dispatcher,
            self.pacer,
        )
        for adapter in opened:
            close = getattr(adapter, "close", None)
            if close is not None:
                await close()


def _of_workers(queue: str | None) -> dict[str, str]:
    """Conversations are the interactive queue's: the others need no graph."""
    return {
        port: dotted
        for port, dotted in WORKER_ADAPTERS.items()
        if queue is not None and (port != "router" or queue in ("interactive", "all"))
    }


async def open_store(configuration: Configuration, process: str) -> Cipher:
    """Connects to PostgreSQL and installs the key ring; returns the platform's own cipher, made of the master key."""
    settings = configuration.section(StoreSettings, "store")
    if settings.dsn is None:
        raise ConfigError("store.dsn is not set: give CHATNATION__STORE__DSN, or start everything with `chatnation up`")
    try:
        use_folders(configuration.section(SkillsSettings, "skills").folders)
    except ChatNationError as e:
        raise ConfigError(str(e)) from e
    master = master_key(settings, configuration.data)
    await db.connect(
        settings.dsn.get_secret_value(),
        system_dsn=settings.system_dsn.get_secret_value() if settings.system_dsn else None,
        pool_min=settings.pool_min,
        pool_max=settings.pool_max,
        models=[db.STORE, *discover_apps()],
        application_name=f"chatnation {process}",
    )
    install_keyring(KeyRing(master, load_keys))
    return Cipher(master.derive("platform"))


def master_key(settings: StoreSettings, data: Path) -> MasterKey:
    """From the setting, or from `<data>/secrets/master.key`, which is made for development."""
    if settings.master_key is None:
        return MasterKey.from_file(data / "secrets" / "master.key", create=True)
    previous = [each.get_secret_value() for each in settings.previous_master_keys]
    return MasterKey.from_text(settings.master_key.get_secret_value(), previous=previous)


def _open_blobs(settings: StoreSettings, data: Path) -> BlobStore:
    options = dict(settings.blobs_options)
    if settings.blobs_secret_access_key is not None:
        options["secret_access_key"] = settings.blobs_secret_access_key.get_secret_value()
    return BlobStore(settings.blobs_location(data), options=options, max_bytes=settings.blob_max_bytes)


async def _bind(dotted: str, runtime: Runtime) -> Any:
    return await _named(dotted)(runtime)


def _named(dotted: str) -> Callable[..., Any]:
    module, _, name = dotted.partition(":")
    found: Callable[..., Any] = getattr(importlib.import_module(module), name)
    return found

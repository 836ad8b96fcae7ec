"""`chatnation knowledge`: what an organization has written down, and how well it answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from bot.cli.command import refusing
from bot.cli.state import UpState, use_running
from bot.config import Configuration
from bot.errors import Permanent
from bot.knowledge import KnowledgeStore
from bot.knowledge.base import is_known
from bot.knowledge.evaluate import evaluate, read_golden
from bot.knowledge.read import type_of
from bot.runtime import WORKER_ADAPTERS, Runtime
from store import knowledge as rows
from store.directory import organization_named
from store.passage_index import LARGE, tend_passage_indexes
from store.settings import StoreSettings
from store.tenancy import organization_scope

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="What organizations have written down, and how well it answers.")

Organization = Annotated[str, typer.Option("--organization", "-o", help="The organization's short name.")]
Locale = Annotated[str, typer.Option(help="The language of the text, en or sw; none serves every language.")]
Base = Annotated[str, typer.Option(help="The knowledge base that the document belongs to.")]


@app.command()
def add(files: list[Path], organization: Organization = "savanna", base: Base = "general", locale: Locale = "") -> None:
    """Take FILES in: Markdown, text, PDF or web pages saved as HTML. One of the same name is replaced."""

    async def work(knowledge: KnowledgeStore, organization_id: UUID) -> None:
        for file in files:
            try:
                data = file.read_bytes()
            except OSError as e:
                raise Permanent(f"{file}: {e.strerror}") from e
            is_new = await knowledge.put(
                organization_id, data, type_of(file.name), base=base, source=file.name, locale=locale
            )
            typer.echo(f"{file.name}: {'taken in' if is_new else 'unchanged'}")
        typer.echo(f"{(await knowledge.embed(organization_id)).made} passages got an embedding")

    _run(work, organization)


@app.command(name="list")
def list_documents(organization: Organization = "savanna") -> None:
    """Show the documents, with the number of their passages, and how many of these still wait for today's model."""

    async def work(knowledge: KnowledgeStore, organization_id: UUID) -> None:
        found = await knowledge.documents(organization_id)
        for each in found:
            waiting = f", {each.waiting} wait for an embedding" if knowledge.model and each.waiting else ""
            language = each.locale or "every language"
            typer.echo(f"{each.base}/{each.source}: {each.title} ({language}), {each.passages} passages{waiting}")
        typer.echo(_progress(found, knowledge.model) if found else "nothing yet: chatnation knowledge add FILE")

    _run(work, organization)


@app.command()
def remove(source: str, organization: Organization = "savanna", base: Base = "general") -> None:
    """Take the document SOURCE out again."""

    async def work(knowledge: KnowledgeStore, organization_id: UUID) -> None:
        with organization_scope(organization_id):
            if not await rows.remove_document(base, source):
                raise Permanent(f"there is no document {base}/{source}: see chatnation knowledge list")
        typer.echo(f"{base}/{source} is out")

    _run(work, organization)


@app.command()
def search(question: str, organization: Organization = "savanna", locale: str = "en") -> None:
    """Show what QUESTION finds, best first; what is marked would be answered with."""

    async def work(knowledge: KnowledgeStore, organization_id: UUID) -> None:
        rated = await knowledge.rated(organization_id, question, locale=locale)
        for each in rated[:5]:
            typer.echo(f"{'*' if is_known(each) else ' '} {each.score:.2f}  {each.item.source}")
        if not rated or not is_known(rated[0]):
            typer.echo("nothing here answers it")

    _run(work, organization)


@app.command(name="eval")
def evaluate_golden(golden: Path, organization: Organization = "savanna") -> None:
    """Ask the questions of the file GOLDEN, and say how many are found, answered rightly, or rightly left alone."""

    async def work(knowledge: KnowledgeStore, organization_id: UUID) -> None:
        report = await evaluate(knowledge, organization_id, read_golden(golden))
        for each in report.outcomes:
            if not each.is_right:
                got = each.sources[0] if each.is_answered else "nothing"
                typer.echo(f"- {each.golden.ask!r}: {each.golden.source or 'nothing'} expected, {got} given")
        typer.echo(
            f"recall@5 {report.recall(5):.0%}, recall@1 {report.recall(1):.0%}; answered rightly {report.answered:.0%};"
            f" left alone where nothing answers {report.left_alone:.0%}; {len(report.outcomes)} questions"
        )

    _run(work, organization)


@app.command(name="index")
def index_large() -> None:
    """Make the vector indexes of large organizations, and drop those that nobody needs any more, as the clock does where it is told the owner's DSN."""
    with refusing():
        use_running()
        changed = _index_large()
    typer.echo(f"{changed} indexes made or dropped; organizations of {LARGE:,} passages and more have one")


def _index_large() -> int:
    configuration = Configuration.read()
    told = configuration.section(StoreSettings, "store").owner_dsn
    state = UpState.read(configuration.data)
    owner_dsn = told.get_secret_value() if told else state.owner_dsn if state else None
    if owner_dsn is None:
        typer.echo("chatnation: set CHATNATION__STORE__OWNER_DSN: only the owner of the tables makes indexes", err=True)
        raise typer.Exit(1)
    return asyncio.run(_index(owner_dsn))


async def _index(owner_dsn: str) -> int:
    async with _opened():
        return await tend_passage_indexes(owner_dsn)


def _progress(found: Sequence[rows.DocumentRow], model: str) -> str:
    if not model:
        return "found by words and spelling: embeddings are off"
    total = sum(each.passages for each in found)
    return f"embedded by {model}: {total - sum(each.waiting for each in found)} of {total} passages"


def _run(work: Callable[[KnowledgeStore, UUID], Awaitable[None]], organization: str) -> None:
    with refusing():
        use_running()
        asyncio.run(_with_knowledge(work, organization))


async def _with_knowledge(work: Callable[[KnowledgeStore, UUID], Awaitable[None]], organization: str) -> None:
    async with _opened() as knowledge:
        organization_id = await organization_named(organization)
        if organization_id is None:
            raise Permanent(f"there is no organization {organization!r}")
        await work(knowledge, organization_id)


@asynccontextmanager
async def _opened() -> AsyncIterator[KnowledgeStore]:
    runtime = await Runtime.open("knowledge", adapters={"channel": None, "dispatcher": None, "pacer": None})
    try:
        await runtime.bind({port: WORKER_ADAPTERS[port] for port in ("llm", "embedder", "knowledge")})
        assert isinstance(runtime.knowledge, KnowledgeStore)
        yield runtime.knowledge
    finally:
        await runtime.close()

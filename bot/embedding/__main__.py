"""`python -m bot.embedding`: how well the examples of the installed skills tell their flows apart, each judged as if it were new."""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import asdict
from typing import Annotated

import typer

from bot.cli.command import run_as
from bot.config import Configuration
from bot.embedding import EmbeddingSettings, Senses, open_local
from bot.embedding.cache import VectorCache
from bot.flows import Compiled
from bot.registry import Registry
from bot.understand import Fit, Matcher, examples_of


async def _fits(compiled: Compiled) -> list[Fit]:
    configuration = Configuration.read()
    settings = configuration.section(EmbeddingSettings, "embeddings")
    found = [Matcher(examples_of(compiled)).fit]
    embedder = open_local(settings)
    if embedder is not None:
        cache = VectorCache(configuration.data / "vectors.sqlite")
        senses = Senses(embedder, cache, timeout_s=settings.timeout_s, beside=lambda work: work.close())
        try:
            found.append((await senses.prepare(compiled)).fit)
        finally:
            await embedder.close()
    return found


def main(as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False) -> None:
    logging.disable(logging.CRITICAL)  # the report says it all
    registry = Registry.load()
    fits = asyncio.run(_fits(registry.compiled(registry.skills)))
    if as_json:
        typer.echo(json.dumps([asdict(fit) for fit in fits]))
        return
    for fit in fits:
        typer.echo(
            f"by {'sense' if fit.by_sense else 'letters'}: {fit.examples} examples of {fit.labels} wishes;"
            f" starts from {fit.t_hi:.2f} with a lead of {fit.margin:.2f}{'' if fit.fitted else ' (too few examples to fit)'};"
            f" left out one by one {fit.right:.0%} right, {fit.wrong:.1%} started wrongly, {fit.asked:.0%} asked about"
        )


if __name__ == "__main__":
    run_as("chatnation fit", main)

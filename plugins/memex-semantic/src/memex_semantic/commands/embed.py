"""``memex embed``."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import click

from memex import Memex, VectorSpace, VectorStore, vector_store
from memex.commands import examples, json_option, memory_options, print_json, say, wants_json
from memex_semantic.commands.opening import (
    embedder_option,
    embeddings_of,
    embeddings_of_chain,
    open_for_vectors,
)
from memex_semantic.embeddings import Embeddings
from memex_semantic.sharing import reader_of

_OF_THIS_PLUGIN: Final = re.compile(r"(text|query)-\d+-\d+")


@click.command(
    epilog=examples(
        "memex embed",
        "memex embed support-42 --embedder model2vec:/models/potion-base-8M",
        "memex embed --drop-others",
    )
)
@click.argument("threads", nargs=-1)
@click.option(
    "--drop-others",
    is_flag=True,
    help="When all is done, erase the vectors that neither this embedder nor the chain ranks by.",
)
@embedder_option
@memory_options
@json_option
def command(threads: tuple[str, ...], drop_others: bool, embedder: str | None) -> None:
    """Embed the messages of THREADS, or of all threads, that have no vectors yet.

    A window would do the same before it ranks; this does it beforehand, and shows how far it is. What is
    interrupted goes on where it was. After a change of the model, of its pieces or of how memex embeds
    the old vectors stay until --drop-others; a thread's old plans can be replayed as long as they are there.
    """
    with open_for_vectors() as memory:
        embeddings = embeddings_of(memory, embedder)
        able = vector_store(memory.store)
        if able is None:
            raise click.UsageError(
                f"{memory.store!r} keeps no vectors: they are made anew in each process; use sqlite"
            )
        names = list(threads) or [info.id for info in memory.threads()]
        done = _embed(memory, able, embeddings, names)
        dropped: dict[str, int] = {}
        if drop_others and not threads:
            dropped = _drop_others(able, embeddings, embeddings_of_chain(memory))
    _report(embeddings, done, dropped)


def _embed(memory: Memex, able: VectorStore, embeddings: Embeddings, names: list[str]) -> dict[str, int]:
    """Embed what is missing and return how much that was of each thread; what forks share counts once."""
    infos = [memory.store.open_thread(name, create=False) for name in names]
    expected = sum(
        sum(1 for _ in able.without_vectors(info.id, embeddings.space, (info.forked_at or 0) + 1))
        for info in infos
    )
    done = dict.fromkeys(names, 0)
    with _progress(expected) as advance:
        for info in infos:

            def told(count: int, name: str = info.id) -> None:
                done[name] += count
                advance(count)

            embeddings.embed(info.id, reader_of(info.id, memory), info.head, told)
    return done


@contextmanager
def _progress(total: int) -> Iterator[Callable[[int], None]]:
    """Show on stderr how far it is, where a person watches; the value takes how much more is done."""
    hidden = not total or not sys.stderr.isatty()
    with click.progressbar(
        length=total, label="embedding", file=sys.stderr, show_pos=True, hidden=hidden
    ) as bar:
        yield bar.update


def _drop_others(able: VectorStore, own: Embeddings, chain: list[Embeddings]) -> dict[str, int]:
    """Erase what nobody ranks by any more, and return how much that was of each space."""

    def is_current(space: VectorSpace) -> bool:
        size = (own.space.embedder, own.space.dimension)
        if (space.embedder, space.dimension) == size and space.kind in own.kinds:
            return True
        others = [one for one in chain if one is not own]
        # Their dimension is not asked for: that may take loading another model.
        return any(space.embedder == one.embedder.name and space.kind in one.kinds for one in others)

    mine = [one.space for one in able.vector_spaces() if _OF_THIS_PLUGIN.fullmatch(one.space.kind)]
    return {str(space): able.drop_vectors(space) for space in mine if not is_current(space)}


def _report(embeddings: Embeddings, done: dict[str, int], dropped: dict[str, int]) -> None:
    space = embeddings.space
    if wants_json():
        print_json(
            {
                "embedder": space.embedder,
                "dimension": space.dimension,
                "embedded": done,
                "dropped": dropped,
            }
        )
        return
    total = sum(done.values())
    many = "1 thread" if len(done) == 1 else f"{len(done):,} threads"
    say(f"{total:,} messages of {many} embedded by {space.embedder}, {space.dimension} numbers each")
    for name, count in dropped.items():
        say(f"dropped {count:,} of {name}")

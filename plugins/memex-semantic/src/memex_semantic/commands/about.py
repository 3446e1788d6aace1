"""``memex about``."""

from __future__ import annotations

from typing import Any

import click

from memex import Entry, Memex, Message, Thread, searchable_text
from memex.commands import (
    examples,
    json_option,
    memory_options,
    one_line,
    open_thread,
    print_json_list,
    say,
    thread_option,
    wants_json,
)
from memex_semantic.commands.opening import embedder_option, embeddings_of, open_for_vectors
from memex_semantic.policy import nearest
from memex_semantic.sharing import reader_of

_POOL = 60
_WIDTH = 160


@click.command(
    epilog=examples('memex about "the lighthouse door"', "memex about deploys --thread support-42 --count 5")
)
@click.argument("topic")
@click.option(
    "--count", type=click.IntRange(1, 50), default=8, show_default=True, help="At most so many groups."
)
@click.option(
    "--alike",
    type=click.FloatRange(0, 1),
    default=0.75,
    show_default=True,
    help="The cosine from which on two messages say the same.",
)
@embedder_option
@memory_options
@thread_option
@json_option
def command(topic: str, count: int, alike: float, embedder: str | None) -> None:
    """Show what was said about TOPIC in a thread, each thing once.

    The nearest messages are put in groups of those that say much the same. Of each group the nearest is
    shown, and how many there are like it; groups come in an order in which each differs from those before.
    """
    if not topic.strip():
        raise click.BadParameter("it is empty; say what to look for", param_hint="TOPIC")
    with open_for_vectors() as memory:
        found = about(memory, open_thread(memory), topic, count=count, alike=alike, embedder=embedder)
    if wants_json():
        print_json_list(_as_json(score, entries) for score, entries in found)
        return
    for score, entries in found:
        first = entries[0]
        more = f", and {len(entries) - 1} like it" if len(entries) > 1 else ""
        who = one_line(first.message.name or first.message.role)
        say(f"#{first.seq} {who}, {first.message.created:%Y-%m-%d} ({score:.2f}{more})")
        say(f"  {one_line(searchable_text(first.message), _WIDTH)}")


def about(
    memory: Memex, thread: Thread, topic: str, *, count: int = 8, alike: float = 0.75, embedder: Any = None
) -> list[tuple[float, list[Entry]]]:
    """Return what was said about a topic, in groups of messages that say much the same.

    Args:
        memory: The memory.
        thread: Where to look.
        topic: What about.
        count: At most so many groups.
        alike: The cosine from which on two messages are alike.
        embedder: The embedder; by default that of the memory's chain.

    Returns:
        Of each group how near its best message is, and its messages, the best first. The groups
        come in the order of maximal marginal relevance.
    """
    from memex_semantic.numeric.diverse import groups, spread

    embeddings = embeddings_of(memory, embedder)
    read = reader_of(thread.id, memory)
    question = Entry(thread.info.head + 1, Message.user(topic))
    scores = nearest(embeddings, thread.id, question, read, top=_POOL, beside=0.0).scores
    matrix = embeddings.matrix(thread.id, read, question.seq - 1)
    by_first = {group[0]: group for group in groups(matrix, scores, alike)}
    order = spread(matrix, {seq: scores[seq] for seq in by_first}, 0.3)
    return [
        (scores[first], [entry for seq in by_first[first] for entry in read(seq, seq)])
        for first in list(order)[:count]
    ]


def _as_json(score: float, entries: list[Entry]) -> dict[str, Any]:
    first = entries[0]
    return {
        "seq": first.seq,
        "score": score,
        "role": first.message.role,
        "created": first.message.created.isoformat(),
        "text": searchable_text(first.message),
        "alike": [entry.seq for entry in entries[1:]],
    }

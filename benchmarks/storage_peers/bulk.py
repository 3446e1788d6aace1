"""In bulk: what filling the long threads took, and how large their files are."""

from __future__ import annotations

from typing import Any

from storage_peers.contest import Contest
from storage_peers.subjects import PAIRS, PEERS, SQLITE, SQLITE_BARE, SQLITE_THREAD


def import_(contest: Contest) -> None:
    """Tell what filling the long threads took."""
    rates = {}
    for name, spent in contest.loaded.items():
        count = spent["messages"]
        if not count or name in contest.report.absent:
            continue
        rates[name] = count / spent["wall"]
        contest.report.add(
            "import",
            f"{count:,.0f} messages",
            name,
            rates[name],
            "messages/s",
            note=f"{1e6 * spent['cpu'] / count:.1f} us CPU each",
        )
    for ours, limit in PAIRS:
        if ours in rates and limit in rates:
            contest.report.add(
                "import",
                f"{contest.messages:,} messages",
                ours,
                rates[ours],
                "messages/s",
                against=(limit, rates[limit]),
                limit=("at least", 0.5),
            )
    for peer in PEERS:
        if peer in rates and SQLITE in rates:
            promised = ("at least", 5.0) if peer == "langchain" else None
            contest.report.add(
                "import",
                "all that it was given",
                SQLITE,
                rates[SQLITE],
                "messages/s",
                against=(peer, rates[peer]),
                limit=promised,
                note="" if contest.length(peer) == contest.messages else "other lengths",
            )


def bytes_(contest: Contest, kept: dict[str, dict[str, Any]]) -> None:
    """Tell how much more than the text the files of the long threads take."""
    limits = {SQLITE: ("at most", 60.0), SQLITE_BARE: ("at most", 30.0)}
    for name, sizes in kept.items():
        if sizes["bytes"] and name != SQLITE_THREAD:
            over = 100 * (sizes["bytes"] / sizes["text_bytes"] - 1)
            contest.report.add(
                "bytes",
                f"over the text, {sizes['messages']:,} messages",
                name,
                over,
                "%",
                limit=limits.get(name),
            )

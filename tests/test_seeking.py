"""Reading many places at once gives what reading stretch by stretch gives."""

from __future__ import annotations

from memex import Entry, Memex, Message, Ranking, seeking
from memex.testing import ScratchStore, evict_oldest


class Seeking(ScratchStore):
    """A store that can, and counts how often it is asked."""

    looks = 0

    def entries_at(self, thread, seqs) -> list[Entry]:
        Seeking.looks += 1
        return [entry for entry in self.entries(thread) if entry.seq in set(seqs)]


def scattered(window):
    """Rank every seventh message and read the one before each."""
    seqs = range(3, 300, 7)
    read = window.log.at([*seqs, *(seq - 1 for seq in seqs), 0, 10_000])
    scores = {entry.seq: 2.0 + entry.tokens for entry in read if entry.seq in seqs}
    return window.rank(Ranking(name="scattered", scores=scores, unnamed=1.0))


def window_of(store):
    with Memex(store, chain=[scattered, evict_oldest], budget=1_500, answer_tokens=300) as memory:
        thread = memory.thread("t")
        thread.append(
            [
                Message.user(f"message {number} {'word ' * (number % 9)}", id=f"m{number}")
                for number in range(300)
            ]
        )
        thread.forget([10, "m23"])
        window = thread.window("what was it?", record=False)
        return window.plan.window, [message.text for message in window.messages]


def test_a_window_is_the_same_however_its_messages_were_read():
    assert seeking(ScratchStore()) is None
    Seeking.looks = 0
    assert window_of(Seeking()) == window_of(ScratchStore())
    assert 0 < Seeking.looks <= 4

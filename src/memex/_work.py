"""Work that plugins do after a call has returned: how far it is, to wait for it, to stop it."""

from __future__ import annotations

from typing import Protocol, runtime_checkable


@runtime_checkable
class Work(Protocol):
    """What a plugin does for one memory in the background, such as embedding what was stored.

    It never delays or fails the call that caused it. Its plugin begins it, has it ended by
    :meth:`Memex.on_close`, and lets others see it by :meth:`Memex.add_work`. Methods may be called from
    any thread; none raises.

    Attributes:
        name: What is done, in a word: ``"embedding"``.
        later: How what is left undone is done another time: ``"'memex embed' embeds the rest"``.
    """

    name: str
    later: str

    @property
    def lasting(self) -> bool:
        """Whether what it makes outlives the process; else whoever is about to end need not wait."""

    def progress(self) -> tuple[int, int]:
        """Return how many messages are done, and how many there were to do as far as is known."""

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until nothing is under way, so many seconds at most; return whether that is so."""

    def stop(self) -> None:
        """Begin nothing more in this memory, and end what is under way as soon as that can be."""

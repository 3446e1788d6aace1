"""All hooks of memex. A plugin implements those it needs and ignores the rest.

Plural nouns are asked once, when a :class:`~memex.Memex` opens, and answer with a list of
:class:`~memex.Provider`. Past participles are told afterwards; what they return is ignored, but
for the counts of what was erased, and an exception in one never reaches the user.

An implementation names only the arguments it wants. One that came later has a default here; an
implementation that must also run with an older host gives it one, too. No coroutine, generator or
stream crosses a hook: streaming lives on the backend.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

import pluggy

if TYPE_CHECKING:
    from memex import Entry, MemexError, Provider, Receipt, Reply, Thread, ThreadInfo, Window

PROJECT: Final = "memex"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def memex_stores() -> Iterable[Provider]:
    """Offer stores: where threads live. The target returns a :class:`~memex.Store`.

    Example::

        @memex.hookimpl
        def memex_stores():
            return [memex.Provider("paper", "memex_paper.store:PaperStore", "Threads on paper")]

        # memex_paper/store.py
        class PaperStore:
            def __init__(self, path: str, *, namespace: str = "default") -> None: ...
    """
    raise AssertionError("a specification is never called")


@hookspec
def memex_backends() -> Iterable[Provider]:
    """Offer backends: models that answer. The target returns a :class:`~memex.Backend`.

    Example::

        @memex.hookimpl
        def memex_backends():
            return [memex.Provider("parrot", "memex_parrot.backend:Parrot", "Says it again")]

        # memex_parrot/backend.py
        class Parrot:
            def __init__(self, model: str = "grey") -> None: ...
    """
    raise AssertionError("a specification is never called")


@hookspec
def memex_policies() -> Iterable[Provider]:
    """Offer policies: what goes into the window. Hook order is the default chain's order.

    The target returns a callable ``policy(window) -> window``. ``tryfirst`` and ``trylast`` place
    it in the default chain; ``wrapper=True`` may rewrite the whole of it: its ``yield`` gives a
    list of the lists that the others returned.

    Example::

        @memex.hookimpl(trylast=True)
        def memex_policies():
            return [memex.Provider("last-ten", "memex_ten.policy:last_ten", "Only ten messages")]

        # memex_ten/policy.py
        def last_ten(*, count: int = 10):
            return lambda window: window.drop(window.droppable[:-count], reason="over-count")
    """
    raise AssertionError("a specification is never called")


@hookspec
def memex_embedders() -> Iterable[Provider]:
    """Offer embedders: texts to vectors. The target returns an :class:`~memex.Embedder`.

    What comes after the colon in ``"tiny:model-2"`` is its first setting. Import what is heavy in
    ``embed``, not in the constructor: a memory makes the embedder before it has anything to embed.

    Example::

        @memex.hookimpl
        def memex_embedders():
            return [memex.Provider("tiny", "memex_tiny.embed:Tiny", "Small static vectors")]

        # memex_tiny/embed.py
        class Tiny:
            def __init__(self, model: str = "model-1") -> None: ...
            def embed(self, texts: list[str]) -> list[list[float]]: ...
    """
    raise AssertionError("a specification is never called")


@hookspec
def memex_counters() -> Iterable[Provider]:
    """Offer counters: how many tokens a message costs. The target returns a :class:`~memex.Counter`.

    Example::

        @memex.hookimpl
        def memex_counters():
            return [memex.Provider("bytes", "memex_bytes.counter:Bytes", "One token a byte")]

        # memex_bytes/counter.py
        class Bytes:
            name, exact, error = "bytes-1", False, 0.0
    """
    raise AssertionError("a specification is never called")


@hookspec
def memex_filters() -> Iterable[Provider]:
    """Offer filters: they see each message before it is stored, and may alter or veto it.

    The target returns a callable ``filter(thread, message) -> message | None``. Filters fold in
    hook order; None vetoes; one that raises stops the message (they fail closed).

    Example::

        @memex.hookimpl
        def memex_filters():
            return [memex.Provider("hush", "memex_hush.filters:hush", "Stops shouting")]

        # memex_hush/filters.py
        def hush():
            return lambda thread, message: None if message.text.isupper() else message
    """
    raise AssertionError("a specification is never called")


@hookspec
def memex_codecs() -> Iterable[Provider]:
    """Offer codecs: messages to and from a wire format. The target returns a :class:`~memex.Codec`.

    Example::

        @memex.hookimpl
        def memex_codecs():
            return [memex.Provider("irc", "memex_irc.codec:IrcCodec", "Lines of IRC")]

        # memex_irc/codec.py
        class IrcCodec:
            def encode(self, messages, *, model=None): ...
    """
    raise AssertionError("a specification is never called")


@hookspec
def memex_importers() -> Iterable[Provider]:
    """Offer importers: files of other programs. The target returns ``importer(path)``.

    An importer yields ``(thread_id, messages)`` pairs and never holds the whole file in memory.

    Example::

        @memex.hookimpl
        def memex_importers():
            return [memex.Provider("mbox", "memex_mbox.importer:read_mbox", "Mail folders")]

        # memex_mbox/importer.py
        def read_mbox(path): ...
    """
    raise AssertionError("a specification is never called")


@hookspec
def memex_commands() -> Iterable[Provider]:
    """Offer commands for the ``memex`` program. The target is a click command or group.

    :mod:`memex.commands` has what they share: the options that may stand before or after a command's name,
    the memory and the thread that these mean, and output that is safe on a terminal. The command of the
    example stands there.

    Beneath it is click's ``meta``, for commands that do without. What the user gave is there as
    ``memex.option.store``, ``.namespace``, ``.settings``, ``.thread``, ``.chain``, ``.budget``,
    ``.answer_tokens``, ``.backend`` and ``.json``; problems that a command leaves there in a list,
    ``memex.problems``, are remembered for ``memex plugins``.

    Example::

        @memex.hookimpl
        def memex_commands():
            return [memex.Provider("count", "memex_count.command:count", "Count the messages")]
    """
    raise AssertionError("a specification is never called")


@hookspec
def memex_thread_opened(thread: ThreadInfo) -> None:
    """Told once per Memex when a thread is opened, new or not.

    Args:
        thread: The thread as it was found.

    Example::

        @memex.hookimpl
        def memex_thread_opened(thread):
            if thread.head == 0:
                print("a new thread:", thread.id)
    """


@hookspec
def memex_message_stored(thread: str, entry: Entry, handle: Thread | None = None) -> None:
    """Told after a message is durable in the store.

    Whoever said it waits meanwhile. A plugin that does more than note something does it later, as
    :class:`~memex.Work`, and leaves it where ``handle.memex.background`` is false. ``handle.chain`` may
    have to be made first, which takes its time.

    Args:
        thread: Id of the thread.
        entry: The message in its place.
        handle: The thread as it was opened, with its memory, ``handle.memex``, and its chain.

    Example::

        @memex.hookimpl
        def memex_message_stored(thread, entry):
            print(thread, entry.seq, entry.message.role)
    """


@hookspec
def memex_window_built(thread: str, window: Window) -> None:
    """Told when a window is ready, before the model is called.

    Args:
        thread: Id of the thread.
        window: The window with its plan.

    Example::

        @memex.hookimpl
        def memex_window_built(thread, window):
            print(thread, window.tokens, "tokens,", window.plan.fresh_tokens, "fresh")
    """


@hookspec
def memex_reply_received(thread: str, reply: Reply) -> None:
    """Told after a reply is durable in the store: of each answer, where functions are run between them.

    Args:
        thread: Id of the thread.
        reply: The reply with its message, usage and plan.

    Example::

        @memex.hookimpl
        def memex_reply_received(thread, reply):
            print(thread, reply.usage.output_tokens)
    """


@hookspec
def memex_call_failed(thread: str, error: MemexError) -> None:
    """Told when a call of the model failed or was cut off; what came is stored already.

    Args:
        thread: Id of the thread.
        error: What went wrong.

    Example::

        @memex.hookimpl
        def memex_call_failed(thread, error):
            print(thread, type(error).__name__, error)
    """


@hookspec
def memex_messages_forgotten(
    thread: str, receipt: Receipt, handle: Thread | None = None
) -> Mapping[str, int] | None:
    """Told after messages were erased; a plugin that keeps copies erases them here and counts them.

    Args:
        thread: Id of the thread.
        receipt: What was erased where.
        handle: The thread as it was opened, with its memory, ``handle.memex``; it may be gone.

    Returns:
        How many things were erased where, for the receipt; None if the plugin keeps no copies.

    Example::

        @memex.hookimpl
        def memex_messages_forgotten(thread, receipt):
            return {"vectors": sum(my_index.remove(thread, seq) for seq in receipt.messages)}
    """

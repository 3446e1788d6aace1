"""A thread: one conversation, and everything that can be done with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from memex import _thread_async, _thread_turns, _thread_windows
from memex._backend import AnyTool
from memex._content import Content, to_messages
from memex._counter import count_message
from memex._entry import Entry
from memex._errors import (
    Conflict,
    FilterFailed,
    InvalidMessage,
    MessageVetoed,
    PluginError,
    StoreError,
    UnknownMessage,
)
from memex._log import Log
from memex._message import Message, new_id
from memex._store import Hit, Receipt, ThreadInfo

if TYPE_CHECKING:
    from memex._budget import Budget
    from memex._chain import Chain
    from memex._counter import Counter
    from memex._explain import Explanation
    from memex._memex import Memex
    from memex._plan import Plan
    from memex._replay import Replayed
    from memex._window import Window

_PINS = "memex/pins"


class Thread:
    """One conversation of a :class:`~memex.Memex`; made by :meth:`Memex.thread`.

    Methods may be called from any thread. Each has a twin for asyncio with an ``a`` before its
    name.

    Attributes:
        id: Its id.
        memex: The memory it belongs to.
        budget: The token budget of its windows.
    """

    def __init__(self, memex: Memex, thread_id: str, budget: Budget, chain: Chain | None) -> None:
        self.memex = memex
        self.id = thread_id
        self.budget = budget
        self._chain = chain

    def __repr__(self) -> str:
        return f"<Thread {self.id!r}>"

    @property
    def chain(self) -> Chain:
        """The policies that its windows go through."""
        return self.memex.chain if self._chain is None else self._chain

    @property
    def counter(self) -> Counter:
        """How its tokens are counted."""
        return self.memex.counter

    # -- reading -------------------------------------------------------------------------------

    @property
    def info(self) -> ThreadInfo:
        """Its head, parent and time, as the store has them now."""
        return self.memex.store.open_thread(self.id, create=False)

    def messages(self, *, reverse: bool = False) -> Iterator[Message]:
        """Yield the messages in order, reading as it goes."""
        return (entry.message for entry in self.entries(reverse=reverse))

    def entries(self, start: int = 1, stop: int | None = None, *, reverse: bool = False) -> Iterator[Entry]:
        """Yield the messages ``start`` to ``stop`` with their sequence numbers."""
        return self.memex.store.entries(self.id, start, stop, reverse=reverse)

    def search(self, query: str, **filters: Any) -> list[Hit]:
        """Return the best messages for ``query``, best first; see :meth:`Memex.search`.

        Args:
            query: Words, "phrases" and begin*, as a person types them.
            **filters: ``match``, ``roles``, ``since``, ``until``, ``meta`` and ``limit``.
        """
        return self.memex.search(query, thread=self.id, **filters)

    @property
    def unfinished(self) -> bool:
        """Whether its last turn has no whole answer, so that :meth:`resume` goes on with it."""
        from memex._unfinished import unfinished

        return unfinished(self.entries(reverse=True)) is not None

    def plans(self, *, before: int | None = None) -> Iterator[Plan]:
        """Yield the plans of this thread, newest first."""
        from memex._plan import read_plan

        for stored in self.memex.store.plans(self.id, before=before):
            yield read_plan(stored.body, stored.number)

    def plan(self, number: int | None = None) -> Plan:
        """Return a plan by its number, or the newest, and what came of it where it was sent.

        Other threads that it names by their tags have their ids in ``names``.

        Raises:
            StoreError: If there is none.
        """
        from memex._others import names_of
        from memex._outcome import answer_to, outcome_in

        before = None if number is None else number + 1
        found = next(self.plans(before=before), None)
        if found is None or (number is not None and found.number != number):
            which = "no plan yet" if number is None else f"no plan {number}"
            raise StoreError(f"thread {self.id!r} has {which}; a window or a turn makes one")
        if found.beside:
            found = msgspec.structs.replace(found, names=names_of(self.memex.store, found.beside))
        answer = answer_to(found, self.entries(found.head + 1))
        return msgspec.structs.replace(found, outcome=outcome_in(answer)) if answer else found

    def explain(
        self, message: str | int, *, plan: int | Plan | None = None, elsewhere: str | None = None
    ) -> Explanation:
        """Say why a message is, or is not, in a window.

        Args:
            message: Id or sequence number.
            plan: Number of the plan, or one that was not recorded; the newest by default.
            elsewhere: The other thread that the message is of.
        """
        from memex._explain import explain

        chosen = self.plan(plan) if plan is None or isinstance(plan, int) else plan
        if elsewhere is None or elsewhere == self.id:
            return explain(self, self._entry(message), chosen)
        from memex._explain_elsewhere import explain_elsewhere

        info = self.memex.store.open_thread(elsewhere, create=False)
        return explain_elsewhere(self._entry(message, elsewhere), info, chosen)

    def replay(self, number: int | None = None) -> Iterator[Replayed]:
        """Rebuild plans from the log and yield whether each came out the same, byte for byte.

        Args:
            number: Only this plan; all of them, oldest first, by default.
        """
        from memex._replay import replay

        return replay(self, number)

    # -- writing -------------------------------------------------------------------------------

    def append(self, content: Content, *, expect: int | None = None) -> tuple[Entry, ...]:
        """Store messages without calling a model; all of them or none.

        Args:
            content: Text (a user message), a message, an OpenAI-shaped dict, or several.
            expect: Store only if the thread's head is this.

        Returns:
            The messages in their places.
        """
        return self.keep(self.filtered(to_messages(content)), expect=expect)

    def filtered(self, messages: Sequence[Message]) -> list[Message]:
        """Return what the filters make of messages, before they are stored; for the host."""
        return [self.memex.filtered(self.id, message) for message in messages]

    def keep(self, messages: Sequence[Message], *, expect: int | None = None) -> tuple[Entry, ...]:
        """Store messages that went through the filters, and tell of them; for the host."""
        memex = self.memex
        tokens, counter = self._counts(messages)
        done = memex.store.append(self.id, messages, tokens=tokens, counter=counter, expect=expect)
        for entry in done.entries:
            if entry.seq > done.head - done.new:  # what was there before was told then
                memex.hooks.message_stored(self.id, entry, self)
        return done.entries

    def pin(self, message: str | int, *, pinned: bool = True) -> Entry:
        """Keep a message in every window from now on, or stop doing so.

        Args:
            message: Id or sequence number.
            pinned: False to unpin.
        """
        entry = self._entry(message)
        self._change_pins(lambda pins: pins | {entry.seq} if pinned else pins - {entry.seq})
        return entry

    @property
    def pins(self) -> tuple[int, ...]:
        """Sequence numbers of the pinned messages."""
        return tuple(sorted(_read_pins(self.memex.store.get_state(self.id, _PINS))))

    def fork(self, name: str | None = None, *, at: str | int | None = None) -> Thread:
        """Continue from a message in a new thread; this one is not touched.

        Args:
            name: Id of the new thread; made up if not given.
            at: Last message to share, by id or sequence number; the newest by default.
        """
        seq = at if at is None or at == 0 else self._entry(at).seq
        new = name or f"{self.id}-{new_id()[-8:]}"
        info = self.memex.store.fork(self.id, new, seq if seq is None else int(seq))
        made = self.memex.adopt(info, self.budget, self._chain)
        made.drop_pins_after(info.head)
        return made

    def forget(self, messages: Sequence[str | int] | None = None) -> Receipt:
        """Erase messages, or the whole thread, wherever they are kept.

        Args:
            messages: Ids or sequence numbers; None for the whole thread.

        Returns:
            What was erased where.
        """
        ids = None if messages is None else [self._entry(message).message.id for message in messages]
        return self.memex.forgotten(self.memex.store.forget(self.id, ids), self)

    # -- turns ---------------------------------------------------------------------------------

    def window(
        self, content: str | Message | None = None, *, tools: Iterable[AnyTool] = (), record: bool = True
    ) -> Window:
        """Return what a model would see now. No model is called.

        Args:
            content: A question that is asked but not stored.
            tools: What the model may call.
            record: Keep the plan, so that the next window continues this one. A window that is
                only looked at is better not recorded.
        """
        from memex._functions import described, offered

        pending = None if content is None else _single(content)
        return self.build(tools=described(offered(tools)), pending=pending, record=record)

    send = _thread_turns.send
    stream = _thread_turns.stream
    resume = _thread_turns.resume
    resume_stream = _thread_turns.resume_stream

    # -- asyncio -------------------------------------------------------------------------------

    asend = _thread_async.asend
    astream = _thread_async.astream
    aresume = _thread_async.aresume
    aresume_stream = _thread_async.aresume_stream
    aappend = _thread_async.aappend
    awindow = _thread_async.awindow
    amessages = _thread_async.amessages
    asearch = _thread_async.asearch
    apin = _thread_async.apin
    afork = _thread_async.afork
    aforget = _thread_async.aforget

    # -- for the host --------------------------------------------------------------------------

    def log(self, head: int | None = None, *, beside: Mapping[str, int] | None = None) -> Log:
        """Return the thread up to ``head`` as policies see it.

        Args:
            head: The last message; the newest by default.
            beside: Tags and heads of the other threads that can be seen; all, as they are now, by default.
        """
        memex = self.memex
        last = self.info.head if head is None else head
        return Log(memex.store, self.id, last, self.counter, memex.indexes, beside=beside)

    build = _thread_windows.build

    def drop_pins_after(self, head: int) -> None:
        """Unpin what a new fork does not share: its own messages will have those numbers."""
        self._change_pins(lambda pins: {seq for seq in pins if seq <= head})

    def _change_pins(self, change: Callable[[set[int]], set[int]]) -> None:
        """Change the pins, whoever else changes them at the same moment."""
        while True:
            stored = self.memex.store.get_state(self.id, _PINS)
            pins = _read_pins(stored)
            changed = change(pins)
            if changed == pins:
                return None
            try:
                value = msgspec.json.encode(sorted(changed))
                return self.memex.store.put_state(self.id, _PINS, value, expect=stored)
            except Conflict:  # somebody was faster, so that there is progress all the same
                continue

    def store_reply(self, message: Message) -> Entry:
        """Filter and store an answer, or the results of its calls, and tell of it.

        Raises:
            FilterFailed: If a filter raised; carries the answer, as does every error from here.
            MessageVetoed: If a filter refused it.
            StoreError: If it could not be stored, for whatever reason.
        """
        try:
            kept = self.memex.filtered(self.id, message)
            tokens, counter = self._counts([kept])
            done = self.memex.store.append(self.id, [kept], tokens=tokens, counter=counter)
        except (FilterFailed, MessageVetoed):
            raise
        except StoreError as error:
            error.carried = message
            error.add_note("the answer is in error.carried")
            raise
        except Exception as error:
            failure = StoreError(
                f"the answer could not be stored: {type(error).__name__}: {error}; it is in error.carried"
            )
            failure.carried = message
            raise failure from error
        self.memex.hooks.message_stored(self.id, done.entries[0], self)
        return done.entries[0]

    def _counts(self, messages: Sequence[Message]) -> tuple[list[int] | None, str | None]:
        """Return what a store keeps of the counts; nothing if the counter fails.

        That must not cost a message. The next window counts again, and names the counter.
        """
        try:
            return [count_message(self.counter, message) for message in messages], self.counter.name
        except PluginError:
            return None, None

    def _entry(self, message: str | int, thread: str | None = None) -> Entry:
        """Return a message by id or by sequence number, of this thread or of another.

        Raises:
            UnknownMessage: If the thread has none such.
        """
        if isinstance(message, bool) or not isinstance(message, (str, int)):
            raise InvalidMessage(f"{message!r} is neither a message id nor a sequence number")
        where = self.id if thread is None else thread
        if isinstance(message, str):
            found = self.memex.store.get(where, [message])
        else:
            found = list(self.memex.store.entries(where, message, message)) if message > 0 else []
        if not found:
            raise UnknownMessage(f"thread {where!r} has no message {message!r}")
        return found[0]


def _read_pins(stored: bytes | None) -> set[int]:
    return msgspec.json.decode(stored, type=set[int]) if stored else set()


def _single(content: str | Message) -> Message:
    if isinstance(content, Message):
        return content
    if not isinstance(content, str):
        raise InvalidMessage(f"a {type(content).__name__} is no question; give text or a Message")
    return Message.user(content)

"""A window: what one model call will see. An immutable view over a thread's log."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, NoReturn

from memex import _edits as edits
from memex._budget import Budget
from memex._codec import Codec, Encoded, built_in
from memex._counter import Counter
from memex._elsewhere import as_planned
from memex._entry import Derived, Entry, Item, Place
from memex._groups import Unit, units
from memex._log import Log
from memex._message import Message
from memex._plan import Change
from memex._ranges import to_ranges
from memex._ranking import Ranking, checked_ranking
from memex._stubs import as_entry, place_of

if TYPE_CHECKING:
    from memex._plan import Plan


_BESIDE: Final = frozenset({"changes", "rankings", "selected", "allowance", "plan"})
_OF_ENTRIES: Final = ("entries", "newest", "stubs", "present", "units", "droppable_units", "seqs")


class Window:
    """What one model call will see. Every method that changes it returns a new window.

    Attributes:
        items: Entries of the log in order, with derived entries among them.
        budget: The token budget.
        tools_tokens: Tokens of the tool definitions.
        counter: How tokens are counted.
        log: The whole thread up to here, read-only.
        protected: Sequence numbers that must stay, each with the reason: ``standing`` (system
            and developer text), ``pinned``, ``newest`` (the newest user message), ``pending``
            (an exchange with a tool that is not finished).
        changes: What the present step did so far.
        rankings: What policies found older messages to be worth for the newest question.
        selected: The messages that are quoted because of the rankings; those of other threads as
            pairs of thread and sequence number.
        allowance: Tokens that the limit is higher than the budget's, or lower where negative, because
            the provider's count of the last window differs from the estimate.
    """

    items: tuple[Item, ...]
    budget: Budget
    tools_tokens: int
    counter: Counter
    log: Log
    protected: Mapping[int, str]
    changes: tuple[Change, ...]
    rankings: tuple[Ranking, ...]
    selected: frozenset[Place]
    allowance: int
    _plan: Plan | None

    def __init__(
        self,
        items: tuple[Item, ...],
        *,
        budget: Budget,
        tools_tokens: int,
        counter: Counter,
        log: Log,
        protected: Mapping[int, str],
        changes: tuple[Change, ...] = (),
        rankings: tuple[Ranking, ...] = (),
        selected: frozenset[Place] = frozenset(),
        allowance: int = 0,
        plan: Plan | None = None,
    ) -> None:
        self.__dict__.update(
            items=items,
            budget=budget,
            tools_tokens=tools_tokens,
            counter=counter,
            log=log,
            protected=protected,
            changes=changes,
            rankings=rankings,
            selected=selected,
            allowance=allowance,
            _plan=plan,
        )

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"a window cannot be changed; {name} belongs to a new one, see replace()")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"a window cannot be changed; {name} stays")

    def __repr__(self) -> str:
        return f"<Window {len(self.items)} messages, {self.tokens:,} of {self.limit:,} tokens>"

    def __len__(self) -> int:
        return len(self.items)

    @cached_property
    def entries(self) -> tuple[Entry, ...]:
        """The messages of the log that are in the window."""
        return tuple(item for item in self.items if isinstance(item, Entry))

    @cached_property
    def derived(self) -> tuple[Derived, ...]:
        """The entries that policies wrote."""
        return tuple(item for item in self.items if isinstance(item, Derived))

    @property
    def messages(self) -> tuple[Message, ...]:
        """What the model sees, in order."""
        return tuple(item.message for item in self.items)

    @cached_property
    def tokens(self) -> int:
        """Prompt tokens, tools included."""
        return self.tools_tokens + sum(item.tokens for item in self.items)

    @property
    def limit(self) -> int:
        """Prompt tokens that the budget allows, as this window's counter counts."""
        return self.budget.prompt + self.allowance

    @property
    def room(self) -> int:
        """Prompt tokens still free; negative when the window is over its budget."""
        return self.limit - self.tokens

    @cached_property
    def newest(self) -> Entry | None:
        """The newest user message, None if there is none."""
        return next((e for e in reversed(self.entries) if is_question(e.message)), None)

    @property
    def query(self) -> str:
        """The words of the newest user message."""
        return self.newest.message.text if self.newest else ""

    @cached_property
    def stubs(self) -> Mapping[int, Derived]:
        """What stands in the place of shortened messages, by their sequence numbers."""
        return {stub.covers[0][0]: stub for stub in self.derived if stub.kind == "stub" and stub.covers}

    @cached_property
    def present(self) -> tuple[Entry, ...]:
        """The messages of the log that are in the window, whole or shortened, as the model sees them."""
        if not self.stubs:
            return self.entries
        shown = (
            as_entry(i, self.counter.name) if place_of(i) and isinstance(i, Derived) else i
            for i in self.items
        )
        return tuple(item for item in shown if isinstance(item, Entry))

    @cached_property
    def units(self) -> tuple[Unit, ...]:
        """What lives and dies together: tool calls with all their results, whole or shortened."""
        return units(self.present)

    @cached_property
    def droppable_units(self) -> tuple[Unit, ...]:
        """The units that hold nothing protected, oldest first."""
        return tuple(u for u in self.units if not any(e.seq in self.protected for e in u.entries))

    @property
    def droppable(self) -> tuple[Entry, ...]:
        """The entries that may be dropped, in log order."""
        return tuple(sorted((e for u in self.droppable_units for e in u.entries), key=lambda e: e.seq))

    @property
    def plan(self) -> Plan:
        """The decision record; only a finished window has one."""
        if self._plan is None:
            raise AttributeError("a window has its plan when the chain is done, not inside a policy")
        return self._plan

    @property
    def order(self) -> tuple[int, ...]:
        """The sequence number of each message in order, 0 for what a policy wrote."""
        return tuple(item.seq if isinstance(item, Entry) else 0 for item in self.items)

    def __contains__(self, seq: object) -> bool:
        """Tell whether the message ``seq`` is in the window itself, not only recalled or shortened."""
        return seq in self.seqs

    @cached_property
    def seqs(self) -> frozenset[int]:
        """Sequence numbers of the messages in the window, without those that are shortened."""
        return frozenset(entry.seq for entry in self.entries)

    def drop(
        self, entries: Iterable[Entry], *, reason: str, detail: Mapping[str, Any] | None = None
    ) -> Window:
        """Return a window without ``entries`` and without what must go with them.

        Dropping one message of an exchange with a tool drops the whole exchange.

        Args:
            entries: What to drop; entries that are not in the window are ignored.
            reason: A short code for the plan, such as ``"over-budget"``.
            detail: JSON values for the plan, such as scores.

        Raises:
            PolicyViolation: If that would drop a protected message.
        """
        return edits.drop(self, entries, reason, detail)

    def recall(
        self,
        entries: Iterable[Entry],
        *,
        reason: str = "recalled",
        detail: Mapping[str, Any] | None = None,
        elsewhere: Mapping[str, Iterable[Entry]] | None = None,
    ) -> Window:
        """Return a window that quotes older messages just before the newest user message.

        There is one block of quotes: a second call adds to it. Messages that are in the window
        already are not quoted again, and answers that broke off not beside those in their place.

        Args:
            entries: Messages of the log, from :attr:`log`.
            reason: A short code for the plan.
            detail: JSON values for the plan, such as scores.
            elsewhere: Messages of other threads, by thread, from the logs that :meth:`Log.others` gave.
                System text is left out, and so is what this thread holds itself.

        Raises:
            PolicyViolation: If a thread is none of those.
        """
        return edits.recall(self, entries, reason, detail, elsewhere or {})

    def rank(self, ranking: Ranking) -> Window:
        """Return a window that knows what older messages are worth by one more measure.

        Nothing is quoted yet: once all rankings of the chain are there, one step selects from them
        together. A second ranking of the same name takes the place of the first.

        Raises:
            PolicyViolation: If it names a message that is not there or a worth that is no number.
        """
        ranking = checked_ranking(ranking, self.log)
        others = tuple(known for known in self.rankings if known.name != ranking.name)
        if not ranking.scores and not ranking.elsewhere and others == self.rankings:
            return self
        change = Change(
            kind="rank",
            seqs=to_ranges(ranking.scores),
            elsewhere=as_planned(self, ranking.elsewhere),
            reason=ranking.name,
            tokens=0,
            detail=ranking.detail,
        )
        return self.changed(self.items, change).replace(rankings=(*others, ranking))

    def recall_block(
        self, entries: Iterable[Entry], elsewhere: Mapping[str, Iterable[Entry]] | None = None
    ) -> Derived:
        """Return the block that would quote these messages, to learn its tokens before recalling."""
        return edits.recall_block(self, entries, elsewhere or {})

    def summarise(self, entries: Iterable[Entry], message: Message, *, reason: str) -> Window:
        """Return a window in which ``message`` stands where ``entries`` were.

        Args:
            entries: What the summary covers; they leave the window, whole exchanges at a time.
            message: The summary.
            reason: A short code for the plan.

        Raises:
            PolicyViolation: If a protected message would leave.
        """
        return edits.summarise(self, entries, message, reason)

    def shorten(
        self,
        entries: Iterable[Entry],
        *,
        reason: str,
        shown: int = 0,
        detail: Mapping[str, Any] | None = None,
    ) -> Window:
        """Return a window in which stubs stand in the place of results of tools.

        A stub says what was there: ``[result of read_file(path="notes.md"), 12,431 tokens, kept in
        memory as #41]``. It answers the same call, so exchanges stay whole. It stays in the windows
        that continue this one. Results that a stub would not make smaller are left as they are.

        Args:
            entries: Messages with tool results; those that are not in the window, or are shortened
                already, are ignored.
            reason: A short code for the plan, such as ``"cleared"``.
            shown: How many characters of the beginning of each result stay.
            detail: JSON values for the plan.

        Raises:
            PolicyViolation: If one is protected, or is no result of a tool.
        """
        return edits.shorten(self, entries, reason, shown, detail)

    def to(self, codec: str | Codec, *, model: str | None = None) -> Encoded:
        """Return the window in a wire format.

        Args:
            codec: Name of one of the host's codecs, or a codec.
            model: The model it goes to; parts bound to another one are left out and listed.
        """
        chosen = built_in(codec) if isinstance(codec, str) else codec
        return chosen.encode(self.messages, model=model)

    def to_openai(self, *, model: str | None = None) -> list[dict[str, Any]]:
        """Return ``messages=`` for OpenAI's Chat Completions."""
        messages: list[dict[str, Any]] = self.to("openai", model=model).payload["messages"]
        return messages

    def to_anthropic(self, *, model: str | None = None) -> dict[str, Any]:
        """Return ``system`` and ``messages`` for Anthropic's Messages, to be passed with ``**``."""
        return self.to("anthropic", model=model).payload

    def changed(self, items: tuple[Item, ...], change: Change, *, same_entries: bool = False) -> Window:
        """Return a window of other items and say what changed; the guard checks both."""
        made = self.replace(items=items, changes=(*self.changes, change))
        return self._told(made) if same_entries else made

    def replace(self, **fields: Any) -> Window:
        """Return a copy with some attributes changed; for the host."""
        current: dict[str, Any] = {
            "items": self.items,
            "budget": self.budget,
            "tools_tokens": self.tools_tokens,
            "counter": self.counter,
            "log": self.log,
            "protected": self.protected,
            "changes": self.changes,
            "rankings": self.rankings,
            "selected": self.selected,
            "allowance": self.allowance,
            "plan": self._plan,
        }
        made = Window(**(current | fields))
        return self._told(made) if fields.keys() <= _BESIDE else made

    def _told(self, made: Window) -> Window:
        """Return a window of the same entries that knows of them what this one has worked out."""
        made.__dict__.update((name, self.__dict__[name]) for name in _OF_ENTRIES if name in self.__dict__)
        return made


def is_question(message: Message) -> bool:
    """Tell whether a message is a user's own, not a tool result in a user message."""
    return message.role == "user" and (not message.parts or len(message.tool_results) < len(message.parts))

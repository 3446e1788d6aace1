"""Every error memex raises, in one tree.

::

    MemexError
    ├── ConfigError            settings that make no sense; nothing was opened
    │   ├── UnknownProvider    no plugin offers a thing of that name
    │   ├── NameClash          two plugins offer the same name
    │   ├── BadSetting         a setting the provider does not take, or of the wrong type
    │   └── MissingThread      a call that is to be remembered does not say in which thread
    ├── PluginError            a plugin failed, and is named
    │   ├── PolicyFailed       a policy raised
    │   ├── PolicyViolation    a policy broke a law
    │   └── FilterFailed       a filter raised or returned junk; carries the message
    ├── MessageVetoed          a filter refused the message; carries the message
    ├── InvalidMessage         a message or an id that no store could keep faithfully
    ├── BudgetExceeded         what must be in the window does not fit the budget
    ├── TooManyRounds          the model still calls tools; carries the reply
    ├── CannotResume           no turn is unfinished, or it waits for results of tools; carries the calls
    ├── InvalidAnswer          an answer that does not follow its schema; it is stored all the same
    ├── StoreError             the store could not do what was asked; nothing was stored half
    │   ├── UnknownThread      no thread of that id
    │   ├── UnknownMessage     no message of that id in the thread
    │   ├── ThreadExists       a thread of that id is already there
    │   ├── Conflict           same id with other content, or the thread has moved on
    │   ├── StoreUnavailable   locked, read-only, full, or gone
    │   └── StoreDamaged       the data is not what was written, or is of a newer schema
    ├── ReplayError            a plan cannot be rebuilt, and why
    └── BackendError           the model could not answer
        ├── ContextOverflow    the prompt is longer than the model takes
        ├── RateLimited        too many requests; carries retry_after
        ├── Unavailable        the provider is down, or cannot be reached
        ├── BadRequest         the provider refused the request
        ├── AuthFailed         the key is missing or refused
        └── Truncated          the answer ended before its terminal event
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from memex._message import Message
    from memex._parts import ToolCall
    from memex._reply import Reply


class MemexError(Exception):
    """The root of every error that memex raises on purpose."""


class ConfigError(MemexError):
    """Settings that make no sense. Nothing was opened or stored."""


class UnknownProvider(ConfigError):
    """No installed plugin offers a thing of that name.

    Args:
        message: What was not found, and what there is.
        kind: What was looked for, such as ``"backends"``: the plural noun of the hook.
        name: The name that nothing has.
    """

    def __init__(self, message: str, *, kind: str = "", name: str = "") -> None:
        super().__init__(message)
        self.kind = kind
        self.name = name


class NameClash(ConfigError):
    """Two plugins offer the same name; the message names both distributions."""


class BadSetting(ConfigError):
    """A setting that the provider does not take, or of the wrong type."""


class MissingThread(ConfigError):
    """A call that is to be remembered does not say in which thread. Nothing was stored or sent."""


class PluginError(MemexError):
    """A plugin failed.

    Args:
        message: What happened, and what to do.
        plugin: Name of the plugin at fault.
        version: Version of its distribution, empty when unknown.
    """

    def __init__(self, message: str, *, plugin: str = "", version: str = "") -> None:
        super().__init__(message)
        self.plugin = plugin
        self.version = version


class PolicyFailed(PluginError):
    """A policy raised; the cause is chained."""


class PolicyViolation(PluginError):
    """A policy returned a window that breaks a law of memex.

    Args:
        message: What happened.
        law: Short code of the law that was broken, such as ``"protected"``.
    """

    def __init__(self, message: str, *, law: str, plugin: str = "", version: str = "") -> None:
        super().__init__(message, plugin=plugin, version=version)
        self.law = law


class _CarriesMessage(MemexError):
    """An error that hands back the message it was about, so that no text is lost."""

    def __init__(
        self, message: str, *, carried: Message | None = None, plugin: str = "", version: str = ""
    ) -> None:
        super().__init__(message)
        self.message = carried
        self.plugin = plugin
        self.version = version


class FilterFailed(_CarriesMessage, PluginError):
    """A filter raised or returned junk. ``error.message`` is the message it was given."""


class MessageVetoed(_CarriesMessage):
    """A filter refused a message. ``error.message`` is the message it was given."""


class InvalidMessage(MemexError):
    """A message or an id that cannot be kept faithfully. Nothing was stored."""


class BudgetExceeded(MemexError):
    """What must be in the window does not fit the budget. No model was called.

    Args:
        message: What happened, and what to do.
        needed: Prompt tokens of what must be sent.
        limit: Prompt tokens that the budget allows.
    """

    def __init__(self, message: str, *, needed: int, limit: int) -> None:
        super().__init__(message)
        self.needed = needed
        self.limit = limit


class TooManyRounds(MemexError):
    """The model still calls tools after as many rounds as were allowed. Everything is stored.

    ``thread.resume(tools=...)`` runs the calls of the last reply and goes on.

    Args:
        message: What happened.
        reply: The last reply; its calls were not run.
        rounds: How many rounds there were.
    """

    def __init__(self, message: str, *, reply: Reply, rounds: int) -> None:
        super().__init__(message)
        self.reply = reply
        self.rounds = rounds


class CannotResume(MemexError):
    """There is no unfinished turn, or it waits for results that only the caller has. Nothing was done.

    Args:
        message: What is missing, and what to do.
        calls: The tool calls that wait for a result; empty where no turn is unfinished.
    """

    def __init__(self, message: str, *, calls: tuple[ToolCall, ...] = ()) -> None:
        super().__init__(message)
        self.calls = calls


class InvalidAnswer(MemexError):
    """An answer does not follow the schema that it was asked for. It is stored all the same."""


class StoreError(MemexError):
    """A store could not do what was asked. Nothing was stored half.

    Attributes:
        carried: The answer that could not be stored, when a model had given one.
    """

    carried: Message | None = None


class UnknownThread(StoreError):
    """No thread of that id was found."""


class UnknownMessage(StoreError):
    """No message of that id was found in the thread."""


class ThreadExists(StoreError):
    """A thread of that id is already there."""


class Conflict(StoreError):
    """The same id with other content, or a thread that has moved on since it was read."""


class StoreUnavailable(StoreError):
    """The store is locked, read-only, full, or gone. Nothing was stored."""


class StoreDamaged(StoreError):
    """The data is not what was written, or comes from a newer memex. It was left untouched."""


class ReplayError(MemexError):
    """A plan cannot be rebuilt; the message says why."""


class BackendError(MemexError):
    """The model could not answer. The user's message is stored.

    Attributes:
        partial: What came of the answer, stored as ``incomplete``; None if nothing came.
        status: The provider's HTTP status, where there was one.
        code: The provider's own word for the error, where it has one.
        parameter: The setting that the provider objects to, where it names one.
    """

    partial: Message | None = None
    status: int | None = None
    code: str = ""
    parameter: str = ""


class ContextOverflow(BackendError):
    """The prompt is longer than the model takes.

    Args:
        message: What happened.
        limit: The model's context in tokens, when the provider told.
    """

    def __init__(self, message: str, *, limit: int | None = None) -> None:
        super().__init__(message)
        self.limit = limit


class RateLimited(BackendError):
    """Too many requests.

    Args:
        message: What happened.
        retry_after: Seconds to wait, when the provider told.
    """

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unavailable(BackendError):
    """The provider is down or cannot be reached.

    Args:
        message: What happened.
        retry_after: Seconds to wait, when the provider told.
    """

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class BadRequest(BackendError):
    """The provider refused the request as it is."""


class AuthFailed(BackendError):
    """The key is missing or was refused."""


class Truncated(BackendError):
    """The answer ended before its terminal event; what came is stored as ``incomplete``."""

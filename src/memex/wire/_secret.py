"""Keys that do not show: in no repr, log, error or traceback."""

from __future__ import annotations

import re
import threading
import weakref
from typing import Final, NoReturn

HIDDEN: Final = "[key]"
_SHORTEST: Final = 12  # "ollama" as the key of a server without keys must not blank that word everywhere
_LOOKS_LIKE_A_KEY: Final = re.compile(
    r"""(?x)
      \b [Bb]earer \s+ (?!\[key\]) [^\s'",;)\]}]+
    | (?<![A-Za-z0-9]) (?: sk- | gsk_ | xai- | r8_ | hf_ | pplx- | nvapi- ) [A-Za-z0-9_\-]{16,}
    | (?<![A-Za-z0-9]) AIza [A-Za-z0-9_\-]{16,}
    | [A-Za-z0-9_\-]* \*{4,} [A-Za-z0-9_\-]*
    """
)
_known_lock = threading.Lock()
_known: weakref.WeakSet[Secret] = weakref.WeakSet()


class Secret:
    """A key. Printing, logging or pickling it shows nothing; :meth:`reveal` is the only way in.

    Args:
        value: The key.
        source: Where it came from, in words for a person.
    """

    __slots__ = ("__weakref__", "_value", "source")

    def __init__(self, value: str, source: str = "given") -> None:
        self._value = value
        self.source = source
        with _known_lock:
            _known.add(self)

    def reveal(self) -> str:
        """Return the key itself."""
        return self._value

    @property
    def digest(self) -> str:
        """A short name for the key that says nothing about it."""
        from hashlib import sha256

        return sha256(b"memex.wire\0" + self._value.encode("utf-8", "surrogatepass")).hexdigest()[:16]

    def __repr__(self) -> str:
        return f"Secret('...', source={self.source!r})"

    def __str__(self) -> str:
        return HIDDEN

    def __bool__(self) -> bool:
        return bool(self._value)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key is not pickled or copied")


def scrub(text: str) -> str:
    """Return the text without keys: none that this process knows, and nothing that looks like one.

    Providers echo keys, also in parts (``sk-canar***********0f3a``), and HTTP libraries put whole
    headers into their errors.
    """
    with _known_lock:
        values = sorted({secret.reveal() for secret in _known}, key=len, reverse=True)
    for value in values:
        if len(value) >= _SHORTEST:
            text = text.replace(value, HIDDEN)
    return _LOOKS_LIKE_A_KEY.sub(HIDDEN, text)


def scrub_error(error: BaseException) -> bool:
    """Take keys out of an exception and of all that it is chained to; say whether that worked.

    An exception of a library is changed in place, so that it can still be the cause of ours.
    """
    clean, seen = True, set[int]()
    pending: list[BaseException | None] = [error]
    while pending:
        one = pending.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        pending += [one.__cause__, one.__context__, *getattr(one, "exceptions", ())]
        clean = _scrub_one(one) and clean
    return clean


def _scrub_one(error: BaseException) -> bool:
    arguments = tuple(_scrubbed(argument) for argument in error.args)
    if arguments != error.args:
        error.args = arguments
    for name, value in list(vars(error).items()):
        clean = _scrubbed(value)
        if clean is not value and clean != value:
            try:
                setattr(error, name, clean)
            except Exception:  # noqa: BLE001 - a stranger's property
                return False
    return not _shows_a_key(error)


def _shows_a_key(error: BaseException) -> bool:
    try:
        shown = f"{error} {error!r} {getattr(error, '__notes__', '')}"
    except Exception:  # noqa: BLE001 - a stranger's __str__
        return True
    return scrub(shown) != shown


def _scrubbed(value: object) -> object:
    """Return plain text, bytes, lists and dicts without keys; anything else as it is."""
    if type(value) is str:
        return scrub(value)
    if type(value) is bytes:
        return scrub(value.decode("latin-1")).encode("latin-1")
    if type(value) is dict:
        return {key: _scrubbed(item) for key, item in value.items()}
    if type(value) is list:
        return [_scrubbed(item) for item in value]
    return tuple(_scrubbed(item) for item in value) if type(value) is tuple else value

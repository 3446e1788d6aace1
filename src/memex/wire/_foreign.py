"""Exceptions of libraries as errors of memex, where the plugin does not know better."""

from __future__ import annotations

from typing import Final

from memex._errors import BackendError, BadRequest, MemexError, Truncated, Unavailable
from memex.wire._secret import scrub, scrub_error

# By name, as the host imports no HTTP library: those of httpx, httpx2, requests, urllib3 and aiohttp.
_BROKEN: Final = frozenset(
    {"TransportError", "NetworkError", "TimeoutException", "ProtocolError", "ConnectionError", "Timeout",
     "RemoteProtocolError", "StreamError", "DecodingError", "IncompleteRead", "HTTPException", "ClientError",
     "ChunkedEncodingError", "ReadTimeoutError", "APIConnectionError"}
)  # fmt: skip
_NEVER_SENT: Final = frozenset({"UnsupportedProtocol", "LocalProtocolError", "InvalidURL", "MissingSchema"})
_GARBLED: Final = frozenset({"JSONDecodeError", "DecodeError", "UnicodeDecodeError", "ValidationError"})


def typed_error(who: str, error: Exception, given: BackendError | None, *, begun: bool) -> MemexError:
    """Return what to raise for an exception of a try, with the exception as its cause.

    Args:
        who: Provider and model, for the text.
        error: What was raised.
        given: What the plugin made of it; None if nothing.
        begun: Whether a part of the answer had been handed on.
    """
    if isinstance(error, MemexError):
        _clean(error)
        return error
    # A connection that breaks in the middle of an answer truncates it, whatever the plugin makes of it.
    typed = _by_kind(who, error, begun=begun) if given is None or (begun and _is_broken(error)) else given
    _clean(typed)
    if typed is not error and typed.__cause__ is None:
        _chain(typed, error)
    return typed


def _by_kind(who: str, error: Exception, *, begun: bool) -> BackendError:
    kinds = {cls.__name__ for cls in type(error).__mro__}
    what = _shown(_told(error))
    if not begun and (do := _setting_up(error, kinds)):
        return BadRequest(f"{who}: the request could not be sent: {what}; {do}")
    broken = _is_broken(error)
    if broken or kinds & _GARBLED:
        how = "the connection failed" if broken else "the answer is garbled"
        if begun:
            return Truncated(
                f"{who}: {how} in the middle of the answer: {what}; what came is kept, ask again"
            )
        return Unavailable(f"{who}: {how}: {what}; check the network and base_url, or try again later")
    return BackendError(f"{who}: {what}; this looks like a fault in the backend's plugin, please report it")


def _setting_up(error: Exception, kinds: set[str]) -> str:
    """Return what to do about a client that could not even try; empty for other errors."""
    if isinstance(error, ImportError):
        return "install what it names"
    if isinstance(error, FileNotFoundError | PermissionError):
        return "check the files that the environment names, such as SSL_CERT_FILE"
    if isinstance(error, ValueError) and "proxy" in str(error).lower():
        return "check the proxies in the environment: HTTP_PROXY, HTTPS_PROXY, ALL_PROXY"
    return "check base_url, headers and the key" if kinds & _NEVER_SENT else ""


def _told(error: BaseException) -> BaseException:
    """Return the exception that says most: an SDK's own "Connection error." does not say of what kind."""
    cause = error.__cause__
    if isinstance(cause, Exception) and _is_broken(error) and _is_broken(cause) and str(cause):
        return _told(cause)
    return error


def _shown(error: BaseException) -> str:
    words = scrub(str(error))
    return f"{type(error).__name__}{f': {words}' if words else ''}"


def _is_broken(error: BaseException) -> bool:
    return isinstance(error, OSError) or any(cls.__name__ in _BROKEN for cls in type(error).__mro__)


def _chain(typed: MemexError, error: Exception) -> None:
    if scrub_error(error):
        typed.__cause__ = error
    else:  # its text would show the key in every traceback
        typed.__suppress_context__ = True
        typed.add_note(f"the {type(error).__name__} behind it is left out: it held a key")


def _clean(error: BaseException) -> None:
    if not scrub_error(error):
        error.__cause__ = error.__context__ = None

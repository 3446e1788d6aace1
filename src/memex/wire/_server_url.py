"""The address of a server: checked when a backend is opened, not when a call has failed four times."""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import msgspec

from memex._errors import BadSetting
from memex.wire._secret import Secret

# No URL holds these: blanks, control characters, halves of characters, and what RFC 3986 leaves out.
_IMPOSSIBLE: Final = re.compile(
    r"[\s\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\ufeff\ud800-\udfff\"<>\\^`{|}]"
)
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*://")
# What follows an @ is an address where it has a scheme, or a port; a model's version has neither.
_AT_ADDRESS: Final = re.compile(r"(.*?)@([^@/]*:.*)\Z", re.DOTALL)


class Login(msgspec.Struct, frozen=True):
    """The name and the password that stood in an address. Neither shows.

    Attributes:
        user: The name; some servers have a token in its place.
        password: The password; empty for none.
    """

    user: Secret
    password: Secret


class ServerUrl(msgspec.Struct, frozen=True):
    """The address of a server.

    Attributes:
        url: The address, without a name and a password, and without a slash at its end.
        login: Those, if there were any: to be sent by basic authentication.
    """

    url: str
    login: Login | None = None


def server_url(who: str, given: str, *, setting: str = "base_url") -> ServerUrl:
    """Return an address, checked.

    A name and a password in it are taken out, so that no log, error or label shows them.

    ::

        server_url("parrot", "http://me:secret@localhost:8000/v1/").url  # "http://localhost:8000/v1"

    Args:
        who: Name of the backend, for errors.
        given: The address.
        setting: Where it comes from, for errors.

    Raises:
        BadSetting: If it is none that a request can be sent to; says why, and shows no password.
    """

    def refused(why: str) -> BadSetting:
        return BadSetting(
            f"{who}: {setting} is {_shown(given)!r}, and {why}; write one like https://host/v1 or "
            "http://localhost:8000/v1"
        )

    if found := _IMPOSSIBLE.search(given):
        what = "a blank" if found[0] == " " else repr(found[0])
        raise refused(f"no address holds {what}")
    try:
        parts = urlsplit(given)
        port = parts.port
    except ValueError as error:
        # The error's words may quote what stands before the host.
        raise refused(
            "its port is no number up to 65535" if "ort" in str(error) else "it is no URL"
        ) from None
    if parts.scheme not in ("http", "https") or not _SCHEME.match(given):
        raise refused("it does not begin with http:// or https://")
    if not parts.hostname:
        raise refused("it names no host")
    if port == 0:
        raise refused("nothing listens on port 0")
    user, at, host = parts.netloc.rpartition("@")
    url = parts._replace(netloc=host).geturl().rstrip("/")
    if not at:
        return ServerUrl(url)
    name, _, password = user.partition(":")
    return ServerUrl(url, Login(_secret(name), _secret(password)))


def basic_auth(login: Login | None) -> dict[str, Any]:
    """Return the arguments of an httpx or httpx2 client by which it sends a name and a password."""
    return {} if login is None else {"auth": (login.user.reveal(), login.password.reveal())}


def split_address(spec: str) -> tuple[str, str | None]:
    """Return the model and the address in ``MODEL@http://host/v1``; None where there is no address.

    An ``@`` that no address follows belongs to the model's name, as in ``claude-opus-5@20261001``.
    """
    found = _AT_ADDRESS.match(spec)
    return (found[1], found[2]) if found else (spec, None)


def _secret(text: str) -> Secret:
    return Secret(unquote(text), "the address")


def _shown(given: str) -> str:
    """Return an address, be it malformed, without anything that may be a name or a password."""
    scheme = _SCHEME.match(given)
    _, at, rest = given.rpartition("@")
    shown = f"{scheme[0] if scheme else ''}{rest}" if at else given
    return shown if len(shown) <= 200 else shown[:197] + "..."

"""The usage of a remembered stream: asked for on the caller's behalf, hidden from one who did not ask."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from memex import BackendError
from memex.wire import learn, learned
from memex_openai.faults import refused_setting
from memex_openai.presets import Address

_FIELD: Final = "stream_options"
# Between two fields of an object: quotes inside a text would have a backslash before them.
_NULL: Final = re.compile(rb',\s*"usage"\s*:\s*null(?=\s*[,}])')


def usage_asked(body: Mapping[str, Any], address: Address) -> dict[str, Any]:
    """Return the field that asks for the usage of a stream; none where the caller has said, or it is refused.

    Args:
        body: What the caller asks.
        address: Of whom.
    """
    if body.get("stream") is not True or not address.server.stream_options:
        return {}
    given = body.get(_FIELD)
    options = dict(given) if isinstance(given, Mapping) else {}
    if "include_usage" in options or _FIELD in learned("openai", address.base_url, address.label):
        return {}
    return {_FIELD: {**options, "include_usage": True}}


def learn_refusal(error: BackendError, address: Address) -> bool:
    """Take note of a server that does not take the field, for this process; say whether it is one."""
    if refused_setting(error) != _FIELD:
        return False
    learn("openai", address.base_url, address.label, _FIELD, f"{address.label} refused it: {error}")
    return True


def without_usage(event: bytes, value: Any) -> bytes:
    """Return an event as it would have come to one who did not ask for the usage; empty if it would not have.

    That is the last chunk, which has no choice but the usage. The others say that theirs is null.
    """
    if not isinstance(value, Mapping):
        return event
    if value.get("usage") is not None:
        return b"" if value.get("choices") == [] else event
    if "usage" in value and len(_NULL.findall(event)) == 1:
        return _NULL.sub(b"", event)
    return event

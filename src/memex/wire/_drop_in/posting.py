"""A stand-in for an SDK's client, whose ``post`` is remembered. Everything else is the client's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from memex.wire._drop_in.call import RememberedCall
from memex.wire._drop_in.tap import hear, tap
from memex.wire._drop_in.turns import note_turn

MakeCall = Callable[[str], RememberedCall | None]
# What the SDKs' own ``with_raw_response`` and ``with_streaming_response`` send.
_RAW = "x-stainless-raw-response"


class StandIn:
    """Has what the client has.

    Args:
        client: The client.
        make_call: Returns the call for a path, None for one that is not remembered.
    """

    def __init__(self, client: Any, make_call: MakeCall) -> None:
        self._client = client
        self._make_call = make_call

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


class Posting(StandIn):
    """Stands in for a blocking client."""

    def post(self, path: str, **given: Any) -> Any:
        """Do what the client's ``post`` does, and remember it."""
        call = self._make_call(path)
        if call is None:
            return self._client.post(path, **given)
        arranged = Arranged(call, given)
        arranged.given["body"] = call.begin(given["body"])
        try:
            result = self._post(path, arranged)
        except BaseException as error:
            call.fail(error)
            raise
        if arranged.listen(result):
            return result
        if not arranged.plain:
            call.end()
            return result
        try:
            parsed = result.parse()
        except BaseException as error:
            call.fail(error)  # it is not what the caller asked for, so that the same call is a retry
            raise
        call.end()
        return note_turn(parsed, call.turn)

    def _post(self, path: str, arranged: Arranged) -> Any:
        while True:  # each reason for another try is one once
            try:
                return self._client.post(path, **arranged.given)
            except Exception as error:
                body = arranged.call.again(error)
                if body is None:
                    raise
            arranged.given["body"] = body


class Arranged:
    """The arguments of a post, so that its answer can be heard.

    Attributes:
        call: The call.
        given: The arguments.
        plain: Whether the caller wants the parsed answer, and nothing of the HTTP response.
    """

    def __init__(self, call: RememberedCall, given: Mapping[str, Any]) -> None:
        self.call = call
        self._stream = bool(given.get("stream"))
        options = dict(given.get("options") or {})
        headers = dict(options.get("headers") or {})
        names = {name.lower(): name for name in headers}
        raw = headers.get(names.get(_RAW, ""))
        self.plain = raw is None and not self._stream
        if self.plain:
            headers[_RAW] = "raw"  # so that the answer's own JSON is at hand, whatever it is parsed into
        elif (self._stream or raw == "stream") and "accept-encoding" not in names:
            headers["accept-encoding"] = "identity"  # the bytes are heard as they pass
        self.given = {**given, "options": {**options, "headers": headers}}

    def listen(self, result: Any) -> bool:
        """Hear the answer, now if it has been read, else as it is. Return whether it is still to come."""
        response = getattr(result, "http_response", None) or result.response
        note_turn(result, self.call.turn)
        note_turn(response, self.call.turn)
        if not response.is_stream_consumed:
            tap(response, self.call, stream=self._stream)
            return True
        hear(self.call, response.content)
        return False

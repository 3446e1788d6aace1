"""A stand-in for an SDK's asynchronous client, whose ``post`` is remembered."""

from __future__ import annotations

import inspect
from typing import Any

from memex.wire._drop_in.posting import Arranged, StandIn
from memex.wire._drop_in.tap_async import in_worker
from memex.wire._drop_in.turns import note_turn


class AsyncPosting(StandIn):
    """Stands in for an asyncio client."""

    async def post(self, path: str, **given: Any) -> Any:
        """Do what the client's ``post`` does, and remember it."""
        call = self._make_call(path)
        if call is None:
            return await self._client.post(path, **given)
        arranged = Arranged(call, given)
        arranged.given["body"] = await in_worker(call.begin, given["body"])
        try:
            result = await self._post(path, arranged)
        except BaseException as error:
            await in_worker(call.fail, error)
            raise
        if arranged.listen(result):
            return result
        if not arranged.plain:
            await in_worker(call.end)
            return result
        try:
            parsed = result.parse()
            parsed = await parsed if inspect.isawaitable(parsed) else parsed
        except BaseException as error:
            await in_worker(call.fail, error)
            raise
        await in_worker(call.end)
        return note_turn(parsed, call.turn)

    async def _post(self, path: str, arranged: Arranged) -> Any:
        while True:
            try:
                return await self._client.post(path, **arranged.given)
            except Exception as error:
                body = await in_worker(arranged.call.again, error)
                if body is None:
                    raise
            arranged.given["body"] = body

# What type checkers see of a remembered client. There is no module of this name at run time: there,
# a remembered client is made of the client that was given, and isinstance() says the same as here.
#
# A remembered client is an Anthropic client whose `messages` take one more keyword, `thread`. The
# arguments that decide what comes back are typed; all others are the SDK's, and are not checked.

from collections.abc import Iterable
from typing import Any, Literal, TypeVar, overload

from anthropic import Anthropic, APIResponse, AsyncAnthropic, AsyncAPIResponse, AsyncStream, Stream
from anthropic._response import AsyncResponseContextManager, ResponseContextManager
from anthropic.lib.streaming import AsyncMessageStreamManager, MessageStreamManager
from anthropic.resources.messages import AsyncMessages, Messages
from anthropic.types import Message, MessageParam, ParsedMessage, RawMessageStreamEvent

from memex import Thread

_T = TypeVar("_T")
_Messages = Iterable[MessageParam]
_Thread = str | Thread | None

class RememberedAnthropic(Anthropic):
    @property
    def messages(self) -> RememberedMessages: ...
    @property
    def with_raw_response(self) -> Any: ...
    @property
    def with_streaming_response(self) -> Any: ...

class RememberedMessages(Messages):
    @overload  # type: ignore[override]
    def create(
        self,
        *,
        max_tokens: int,
        messages: _Messages,
        model: str,
        thread: _Thread = None,
        stream: Literal[True],
        **more: Any,
    ) -> Stream[RawMessageStreamEvent]: ...
    @overload
    def create(
        self,
        *,
        max_tokens: int,
        messages: _Messages,
        model: str,
        thread: _Thread = None,
        stream: Literal[False] = False,
        **more: Any,
    ) -> Message: ...
    @overload
    def create(
        self,
        *,
        max_tokens: int,
        messages: _Messages,
        model: str,
        thread: _Thread = None,
        stream: bool,
        **more: Any,
    ) -> Message | Stream[RawMessageStreamEvent]: ...
    def parse(  # type: ignore[override]
        self,
        *,
        max_tokens: int,
        messages: _Messages,
        model: str,
        output_format: type[_T] = ...,
        thread: _Thread = None,
        **more: Any,
    ) -> ParsedMessage[_T]: ...
    def stream(
        self,
        *,
        max_tokens: int,
        messages: _Messages,
        model: str,
        output_format: Any = ...,
        thread: _Thread = None,
        **more: Any,
    ) -> MessageStreamManager[Any]: ...
    @property
    def with_raw_response(self) -> RawMessages: ...  # type: ignore[override]
    @property
    def with_streaming_response(self) -> StreamedMessages: ...  # type: ignore[override]

class RawMessages:
    def create(
        self, *, max_tokens: int, messages: _Messages, model: str, thread: _Thread = None, **more: Any
    ) -> APIResponse[Message]: ...
    def __getattr__(self, name: str) -> Any: ...

class StreamedMessages:
    def create(
        self, *, max_tokens: int, messages: _Messages, model: str, thread: _Thread = None, **more: Any
    ) -> ResponseContextManager[APIResponse[Message]]: ...
    def __getattr__(self, name: str) -> Any: ...

class RememberedAsyncAnthropic(AsyncAnthropic):
    @property
    def messages(self) -> RememberedAsyncMessages: ...
    @property
    def with_raw_response(self) -> Any: ...
    @property
    def with_streaming_response(self) -> Any: ...

class RememberedAsyncMessages(AsyncMessages):
    @overload  # type: ignore[override]
    async def create(
        self,
        *,
        max_tokens: int,
        messages: _Messages,
        model: str,
        thread: _Thread = None,
        stream: Literal[True],
        **more: Any,
    ) -> AsyncStream[RawMessageStreamEvent]: ...
    @overload
    async def create(
        self,
        *,
        max_tokens: int,
        messages: _Messages,
        model: str,
        thread: _Thread = None,
        stream: Literal[False] = False,
        **more: Any,
    ) -> Message: ...
    @overload
    async def create(
        self,
        *,
        max_tokens: int,
        messages: _Messages,
        model: str,
        thread: _Thread = None,
        stream: bool,
        **more: Any,
    ) -> Message | AsyncStream[RawMessageStreamEvent]: ...
    async def parse(  # type: ignore[override]
        self,
        *,
        max_tokens: int,
        messages: _Messages,
        model: str,
        output_format: type[_T] = ...,
        thread: _Thread = None,
        **more: Any,
    ) -> ParsedMessage[_T]: ...
    def stream(
        self,
        *,
        max_tokens: int,
        messages: _Messages,
        model: str,
        output_format: Any = ...,
        thread: _Thread = None,
        **more: Any,
    ) -> AsyncMessageStreamManager[Any]: ...
    @property
    def with_raw_response(self) -> RawAsyncMessages: ...  # type: ignore[override]
    @property
    def with_streaming_response(self) -> StreamedAsyncMessages: ...  # type: ignore[override]

class RawAsyncMessages:
    async def create(
        self, *, max_tokens: int, messages: _Messages, model: str, thread: _Thread = None, **more: Any
    ) -> AsyncAPIResponse[Message]: ...
    def __getattr__(self, name: str) -> Any: ...

class StreamedAsyncMessages:
    def create(
        self, *, max_tokens: int, messages: _Messages, model: str, thread: _Thread = None, **more: Any
    ) -> AsyncResponseContextManager[AsyncAPIResponse[Message]]: ...
    def __getattr__(self, name: str) -> Any: ...

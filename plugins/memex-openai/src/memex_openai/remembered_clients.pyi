# What type checkers see of a remembered client. There is no module of this name at run time: there,
# a remembered client is made of the client that was given, and isinstance() says the same as here.
#
# A remembered client is an OpenAI client whose `chat.completions` and `responses` take one more
# keyword, `thread`. The arguments that decide what comes back are typed; all others are the SDK's,
# and are not checked.

from collections.abc import Iterable
from typing import Any, Literal, TypeVar, overload

from openai import AsyncOpenAI, AsyncStream, OpenAI, Stream
from openai._legacy_response import LegacyAPIResponse
from openai._response import (
    APIResponse,
    AsyncAPIResponse,
    AsyncResponseContextManager,
    ResponseContextManager,
)
from openai.lib.streaming.chat import AsyncChatCompletionStreamManager, ChatCompletionStreamManager
from openai.lib.streaming.responses import AsyncResponseStreamManager, ResponseStreamManager
from openai.resources.chat import AsyncChat, Chat
from openai.resources.chat.completions import AsyncCompletions, Completions
from openai.resources.responses import AsyncResponses, Responses
from openai.types.chat import (
    ChatCompletion,
    ChatCompletionChunk,
    ChatCompletionMessageParam,
    ParsedChatCompletion,
)
from openai.types.responses import ParsedResponse, Response, ResponseInputParam, ResponseStreamEvent

from memex import Thread

_T = TypeVar("_T")
_Messages = Iterable[ChatCompletionMessageParam]
_Thread = str | Thread | None

class RememberedOpenAI(OpenAI):
    @property
    def chat(self) -> RememberedChat: ...
    @property
    def responses(self) -> RememberedResponses: ...
    @property
    def with_raw_response(self) -> Any: ...
    @property
    def with_streaming_response(self) -> Any: ...

class RememberedChat(Chat):
    @property
    def completions(self) -> RememberedCompletions: ...

class RememberedCompletions(Completions):
    @overload  # type: ignore[override]
    def create(
        self, *, messages: _Messages, model: str, thread: _Thread = None, stream: Literal[True], **more: Any
    ) -> Stream[ChatCompletionChunk]: ...
    @overload
    def create(
        self,
        *,
        messages: _Messages,
        model: str,
        thread: _Thread = None,
        stream: Literal[False] | None = None,
        **more: Any,
    ) -> ChatCompletion: ...
    @overload
    def create(
        self, *, messages: _Messages, model: str, thread: _Thread = None, stream: bool, **more: Any
    ) -> ChatCompletion | Stream[ChatCompletionChunk]: ...
    def parse(  # type: ignore[override]
        self,
        *,
        messages: _Messages,
        model: str,
        response_format: type[_T] = ...,
        thread: _Thread = None,
        **more: Any,
    ) -> ParsedChatCompletion[_T]: ...
    def stream(
        self,
        *,
        messages: _Messages,
        model: str,
        response_format: Any = ...,
        thread: _Thread = None,
        **more: Any,
    ) -> ChatCompletionStreamManager[Any]: ...
    @property
    def with_raw_response(self) -> RawCompletions: ...  # type: ignore[override]
    @property
    def with_streaming_response(self) -> StreamedCompletions: ...  # type: ignore[override]

class RawCompletions:
    def create(
        self, *, messages: _Messages, model: str, thread: _Thread = None, **more: Any
    ) -> LegacyAPIResponse[ChatCompletion]: ...
    def parse(
        self,
        *,
        messages: _Messages,
        model: str,
        response_format: type[_T] = ...,
        thread: _Thread = None,
        **more: Any,
    ) -> LegacyAPIResponse[ParsedChatCompletion[_T]]: ...
    def __getattr__(self, name: str) -> Any: ...

class StreamedCompletions:
    def create(
        self, *, messages: _Messages, model: str, thread: _Thread = None, **more: Any
    ) -> ResponseContextManager[APIResponse[ChatCompletion]]: ...
    def __getattr__(self, name: str) -> Any: ...

class RememberedResponses(Responses):
    @overload  # type: ignore[override]
    def create(
        self,
        *,
        input: str | ResponseInputParam,
        model: str,
        thread: _Thread = None,
        stream: Literal[True],
        **more: Any,
    ) -> Stream[ResponseStreamEvent]: ...
    @overload
    def create(
        self,
        *,
        input: str | ResponseInputParam,
        model: str,
        thread: _Thread = None,
        stream: Literal[False] | None = None,
        **more: Any,
    ) -> Response: ...
    @overload
    def create(
        self,
        *,
        input: str | ResponseInputParam,
        model: str,
        thread: _Thread = None,
        stream: bool,
        **more: Any,
    ) -> Response | Stream[ResponseStreamEvent]: ...
    def parse(  # type: ignore[override]
        self,
        *,
        input: str | ResponseInputParam,
        model: str,
        text_format: type[_T] = ...,
        thread: _Thread = None,
        **more: Any,
    ) -> ParsedResponse[_T]: ...
    def stream(  # type: ignore[override]
        self,
        *,
        input: str | ResponseInputParam,
        model: str,
        text_format: Any = ...,
        thread: _Thread = None,
        **more: Any,
    ) -> ResponseStreamManager[Any]: ...
    @property
    def with_raw_response(self) -> Any: ...
    @property
    def with_streaming_response(self) -> Any: ...

class RememberedAsyncOpenAI(AsyncOpenAI):
    @property
    def chat(self) -> RememberedAsyncChat: ...
    @property
    def responses(self) -> RememberedAsyncResponses: ...
    @property
    def with_raw_response(self) -> Any: ...
    @property
    def with_streaming_response(self) -> Any: ...

class RememberedAsyncChat(AsyncChat):
    @property
    def completions(self) -> RememberedAsyncCompletions: ...

class RememberedAsyncCompletions(AsyncCompletions):
    @overload  # type: ignore[override]
    async def create(
        self, *, messages: _Messages, model: str, thread: _Thread = None, stream: Literal[True], **more: Any
    ) -> AsyncStream[ChatCompletionChunk]: ...
    @overload
    async def create(
        self,
        *,
        messages: _Messages,
        model: str,
        thread: _Thread = None,
        stream: Literal[False] | None = None,
        **more: Any,
    ) -> ChatCompletion: ...
    @overload
    async def create(
        self, *, messages: _Messages, model: str, thread: _Thread = None, stream: bool, **more: Any
    ) -> ChatCompletion | AsyncStream[ChatCompletionChunk]: ...
    async def parse(  # type: ignore[override]
        self,
        *,
        messages: _Messages,
        model: str,
        response_format: type[_T] = ...,
        thread: _Thread = None,
        **more: Any,
    ) -> ParsedChatCompletion[_T]: ...
    def stream(
        self,
        *,
        messages: _Messages,
        model: str,
        response_format: Any = ...,
        thread: _Thread = None,
        **more: Any,
    ) -> AsyncChatCompletionStreamManager[Any]: ...
    @property
    def with_raw_response(self) -> RawAsyncCompletions: ...  # type: ignore[override]
    @property
    def with_streaming_response(self) -> StreamedAsyncCompletions: ...  # type: ignore[override]

class RawAsyncCompletions:
    async def create(
        self, *, messages: _Messages, model: str, thread: _Thread = None, **more: Any
    ) -> LegacyAPIResponse[ChatCompletion]: ...
    async def parse(
        self,
        *,
        messages: _Messages,
        model: str,
        response_format: type[_T] = ...,
        thread: _Thread = None,
        **more: Any,
    ) -> LegacyAPIResponse[ParsedChatCompletion[_T]]: ...
    def __getattr__(self, name: str) -> Any: ...

class StreamedAsyncCompletions:
    def create(
        self, *, messages: _Messages, model: str, thread: _Thread = None, **more: Any
    ) -> AsyncResponseContextManager[AsyncAPIResponse[ChatCompletion]]: ...
    def __getattr__(self, name: str) -> Any: ...

class RememberedAsyncResponses(AsyncResponses):
    @overload  # type: ignore[override]
    async def create(
        self,
        *,
        input: str | ResponseInputParam,
        model: str,
        thread: _Thread = None,
        stream: Literal[True],
        **more: Any,
    ) -> AsyncStream[ResponseStreamEvent]: ...
    @overload
    async def create(
        self,
        *,
        input: str | ResponseInputParam,
        model: str,
        thread: _Thread = None,
        stream: Literal[False] | None = None,
        **more: Any,
    ) -> Response: ...
    @overload
    async def create(
        self,
        *,
        input: str | ResponseInputParam,
        model: str,
        thread: _Thread = None,
        stream: bool,
        **more: Any,
    ) -> Response | AsyncStream[ResponseStreamEvent]: ...
    async def parse(  # type: ignore[override]
        self,
        *,
        input: str | ResponseInputParam,
        model: str,
        text_format: type[_T] = ...,
        thread: _Thread = None,
        **more: Any,
    ) -> ParsedResponse[_T]: ...
    def stream(  # type: ignore[override]
        self,
        *,
        input: str | ResponseInputParam,
        model: str,
        text_format: Any = ...,
        thread: _Thread = None,
        **more: Any,
    ) -> AsyncResponseStreamManager[Any]: ...
    @property
    def with_raw_response(self) -> Any: ...
    @property
    def with_streaming_response(self) -> Any: ...

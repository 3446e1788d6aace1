"""Servers that speak OpenAI's API, each with its address, its key and its dialect."""

from __future__ import annotations

import re
from typing import Final, Literal
from urllib.parse import urlsplit

import msgspec

from memex import BadSetting
from memex.wire import Login, ServerUrl, server_url, split_address

Schemas = Literal["json_schema", "json_object", "none"]


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """How one server differs from the others.

    Attributes:
        name: What settings, keys and messages call it.
        base_url: Its usual address.
        environment: Environment variables that may hold its key.
        needs_key: Whether it answers nobody without a key.
        limit: What it calls the longest answer in Chat Completions.
        developer: Whether it knows the role ``developer``; elsewhere that is ``system``.
        stream_options: Whether it takes ``stream_options``, to tell the usage of a stream. The others
            tell it unasked, or not at all.
        cache_key: Whether it takes ``prompt_cache_key``.
        null_finish: Whether a whole answer may come without a finish reason. Then the usage, which
            comes last, is what shows that nothing is missing.
        names: Whether tool results may name their tool. OpenAI's format has no such field; Google and
            some chat templates need it.
        echo: Whether it takes back what its own models said beyond OpenAI's format: thoughts, and
            fields of its own. What other models said never goes to it.
        blank_thoughts: Whether it wants a thought, if an empty one, with every tool call of the past.
        call_ids: Whether ids of tool calls must be nine letters and digits.
        schema: How an answer is held to a JSON schema.
        refuses: Settings that it does not take.
    """

    name: str
    base_url: str
    environment: tuple[str, ...] = ()
    needs_key: bool = False
    limit: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    developer: bool = False
    stream_options: bool = True
    cache_key: bool = False
    null_finish: bool = False
    names: bool = True
    echo: bool = True
    blank_thoughts: bool = False
    call_ids: Literal["any", "nine"] = "any"
    schema: Schemas = "json_schema"
    refuses: tuple[str, ...] = ()


OPENAI: Final = Server(
    name="openai",
    base_url="https://api.openai.com/v1",
    environment=("OPENAI_API_KEY",),
    needs_key=True,
    limit="max_completion_tokens",
    developer=True,
    cache_key=True,
    names=False,
    echo=False,
)

_SERVERS: Final = (
    OPENAI,
    Server(name="vllm", base_url="http://localhost:8000/v1", environment=("VLLM_API_KEY",)),
    Server(name="llamacpp", base_url="http://localhost:8080/v1", environment=("LLAMA_API_KEY",)),
    Server(
        name="ollama",
        base_url="http://localhost:11434/v1",
        environment=("OLLAMA_API_KEY",),
        null_finish=True,
        refuses=("logit_bias", "user"),
    ),
    Server(name="lmstudio", base_url="http://localhost:1234/v1", environment=("LM_API_TOKEN",)),
    Server(
        name="tgi",
        base_url="http://localhost:3000/v1",
        environment=("HF_TOKEN",),
        echo=False,
        refuses=("user", "store", "parallel_tool_calls"),
    ),
    Server(
        name="litellm",
        base_url="http://localhost:4000/v1",
        environment=("LITELLM_PROXY_API_KEY", "LITELLM_API_KEY"),
    ),
    Server(
        name="openrouter",
        base_url="https://openrouter.ai/api/v1",
        environment=("OPENROUTER_API_KEY",),
        needs_key=True,
    ),
    Server(
        name="together",
        base_url="https://api.together.xyz/v1",
        environment=("TOGETHER_API_KEY",),
        needs_key=True,
    ),
    Server(
        name="groq",
        base_url="https://api.groq.com/openai/v1",
        environment=("GROQ_API_KEY",),
        needs_key=True,
        limit="max_completion_tokens",
        names=False,
        echo=False,
        refuses=("logit_bias", "logprobs", "top_logprobs"),
    ),
    Server(
        name="deepseek",
        base_url="https://api.deepseek.com/v1",
        environment=("DEEPSEEK_API_KEY",),
        needs_key=True,
        blank_thoughts=True,
        schema="json_object",
        refuses=("logit_bias", "seed", "user", "store", "parallel_tool_calls"),
    ),
    Server(
        name="mistral",
        base_url="https://api.mistral.ai/v1",
        environment=("MISTRAL_API_KEY",),
        needs_key=True,
        stream_options=False,
        echo=False,
        call_ids="nine",
        refuses=("logit_bias", "logprobs", "top_logprobs", "seed", "user", "store", "service_tier"),
    ),
    Server(
        name="ai21",
        base_url="https://api.ai21.com/studio/v1",
        environment=("AI21_API_KEY",),
        needs_key=True,
        stream_options=False,
        echo=False,
        schema="json_object",
        refuses=(
            "frequency_penalty",
            "logit_bias",
            "logprobs",
            "parallel_tool_calls",
            "presence_penalty",
            "seed",
            "store",
            "top_logprobs",
            "user",
        ),
    ),
    Server(
        name="google",
        base_url="https://generativelanguage.googleapis.com/v1beta/openai",
        environment=("GEMINI_API_KEY", "GOOGLE_API_KEY"),
        needs_key=True,
        refuses=("logit_bias", "logprobs", "store", "top_logprobs", "user"),
    ),
    Server(
        name="replicate",
        base_url="https://openai-proxy.replicate.com/v1",
        environment=("REPLICATE_API_TOKEN",),
        needs_key=True,
        stream_options=False,
        echo=False,
        schema="none",
        refuses=("logit_bias", "logprobs", "parallel_tool_calls", "top_logprobs", "user"),
    ),
)
# What stands after the @ of a model's own name: a date, a version, a quantisation (Vertex, LM Studio).
_VERSION: Final = re.compile(r"[A-Za-z]{0,6}\d[\w.\-]*\Z|default\Z|latest\Z", re.ASCII)
_IPV4: Final = re.compile(r"\d+(\.\d+){3}\Z", re.ASCII)
PRESETS: Final = {server.name: server for server in _SERVERS}


class Address(msgspec.Struct, frozen=True):
    """Which model, on which server.

    Attributes:
        model: The model, as its server calls it.
        server: The server's dialect.
        base_url: Where it is.
        label: How memex calls the model in the log. On another server than OpenAI's it says which:
            the same name may stand for another model there.
        login: Name and password for the server, where they stood in its address.
    """

    model: str
    server: Server
    base_url: str
    label: str
    login: Login | None = None

    @property
    def official(self) -> bool:
        """Whether this is OpenAI itself."""
        return (urlsplit(self.base_url).hostname or "").endswith("api.openai.com")


def find_server(
    spec: str,
    *,
    preset: str | None = None,
    base_url: str | None = None,
    login: Login | None = None,
    setting: str = "base_url",
) -> Address:
    """Return which model on which server ``MODEL``, ``MODEL@preset`` or ``MODEL@http://host/v1`` means.

    An ``@`` may belong to the model's own name: at its beginning or after a ``/`` (``@cf/meta/llama``), and
    before a version: what begins with a digit, or with a few letters and a digit (``@001``,
    ``@20240620``, ``@q4_k_m``), ``@default`` and ``@latest``. Any other name can be had with a ``preset``
    or a ``base_url``: beside one of them an ``@`` that no server follows is always the name's.

    Args:
        spec: The model, and where it is.
        preset: Name of the dialect, where the address alone does not tell.
        base_url: The address, where the spec does not tell.
        login: Name and password for that address.
        setting: Where the address comes from, for errors.

    Raises:
        BadSetting: If there is no model, no such preset, or the address is none.
    """
    model, url = split_address(spec)
    if url is None:
        model, at, where = spec.rpartition("@")
        if where in PRESETS:
            preset = preset or where
        else:
            if at and preset is None and base_url is None and not _in_a_name(model, where):
                raise BadSetting(_nowhere(spec, where))
            model = spec
    if not model.strip():
        raise BadSetting(
            f"openai: {spec!r} names no model; write openai:MODEL or openai:MODEL@http://host/v1"
        )
    if base_url is None and url is not None:
        address = server_url("openai", url, setting="the address after @")
    elif base_url is not None:
        address = server_url("openai", base_url, setting=setting)
    else:
        address = ServerUrl(_server(preset, None).base_url)
    server = _server(preset, None if base_url is None and url is None else address.url)
    return Address(model, server, address.url, _label(model, server, address.url), address.login or login)


def address_at(model: str, base_url: str) -> Address:
    """Return which model a client with this address means; the model's name is taken as it is."""
    url = _without_user(base_url.rstrip("/"))
    server = _server(None, url)
    return Address(model, server, url, _label(model, server, url))


def _in_a_name(before: str, after: str) -> bool:
    """Say whether an ``@`` between these belongs to a model's own name."""
    if not before or before.endswith("/"):
        return True
    return bool(_VERSION.match(after)) and not _IPV4.match(after)


def _nowhere(spec: str, where: str) -> str:
    return (
        f"openai: in {spec!r}, {where!r} is no server that is known by name; there are "
        f"{', '.join(PRESETS)}. Write another one as MODEL@http://host:8000/v1; if the @ belongs to the "
        "model's name, set preset= or base_url="
    )


def _server(preset: str | None, base_url: str | None) -> Server:
    if preset is not None:
        if preset not in PRESETS:
            raise BadSetting(f"openai: no preset {preset!r}; there are {', '.join(PRESETS)}")
        return PRESETS[preset]
    if base_url is None:
        return OPENAI
    host = urlsplit(base_url).hostname or ""
    for server in _SERVERS:
        home = urlsplit(server.base_url).hostname or ""
        if server.needs_key and (host == home or (server is OPENAI and host.endswith("." + home))):
            return server
    return Server(name="server", base_url=base_url)


def _label(model: str, server: Server, url: str) -> str:
    if url == server.base_url and server.name in PRESETS:
        return model if server is OPENAI else f"{model}@{server.name}"
    if server is OPENAI and (urlsplit(url).hostname or "").endswith("api.openai.com"):
        return model  # a region of OpenAI's
    return f"{model}@{url.partition('://')[2]}"


def _without_user(url: str) -> str:
    """Return a URL without the name and password that it may hold: it goes into logs and messages."""
    head, slashes, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    return f"{head}{slashes}{host.rpartition('@')[2]}{slash}{path}"

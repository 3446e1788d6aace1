"""Makes the lists of public names, members, errors, settings and reasons."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from types import ModuleType

from docstrings import cell, read, table

import memex
from memex import _errors
from memex import commands as memex_commands
from memex import wire as memex_wire
from memex._explain import REASONS

GROUPS = {
    "Opening and talking": "Memex Thread Window Reply OpenTurn Budget load_settings settings_file "
    "parse_chain",
    "Messages": "Message Origin Usage freeze thaw encode_message decode_message check_id",
    "Parts": "Part Text Reasoning ToolCall ToolResult Media Refusal Citation Opaque",
    "Plans": "Plan Step Change Outcome Anchor Explanation Row rows Replayed Rehearsal Entry Derived Unit "
    "Log Home",
    "Rankings": "Ranking ranker",
    "Ranges of messages": "to_ranges expand contains show_ranges",
    "Models": "Backend AsyncBackend Request Event FinishReason Tool tool_of Capabilities Cost",
    "Wire formats": "Codec Encoded LeftOut encode decode",
    "Counting": "Counter ScriptCounter",
    "Embedding": "Embedder embed_texts embed_query pack_vector unpack_vector",
    "Stores": "Store SearchableStore SeekingStore SpanningStore VectorStore ThreadInfo Appended Hit Postings "
    "StoredPlan Receipt VectorSpace Embedded",
    "Copies": "write_archive read_archive verify_archive ArchiveInfo Restored ThreadImage",
    "For those who write stores": "checked_batch checked_entries checked_plans checked_vectors split_blobs "
    "join_blobs blobs_of searchable seeking spanning vector_store",
    "Words": "terms is_question searchable_text snippet TermIndex parse_query Clause Sieve TERMS",
    "Plugins": "hookimpl Provider PluginInfo Problem Work",
    "Programs that list plugins": "Hooks Offer load_target EntryPointInfo probe ProbeResult",
    "Version": "__version__",
}
WIRE_GROUPS = {
    "One call": "Caller Attempt Timeouts Retries Deadlines watch_sockets",
    "One model": "Connection Asking Clients KeptCounts",
    "Requests and answers": "refuse_host_settings parts_left_out noted left_out_notes is_event_stream "
    "SseReader",
    "Settings that are refused": "learn learned forget_learned",
    "Errors": "error_for retry_after scrub raised_in",
    "Limits": "RateLimits StoreLimits tokens_of",
    "Keys": "Secret find_key KeyFile KeyRing",
    "Models and settings": "ModelTable WireSettings wire_settings",
    "Addresses": "server_url ServerUrl split_address Login basic_auth",
    "A history that is sent again": "new_messages reconcile Reconciled",
    "Wrappers that remember": "DropIn Endpoint Asked Written AnswerReader ThreadChoice OnMissing OnUnknown "
    "Remembering turn_of to_plain",
}
COMMAND_GROUPS = {
    "The memory and its thread": "open_memory open_thread memory_settings",
    "Options": "memory_options thread_option window_options backend_option json_option settings_option "
    "chain_option every_option",
    "What was given": "given wants_json",
    "Output": "say note print_json print_json_list safe one_line safe_json",
    "Help": "examples",
}
LINES = {
    "FinishReason": "Why a model stopped: one of these words.",
    "OnMissing": 'What happens to a call that names no thread: `"error"` or `"new"`.',
    "OnUnknown": 'What happens to an id that no thread has: `"open"` or `"error"`.',
    "Part": "Any of the parts below.",
    "hookimpl": "Marks a function of a plugin as the implementation of the hook of its name.",
    "TERMS": "Version of how `terms` splits words; an index that was made by another is made anew.",
    "__version__": "Version of the host, as text.",
}
FOR_THE_HOST = frozenset(
    {"adopt", "build", "chain_of", "changed", "filtered", "forgotten", "keep", "report", "store_reply"}
)
MEMBERS = ("Memex", "Thread", "Window", "Log", "Reply", "Plan", "Message")


def errors_of_memex() -> list[str]:
    """Return the names of the public errors."""
    return [name for name in memex.__all__ if _is_error(getattr(memex, name))]


def names() -> str:
    """Return every public name with one line, by subject.

    Raises:
        LookupError: If a public name has no subject yet, or one is listed that is not public.
    """
    grouped = [name for group in GROUPS.values() for name in group.split()]
    public = [name for name in memex.__all__ if name not in errors_of_memex()]
    if sorted(grouped) != sorted(public):
        odd = sorted({*grouped} ^ {*public})
        raise LookupError(f"give these a place in GROUPS of {__file__}, or take it away: {', '.join(odd)}")
    return "\n\n".join(_groups(memex, GROUPS))


def wire() -> str:
    """Return every public name of ``memex.wire`` with one line, by subject.

    Raises:
        LookupError: If a public name has no subject yet, or one is listed that is not public.
    """
    return _of_module(memex_wire, WIRE_GROUPS, "WIRE_GROUPS")


def command_names() -> str:
    """Return every public name of ``memex.commands`` with one line, by subject.

    Raises:
        LookupError: If a public name has no subject yet, or one is listed that is not public.
    """
    return _of_module(memex_commands, COMMAND_GROUPS, "COMMAND_GROUPS")


def _of_module(module: ModuleType, groups: Mapping[str, str], listed: str) -> str:
    grouped = [name for group in groups.values() for name in group.split()]
    if sorted(grouped) != sorted(module.__all__):
        odd = sorted({*grouped} ^ {*module.__all__})
        raise LookupError(f"give these a place in {listed} of {__file__}: {', '.join(odd)}")
    return "\n\n".join(_groups(module, groups))


def _groups(module: ModuleType, groups: Mapping[str, str]) -> Iterator[str]:
    for title, group in groups.items():
        yield f"## {title}"
        yield table(("name", "what it is"), [(f"`{name}`", _line(module, name)) for name in group.split()])


def _line(module: ModuleType, name: str) -> str:
    return LINES.get(name) or cell(read(getattr(module, name)).summary)


def members() -> str:
    """Return the methods and attributes of the classes a program meets most."""
    parts = []
    for name in MEMBERS:
        cls = getattr(memex, name)
        rows = [(f"`{call}`", cell(summary)) for call, summary in _members_of(cls)]
        parts += [f"## {name}", cell(read(cls).summary), table(("member", "what it does"), rows)]
    return "\n\n".join(parts)


def _members_of(cls: type) -> Iterator[tuple[str, str]]:
    fields = read(cls).items("Attributes")
    yield from fields.items()
    for name, member in vars(cls).items():
        function = getattr(member, "__func__", member)
        if name.startswith("_") or name in fields or name in FOR_THE_HOST:
            continue
        if inspect.isfunction(function):
            yield name + _signature(function), read(function).summary
        elif hasattr(member, "__doc__") and not name.isupper():
            yield name, read(member).summary


def _signature(function: object) -> str:
    signature = inspect.signature(function)  # type: ignore[arg-type] - a function, as checked above
    bare = [
        parameter.replace(annotation=inspect.Parameter.empty)
        for name, parameter in signature.parameters.items()
        if name not in ("self", "cls")
    ]
    return str(signature.replace(parameters=bare, return_annotation=inspect.Signature.empty))


def errors() -> str:
    """Return the tree of errors as it is, with a line each."""
    lines = list(_tree(memex.MemexError, "", ""))
    width = max(len(drawn) for drawn, _ in lines) + 2
    drawing = "\n".join(f"{drawn:<{width}}{line}".rstrip() for drawn, line in lines)
    return f"```text\n{drawing}\n```"


def _tree(cls: type, before: str, below: str) -> Iterator[tuple[str, str]]:
    yield before + cls.__name__, read(cls).summary.replace("``", "")
    children = list(_public_children(cls))
    for child in children:
        last = child is children[-1]
        yield from _tree(child, below + ("└── " if last else "├── "), below + ("    " if last else "│   "))


def _public_children(cls: type) -> Iterator[type]:
    for name, child in vars(_errors).items():
        if _is_error(child) and getattr(memex, name, None) is child:
            public = [parent for parent in child.__mro__[1:] if hasattr(memex, parent.__name__)]
            if public[:1] == [cls]:
                yield child


def _is_error(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, memex.MemexError)


def settings() -> str:
    """Return the settings of a Memex: name, environment variable, meaning, default."""
    signature = inspect.signature(memex.Memex)
    meanings = read(memex.Memex).items("Args")
    rows = [
        (f"`{name}`", f"`MEMEX_{name.upper()}`", cell(meanings[name]), _default(parameter))
        for name, parameter in signature.parameters.items()
        if name != "plugins"
    ]
    return table(("setting", "environment", "what it says", "default"), rows)


def reasons() -> str:
    """Return the codes that say why a message is in a window or not."""
    return table(("code", "why"), [(f"`{code}`", cell(why)) for code, why in REASONS.items()])


def _default(parameter: inspect.Parameter) -> str:
    if parameter.default is parameter.empty:
        return "`sqlite:memex.db`"
    if parameter.default in (None, ()):
        return ""
    return f"`{parameter.default}`"

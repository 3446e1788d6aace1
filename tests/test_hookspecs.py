"""The hook specifications: all of them there, typed, and explained by an example that is Python."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
import typing
from collections.abc import Iterable, Mapping

import pluggy
import pytest

import memex
from memex import Provider, hookspecs
from memex._hooks import KINDS, LISTENERS
from memex._loader import load

OFFERS = {
    "memex_stores",
    "memex_backends",
    "memex_policies",
    "memex_embedders",
    "memex_counters",
    "memex_filters",
    "memex_codecs",
    "memex_importers",
    "memex_commands",
}
EVENTS = {
    "memex_thread_opened": ["thread"],
    "memex_message_stored": ["thread", "entry", "handle"],
    "memex_window_built": ["thread", "window"],
    "memex_reply_received": ["thread", "reply"],
    "memex_call_failed": ["thread", "error"],
    "memex_messages_forgotten": ["thread", "receipt", "handle"],
}
SPECS = {name: function for name, function in vars(hookspecs).items() if name.startswith("memex_")}


def example(name: str) -> str:
    """Return the code of a docstring's example."""
    _, found, code = (inspect.getdoc(SPECS[name]) or "").partition("Example::\n")
    assert found, f"{name} has no example"
    return textwrap.dedent(code).strip()


def test_every_hook_of_the_design_is_there_and_no_other():
    assert set(SPECS) == OFFERS | set(EVENTS)
    assert {f"memex_{kind}" for kind in KINDS} == OFFERS
    assert set(LISTENERS) == set(EVENTS)


def test_pluggy_knows_each_of_them():
    manager = pluggy.PluginManager("memex")
    manager.add_hookspecs(hookspecs)
    assert {name for name in SPECS if getattr(manager.hook, name).has_spec()} == set(SPECS)


@pytest.mark.parametrize("name", SPECS)
def test_arguments_and_result_are_typed(name):
    signature = inspect.signature(SPECS[name])
    assert list(signature.parameters) == EVENTS.get(name, [])
    # The names are imported for type checkers only, so they are looked up where they come from.
    hints = typing.get_type_hints(SPECS[name], localns={n: getattr(memex, n) for n in named_types(name)})
    assert set(hints) == {*signature.parameters, "return"}
    # One event is also an account: what a plugin erased of its own belongs into the receipt.
    told = Mapping[str, int] | None if name == "memex_messages_forgotten" else type(None)
    assert hints["return"] == (Iterable[Provider] if name in OFFERS else told)


def named_types(name: str) -> set[str]:
    text = " ".join(str(annotation) for annotation in SPECS[name].__annotations__.values())
    return {word for word in re.findall(r"\w+", text) if word in memex.__all__}


@pytest.mark.parametrize("name", SPECS)
def test_each_begins_with_one_sentence_of_intent(name):
    first = (inspect.getdoc(SPECS[name]) or "").partition("\n")[0]
    assert first.startswith("Offer " if name in OFFERS else "Told ")
    assert first.endswith(".")


@pytest.mark.parametrize("name", EVENTS)
def test_each_argument_is_explained(name):
    text = inspect.getdoc(SPECS[name]) or ""
    for argument in EVENTS[name]:
        assert re.search(rf"^    {argument}: \S.*\.$", text, re.MULTILINE), argument


@pytest.mark.parametrize("name", SPECS)
def test_the_example_is_short_and_python_and_marked(name):
    code = example(name)
    lines = [line for line in code.splitlines() if line.strip() and not line.startswith("#")]
    assert len(lines) <= 6
    functions = [node for node in ast.parse(code).body if isinstance(node, ast.FunctionDef)]
    implementation = next(function for function in functions if function.name == name)
    assert [ast.unparse(mark).partition("(")[0] for mark in implementation.decorator_list] == [
        "memex.hookimpl"
    ]


@pytest.mark.parametrize("name", SPECS)
def test_the_example_loads_as_a_plugin(name):
    implementation, *_ = example(name).split("\n\n# ")
    namespace: dict[str, object] = {"memex": memex}
    exec(implementation, namespace)
    plugin = type("Example", (), {name: staticmethod(namespace[name])})()
    loaded = load(entry_points=False, extra=[plugin])
    assert loaded.problems == []
    if name in OFFERS:
        (answer,) = getattr(loaded.manager.hook, name)()
        assert all(isinstance(provider, Provider) for provider in answer)
        assert answer


@pytest.mark.parametrize("name", sorted(OFFERS))
def test_a_specification_of_an_offer_is_never_called(name):
    with pytest.raises(AssertionError, match="never called"):
        SPECS[name]()

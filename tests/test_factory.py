"""Building what a plugin offers: specs, settings against the factory's own signature, errors."""

from __future__ import annotations

import functools
import inspect
import sys
import types
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memex import BadSetting, ConfigError, MemexError, PluginError, Provider
from memex._factory import build, load_target, parse_spec
from memex._plugin import Offer, PluginInfo
from memex._signature import settings_of

if TYPE_CHECKING:
    from nowhere import OnlyForTypeCheckers

PLUGIN = PluginInfo("sqlite", "memex-sqlite", "0.1.0", "memex_sqlite")


def sqlite(
    path: str,
    *,
    namespace: str = "default",
    durability: Literal["full", "fast"] = "full",
    timeout: float | None = None,
    pages: int = 5,
    folder: Path | None = None,
    names: Sequence[str] = (),
    wal: bool = True,
    tool: Callable[[int], int] | None = None,
    strange: OnlyForTypeCheckers | None = None,
    host: object = None,
) -> dict[str, Any]:
    """A store's factory."""
    return dict(locals())


@pytest.fixture
def offer(monkeypatch):
    """Offer a target: ``offer(function)``, or ``offer("module:attribute")``."""

    def make(target: object) -> Offer:
        if not isinstance(target, str):
            module = types.ModuleType("memex_factory_target")
            module.target = target
            monkeypatch.setitem(sys.modules, module.__name__, module)
            target = f"{module.__name__}:target"
        return Offer(Provider("sqlite", target), PLUGIN)

    return make


# Specs


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("fifo", ("fifo", {})),
        ("inmemory:", ("inmemory", {})),
        ("sqlite:chats.db", ("sqlite", {"": "chats.db"})),
        ("sqlite:C:\\chats.db", ("sqlite", {"": "C:\\chats.db"})),
        ({"use": "fifo", "low_water": 0.5}, ("fifo", {"low_water": 0.5})),
        ({"use": "sqlite:a.db", "wal": False}, ("sqlite", {"": "a.db", "wal": False})),
    ],
)
def test_specs(spec, expected):
    assert parse_spec(spec) == expected


@pytest.mark.parametrize(
    ("spec", "part"),
    [
        ("", "does not start with the name"),
        (":x", "does not start with the name"),
        ({"low_water": 0.5}, "add 'use'"),
        ({"use": 3}, "3 is no plugin"),
        (7, "7 is no plugin"),
        ({"use": "fifo", "": 1}, "'' is no name of a setting"),
        ({"use": "fifo", 3: 1}, "3 is no name of a setting"),
    ],
)
def test_specs_that_make_no_sense(spec, part):
    with pytest.raises(ConfigError, match=part):
        parse_spec(spec)


@settings(deadline=None)
@given(st.from_regex(r"[a-z][a-z0-9_-]{0,10}", fullmatch=True), st.text(min_size=1))
def test_whatever_follows_the_colon_arrives_unchanged(name, text):
    assert parse_spec(f"{name}:{text}") == (name, {"": text})


def test_a_spec_is_not_changed():
    spec = {"use": "sqlite:a.db", "wal": False}
    parse_spec(spec)
    assert spec == {"use": "sqlite:a.db", "wal": False}


# Settings


def test_the_first_positional_parameter_takes_what_follows_the_colon(offer):
    assert build(offer(sqlite), {"": "a.db", "pages": 7})["path"] == "a.db"


def test_what_the_host_fills_in_is_passed_where_it_is_taken(offer):
    made = build(offer(sqlite), {"path": "a.db"}, host="the host", namespace="acme", unheard_of=1)
    assert (made["host"], made["namespace"]) == ("the host", "acme")
    assert build(offer(lambda: "none"), host="the host", namespace="acme") == "none"
    assert build(offer(lambda **rest: rest), {"a": 1}, host="the host", namespace="acme") == {"a": 1}


MESSAGES = [
    (
        {"path": "a.db", "pth": "b.db"},
        "unexpected setting 'pth'; takes path, durability, timeout, pages, folder, names, wal, tool, strange",
    ),
    ({}, "setting 'path' is missing; takes path, durability"),
    ({"path": 5}, "setting 'path' is 5; it must be str"),
    ({"path": "a", "pages": "many"}, "setting 'pages' is 'many'; it must be int"),
    ({"path": "a", "pages": True}, "setting 'pages' is True; it must be int"),
    ({"path": "a", "timeout": "soon"}, "setting 'timeout' is 'soon'; it must be float or None"),
    ({"path": "a", "durability": "slow"}, "setting 'durability' is 'slow'; it must be 'full' or 'fast'"),
    (
        {"path": "a", "names": "bare"},
        r"setting 'names' is 'bare'; it must be Sequence\[str\]",
    ),
    ({"": "a", "path": "b"}, "setting 'path' is given twice, as 'a' and as 'b'"),
    ({"path": "a", "host": 1}, "unexpected setting 'host'; takes path"),
    ({"path": "a", "namespace": "x"}, "unexpected setting 'namespace'; takes path"),
]


@pytest.mark.parametrize(("given_settings", "message"), MESSAGES)
def test_bad_settings_name_the_provider_the_distribution_and_what_is_taken(offer, given_settings, message):
    with pytest.raises(BadSetting, match=rf"^sqlite \(memex-sqlite 0\.1\.0\): {message}"):
        build(offer(sqlite), given_settings, namespace="acme")


def test_a_setting_that_the_host_does_not_fill_in_is_the_users(offer):
    assert build(offer(sqlite), {"path": "a", "namespace": "x"})["namespace"] == "x"


def test_a_factory_without_settings_says_so(offer):
    with pytest.raises(BadSetting, match="unexpected setting 'a'; takes no settings"):
        build(offer(lambda host: host), {"a": 1})
    with pytest.raises(BadSetting, match="'x' needs a name in front of it; takes count"):
        build(offer(lambda *, count=1: count), {"": "x"})


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("timeout", "2.5", 2.5),
        ("timeout", 2, 2.0),
        ("pages", "7", 7),
        ("wal", "false", False),
        ("folder", "a/b", Path("a/b")),
        ("names", ["a"], ["a"]),
        ("tool", len, len),
        ("strange", "passes", "passes"),
    ],
)
def test_values_are_converted_to_the_annotated_type(offer, name, value, expected):
    made = build(offer(sqlite), {"path": "a", name: value})[name]
    assert made == expected
    assert type(made) is type(expected)


class Cooked:
    def __init__(self, path: str, /, count: int = 1, **rest: Any) -> None:
        self.taken = (path, count, rest)


class Inherited(Cooked):
    """Takes what its parent takes."""


@pytest.mark.parametrize("target", [Cooked, Inherited, functools.partial(Cooked)])
def test_classes_and_partials_positional_only_and_open_ended(offer, target):
    assert build(offer(target), {"": "a", "count": 2, "more": 3}).taken == ("a", 2, {"more": 3})


def test_annotations_of_classes_are_checked(offer):
    with pytest.raises(BadSetting, match="setting 'count' is 'x'; it must be int"):
        build(offer(Inherited), {"": "a", "count": "x"})


def test_settings_of_lists_names_and_types():
    taken = settings_of(sqlite, frozenset({"namespace"}))
    assert " ".join(taken) == "path durability timeout pages folder names wal tool strange"
    assert taken["path"] is str
    assert taken["strange"] is Any
    assert settings_of(lambda a, host: a) == {"a": inspect.Parameter.empty}


# Failures


def test_a_missing_target_is_named(offer):
    with pytest.raises(PluginError, match=r"sqlite \(memex-sqlite 0.1.0\): json:nothing cannot be imported"):
        build(offer("json:nothing"))
    with pytest.raises(PluginError, match=r"No module named 'json\.nowhere'"):
        build(offer("json.nowhere:x"))


def test_a_missing_dependency_says_what_is_missing(offer, tmp_path, monkeypatch):
    (tmp_path / "memex_needy.py").write_text("import zz_not_there.sub")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(PluginError) as caught:
        load_target(offer("memex_needy:x"))
    assert str(caught.value) == (
        "sqlite (memex-sqlite 0.1.0): needs the Python module 'zz_not_there', which is not installed; "
        "install what brings it"
    )
    assert isinstance(caught.value.__cause__, ModuleNotFoundError)
    assert (caught.value.plugin, caught.value.version) == ("sqlite", "0.1.0")


def test_a_missing_dependency_that_an_extra_brings_names_the_extra(tmp_path, monkeypatch):
    info = tmp_path / "memex_needy-1.0.dist-info"
    info.mkdir()
    requires = "Requires-Dist: memex-core\nRequires-Dist: zz-not-there (>=2) ; extra == 'gpu'\n"
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: memex-needy\nVersion: 1.0\n{requires}")
    (tmp_path / "memex_needy.py").write_text("import zz_not_there")
    monkeypatch.syspath_prepend(tmp_path)
    needy = Offer(Provider("x", "memex_needy:x"), PluginInfo("needy", "memex-needy", "1.0", "memex_needy"))
    with pytest.raises(PluginError, match=r"pip install 'memex-needy\[gpu\]'$"):
        load_target(needy)


@pytest.mark.parametrize("code", ["raise SystemExit(4)", "1 / 0", "import json.nowhere"])
def test_a_target_whose_module_fails_is_a_plugin_error(offer, tmp_path, monkeypatch, code):
    (tmp_path / "memex_failing.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(PluginError, match=r"^sqlite \(memex-sqlite 0.1.0\): "):
        load_target(offer("memex_failing:x"))


def test_what_cannot_be_called_is_a_plugin_error(offer):
    with pytest.raises(PluginError, match="is a str, which cannot be called"):
        build(offer("string:digits"))


def failing(error):
    def target():
        raise error

    return target


@pytest.mark.parametrize("error", [OSError("no\nspace"), SystemExit(2), TypeError("x")])
def test_an_error_of_the_factory_names_the_plugin_and_is_chained(offer, error):
    with pytest.raises(PluginError) as caught:
        build(offer(failing(error)))
    assert str(caught.value).startswith(f"sqlite (memex-sqlite 0.1.0): {type(error).__name__}: ")
    assert "\n" not in str(caught.value)
    assert caught.value.__cause__ is error


@pytest.mark.parametrize("error", [MemexError("mine"), KeyboardInterrupt()])
def test_a_memex_error_and_an_interrupt_pass(offer, error):
    with pytest.raises(type(error)) as caught:
        build(offer(failing(error)))
    assert caught.value is error


def test_a_target_without_a_signature_is_a_plugin_error(offer):
    with pytest.raises(PluginError, match="no signature that shows its settings"):
        build(offer(dict), {"a": 1})


def test_settings_may_be_any_mapping(offer):
    frozen: Mapping[str, Any] = types.MappingProxyType({"path": "a"})
    assert build(offer(sqlite), frozen)["path"] == "a"

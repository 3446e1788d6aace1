"""Discovery: metadata only, every plugin once, in the order of names, whatever else is on sys.path."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

import pytest

from memex._discovery import canonical, discover, scan
from memex._errors import PluginError
from memex._loader import load
from memex._plugin import describe


def install(
    folder: Path, name: str, points: str, *, version: str = "1.0", metadata: str | None = None
) -> Path:
    """Write a distribution's metadata the way an installer does."""
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    text = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n\nName: not this\n"
    (info / "METADATA").write_text(text if metadata is None else metadata)
    (info / "entry_points.txt").write_text(points)
    return folder


def found(prefix: str) -> list[tuple[str, str, str]]:
    points = [point for point in discover() if point.distribution.startswith(prefix)]
    return [(point.name, point.distribution, point.version) for point in points]


def test_a_plugin_is_found_with_distribution_and_version_and_not_imported(fakes):
    fakes("good", "raises_at_import", "kills_process")
    assert found("memex-fake") == [
        ("fake-good", "memex-fake-good", "1.0"),
        ("fake-kills", "memex-fake-kills", "1.0"),
        ("fake-raises", "memex-fake-raises", "1.0"),
    ]
    assert not [name for name in sys.modules if name.startswith("memex_fake_")]


def test_names_are_sorted_whatever_the_order_of_folders(tmp_path, monkeypatch):
    for name in ("m", "z", "a"):
        monkeypatch.syspath_prepend(install(tmp_path / name, f"zz-{name}", f"[memex]\nzz{name} = json"))
    assert [name for name, *_ in found("zz-")] == ["zza", "zzm", "zzz"]


def test_a_distribution_that_is_on_sys_path_twice_counts_once_and_the_first_wins(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(install(tmp_path / "old", "zz-twice", "[memex]\nzz = json", version="1.0"))
    monkeypatch.syspath_prepend(install(tmp_path / "new", "ZZ_Twice", "[memex]\nzz = json", version="2.0"))
    assert found("zz") + found("ZZ") == [("zz", "ZZ_Twice", "2.0")]


def test_two_distributions_that_use_one_name_are_both_kept_and_named(tmp_path, monkeypatch):
    for name in ("zz-one", "zz-two"):
        monkeypatch.syspath_prepend(install(tmp_path / name, name, "[memex]\nzz = json"))
    assert found("zz-") == [("zz", "zz-one", "1.0"), ("zz@zz-two", "zz-two", "1.0")]
    (problem,) = [problem for problem in scan()[1] if problem.distribution == "zz-two"]
    assert problem.stage == "discover"
    assert "zz-one 1.0" in problem.message
    assert "zz@zz-two" in str(problem)


@pytest.mark.parametrize("spoilt", [b"[memex]\nno value here", b"[memex]\nzz = \xff\xfe"])
def test_unreadable_entry_points_of_one_distribution_hide_no_other(tmp_path, monkeypatch, spoilt):
    install(tmp_path / "a", "zz-broken", "")
    (tmp_path / "a" / "zz_broken-1.0.dist-info" / "entry_points.txt").write_bytes(spoilt)
    monkeypatch.syspath_prepend(tmp_path / "a")
    monkeypatch.syspath_prepend(install(tmp_path / "b", "zz-whole", "[memex]\nzzwhole = json"))
    points, problems = scan()
    assert "zzwhole" in [point.name for point in points]
    (problem,) = problems
    assert "zz_broken" in str(problem)
    assert problem.stage == "discover"


def test_malformed_entry_points_of_another_group_are_not_our_business(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(install(tmp_path / "a", "zz-foreign", "[console_scripts]\nno value"))
    monkeypatch.syspath_prepend(install(tmp_path / "b", "zz-whole", "[memex]\nzzwhole = json"))
    points, problems = scan()
    assert "zzwhole" in [point.name for point in points]
    assert problems == []


def test_a_distribution_without_a_name_is_a_problem_and_hides_no_other(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(install(tmp_path / "a", "zz-a", "[memex]\nzza = json", metadata="Junk\n"))
    monkeypatch.syspath_prepend(install(tmp_path / "b", "zz-b", "[memex]\nzzb = json"))
    points, problems = scan()
    assert [point.name for point in points if point.name.startswith("zz")] == ["zzb"]
    assert [problem.plugin for problem in problems] == ["zza"]


def test_an_entry_point_that_points_nowhere_is_named(tmp_path, monkeypatch):
    points = "[memex]\nzza = no-such-module!\nzzb = zz_missing\nzzc = json:missing"
    monkeypatch.syspath_prepend(install(tmp_path, "zz-x", points))
    problems = {problem.plugin: str(problem) for problem in load().problems}
    for name, part in {"zza": "Invalid object reference", "zzb": "zz_missing", "zzc": "missing"}.items():
        assert problems[name].startswith(f"{name} (zz-x 1.0), import: ")
        assert part in problems[name]


def test_an_entry_point_may_name_an_object_in_a_module(tmp_path, monkeypatch):
    code = """
import memex

class Plugin:
    @memex.hookimpl
    def memex_policies(self):
        return []

plugin = Plugin()
"""
    (install(tmp_path, "zz-x", "[memex]\nzzx = zz_module:plugin") / "zz_module.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    assert [plugin.module for plugin in load().plugins if plugin.name == "zzx"] == ["zz_module"]


def test_a_plugin_in_a_zip_file_is_found_and_a_missing_folder_does_no_harm(tmp_path, monkeypatch):
    with zipfile.ZipFile(tmp_path / "plugins.zip", "w") as archive:
        archive.writestr("zz_zip-1.0.dist-info/METADATA", "Name: zz-zip\nVersion: 1.0\n")
        archive.writestr("zz_zip-1.0.dist-info/entry_points.txt", "[memex]\nzzzip = zz_zip\n")
    monkeypatch.syspath_prepend(tmp_path / "plugins.zip")
    monkeypatch.syspath_prepend(tmp_path / "missing")
    assert found("zz-") == [("zzzip", "zz-zip", "1.0")]


def test_strict_raises_for_metadata_that_cannot_be_read(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(install(tmp_path, "zz-broken", "[memex]\nno value here"))
    monkeypatch.setenv("MEMEX_STRICT", "1")
    with pytest.raises(PluginError, match=r"zz_broken.*cannot be read"):
        load()


class Unspeakable(Exception):
    def __str__(self):
        raise RuntimeError("no words")


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("two\nlines\t and  spaces"), "ValueError: two lines and spaces"),
        (ValueError(), "ValueError"),
        (ValueError("\ud800"), r"ValueError: \ud800"),
        (Unspeakable(), "Unspeakable: this Unspeakable cannot be shown"),
        (ValueError("x" * 1000), f"ValueError: {'x' * 297}..."),
    ],
)
def test_whatever_a_plugin_raises_fits_on_a_line(error, line):
    assert describe(error) == line


def test_without_entry_points_nothing_is_looked_up():
    assert load(entry_points=False).plugins == ()


def test_names_compare_as_the_package_index_compares_them():
    assert canonical("Memex_Fifo.X") == "memex-fifo-x"

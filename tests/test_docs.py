"""Every page of the documentation is run: code, commands and links.

Where what is printed has changed and should have, ``REWRITE_DOCS=1 pytest tests/test_docs.py``
writes it into the pages. In an output, ``...`` stands for anything.
"""

from __future__ import annotations

import contextlib
import doctest
import io
import itertools
import os
import re
import shlex
import shutil
import subprocess
import sys
import types
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import click
import pytest
from click.testing import CliRunner
from memex_cli.main import cli

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for pattern in ("*.md", "docs/**/*.md", "examples/*.md", "plugins/*/README.md")
    for path in ROOT.glob(pattern)
    if "_build" not in path.parts
)
BLOCK = re.compile(
    r"^(?P<indent> *)```(?P<language>[^`\n]*)\n(?P<body>.*?)^(?P=indent)```$", re.DOTALL | re.M
)
COMMENT = re.compile(r"<!-- (not run: .+?|output) -->\s*\Z")
FILE = re.compile(r"# ([\w./-]+\.(?:py|toml))\n")
BEYOND_THE_STARTER = ("importance", "semantic")
"""Plugins that change what a window holds by being installed."""
PROGRAM = re.compile(r"(?:\w+=\S+ )*(memex|cat|echo|head|ls|printf|tail|wc)\b")
"""What is run of a console block; `make`, `pip` and `git` are for the reader."""


class Block(NamedTuple):
    """A fenced block of a page."""

    language: str
    body: str
    line: int
    comment: str
    """What the HTML comment directly above it says, if there is one."""

    @property
    def runs(self) -> bool:
        return not self.comment.startswith("not run")


def blocks(page: str) -> list[Block]:
    text = (ROOT / page).read_text(encoding="utf-8")
    found = []
    for match in BLOCK.finditer(text):
        above = COMMENT.search(text[: match.start()])
        body = re.sub(f"^{match['indent']}", "", match["body"], flags=re.M)
        line = text.count("\n", 0, match.start()) + 2
        found.append(Block(match["language"], body, line, above[1] if above else ""))
    return found


RUN = ("python", "console", "sh")
WITH_CODE = [page for page in PAGES if any(block.language in RUN for block in blocks(page))]


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with the examples in it, where no setting of the person's own counts."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    for name in [name for name in os.environ if name.startswith("MEMEX_")]:
        monkeypatch.delenv(name)
    for kind in ("CONFIG", "DATA", "STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(tmp_path / kind.lower()))
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None) or "").startswith(str(tmp_path)):
            del sys.modules[name]


@pytest.mark.parametrize("page", WITH_CODE)
def test_the_code_of_a_page_runs_and_prints_what_it_says(
    page: str, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A reader has the starter plugins, and those that the page tells to install.
    text = (ROOT / page).read_text(encoding="utf-8")
    further = [name for name in BEYOND_THE_STARTER if f"pip install memex-{name}" not in text]
    monkeypatch.setenv("MEMEX_DISABLE", ",".join(further))
    module = types.ModuleType("page")
    printed = ""
    wrong: list[tuple[Block, str]] = []
    for block in blocks(page):
        where = f"{page}:{block.line}"
        if block.comment == "output":
            printed = re.sub(r"[ \t]+$", "", printed, flags=re.M).rstrip("\n") + "\n"
            if not doctest.OutputChecker().check_output(block.body, printed, doctest.ELLIPSIS):
                wrong.append((block, printed))
        elif block.language == "python":
            code = compile("\n" * (block.line - 1) + block.body, where, "exec", dont_inherit=True)
            printed = run_python(block, code, vars(module), workplace) if block.runs else ""
        elif block.language == "toml" and block.runs:
            write_named_file(block, workplace)
        elif block.language in ("console", "sh"):
            lines = [line for line in commands(block) if block.runs and PROGRAM.match(line)]
            printed = "".join(run_command(line, where) for line in lines)
    if wrong and "REWRITE_DOCS" in os.environ:
        rewrite(page, wrong)
    said = [f"{page}:{b.line} says\n{b.body}\nbut this was printed:\n{printed}" for b, printed in wrong]
    assert not said, "\n".join(said)


def rewrite(page: str, wrong: list[tuple[Block, str]]) -> None:
    path = ROOT / page
    lines = path.read_text(encoding="utf-8").splitlines()
    for block, printed in reversed(wrong):
        start = block.line - 1
        lines[start : start + len(block.body.splitlines())] = printed.splitlines()
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")


def run_python(block: Block, code: types.CodeType, namespace: dict[str, Any], workplace: Path) -> str:
    """Run a block and return what it prints; one that names its file is written there instead."""
    path = write_named_file(block, workplace)
    if path is not None:
        return run_shell(f"python -m pytest -q {path}", path) if Path(path).name.startswith("test_") else ""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(code, namespace)
    return out.getvalue()


def write_named_file(block: Block, workplace: Path) -> str | None:
    named = FILE.match(block.body)
    if named is None:
        return None
    path = workplace / named[1]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(block.body, encoding="utf-8")
    return named[1]


def commands(block: Block) -> list[str]:
    """Return what is typed at the prompts of a console block."""
    lines = re.sub(r" *\\\n *", " ", block.body).splitlines()
    if block.language == "console":
        lines = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
    return [bare for line in lines if (bare := line.partition("  #")[0].strip())]


def run_command(line: str, where: str) -> str:
    """Run what is typed; plain calls of memex in this process, which is much quicker."""
    words = shlex.split(line)
    if words[0] != "memex" or {*words} & {"|", ">", "<", ">>", "&&"}:
        return run_shell(line, where)
    result = CliRunner().invoke(cli, words[1:], prog_name="memex")
    assert result.exit_code == 0, f"{where}: $ {line}\n{result.output}"
    return result.stdout


def run_shell(line: str, where: str) -> str:
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, f"{where}: $ {line}\n{done.stdout}{done.stderr}"
    return done.stdout


def typed(*programs: str) -> list[tuple[str, list[str]]]:
    """Return the calls of these programs in all pages, each with its place."""
    calls = []
    for page in PAGES:
        for block in blocks(page):
            for line in commands(block) if block.language in ("console", "sh") else ():
                for piece in re.split(r" (?:[|&]+|;) ", line):
                    words = shlex.split(re.sub(r" [<>]+ .*", "", piece))
                    words = list(itertools.dropwhile(lambda word: "=" in word, words))
                    if words and words[0] in programs:
                        calls.append((f"{page}:{block.line}", words))
    return calls


@pytest.mark.parametrize(("where", "words"), typed("memex"))
def test_commands_and_their_options_exist(
    where: str, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MEMEX_DISABLE", raising=False)  # a command of any plugin
    context = click.Context(cli, info_name="memex")
    names = [word for word in words[1:] if not word.startswith("-")]
    command = cli.get_command(context, names[0]) if names else cli
    assert command is not None, f"{where}: there is no command {names[0]!r}"
    owners: list[click.Command] = [cli, command]
    if isinstance(command, click.Group) and len(names) > 1:
        inner = command.get_command(context, names[1])
        assert inner is not None, f"{where}: there is no command {' '.join(names[:2])!r}"
        owners.append(inner)
    known = {flag for owner in owners for param in owner.get_params(context) for flag in param.opts}
    used = {word.partition("=")[0] for word in words if word.startswith("-") and word != "-"}
    assert used <= known | {"-h"}, where


def test_every_target_of_make_exists() -> None:
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    assert [(where, words) for where, words in typed("make") if not {*words[1:]} <= targets] == []


def test_links_inside_the_repository_lead_somewhere() -> None:
    broken = [
        f"{page}: {target}" for page in PAGES for target in links(page) if not leads_somewhere(page, target)
    ]
    assert broken == []


def links(page: str) -> list[str]:
    text = BLOCK.sub("", (ROOT / page).read_text(encoding="utf-8"))
    found = re.findall(r"\]\(<?([^)\s>]+)>?\)", re.sub(r"`[^`\n]*`", "", text))
    return [target for target in found if not re.match(r"[a-z]+:", target)]


def leads_somewhere(page: str, target: str) -> bool:
    name, _, anchor = target.partition("#")
    path = (ROOT / page).parent / name if name else ROOT / page
    if not path.exists() or ROOT not in path.resolve().parents:
        return False
    return not anchor or anchor in anchors(path)


def anchors(path: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub and MyST make them."""
    text = BLOCK.sub("", path.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ +(.+?) *$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_files_that_are_named_exist() -> None:
    named = {
        name
        for page in PAGES
        for name in re.findall(
            r"`((?:benchmarks|docs|examples|src|tests)/[\w./-]+)`", (ROOT / page).read_text(encoding="utf-8")
        )
    }
    assert sorted(name for name in named if not (ROOT / name).exists()) == []


@pytest.mark.parametrize("page", PAGES)
def test_no_page_speaks_of_a_place_on_one_machine(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    places = re.findall(r"(?<![\w./])(?:/(?:home|Users|root|tmp|work|opt|mnt)/\S*|[A-Z]:\\\S*)", text)
    assert places == []


def test_no_output_is_true_today_only() -> None:
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    dated = [f"{page}:{b.line}" for page in PAGES for b in blocks(page) if b.comment and today in b.body]
    assert dated == [], "write ... in place of the date"


def test_blocks_that_are_not_run_are_rare_and_say_why() -> None:
    every = [block for page in PAGES for block in blocks(page) if block.language in RUN]
    skipped = [block for block in every if not block.runs]
    assert len(skipped) <= len(every) / 5, [block.body for block in skipped]

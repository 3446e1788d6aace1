"""``memex init-plugin``."""

from __future__ import annotations

from pathlib import Path

import click

from memex.commands import examples, json_option, print_json, say, wants_json
from memex_cli.scaffold import KINDS, make_plugin


@click.command(
    "init-plugin",
    epilog=examples(
        "memex init-plugin policy my-policy",
        "cd memex-my-policy && pip install -e '.[test]' && pytest && memex chain",
    ),
)
@click.argument("kind", type=click.Choice(KINDS))
@click.argument("name")
@click.option(
    "--dir",
    "folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=".",
    help="Where to make the package's folder.",
)
@json_option
def command(kind: str, name: str, folder: Path) -> None:
    """Make a package for a plugin of your own, with the contract of memex as its tests."""
    written = make_plugin(kind, name, folder)
    root, code = written[0].parent, written[-1]
    if wants_json():
        print_json({"folder": str(root), "files": [str(path.relative_to(root)) for path in written]})
        return
    say(f"{root}: your code goes into {code.relative_to(root)}")
    say(f"next: cd {root} && pip install -e '.[test]' && pytest")

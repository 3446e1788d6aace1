"""Writes the parts of the pages that are made from the code.

``python docs/generate.py`` rewrites them; with ``--check`` it only says which are out of date,
and exits with 1 if any is. A part stands between two comments::

    <!-- generated: hooks -->
    <!-- end -->
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from generate_commands import commands
from generate_hooks import hooks
from generate_names import command_names, errors, members, names, reasons, settings, wire
from generate_plugins import plugins, readme_pages

DOCS = Path(__file__).parent
PARTS = {
    "command_names": command_names,
    "commands": commands,
    "errors": errors,
    "hooks": hooks,
    "members": members,
    "names": names,
    "plugins": plugins,
    "reasons": reasons,
    "settings": settings,
    "wire": wire,
}
_PART = re.compile(r"(?<=<!-- generated: )(\w+) -->\n.*?(?=<!-- end -->)", re.DOTALL)


def current(page: str) -> str:
    """Return a page with its generated parts as the code gives them now."""
    return _PART.sub(lambda found: f"{found[1]} -->\n\n{PARTS[found[1]]()}\n\n", page)


def main() -> int:
    """Write or check every page; return the exit status."""
    pages = {path: current(path.read_text(encoding="utf-8")) for path in DOCS.glob("reference/*.md")}
    pages |= {DOCS / "reference" / "plugins" / name: page for name, page in readme_pages().items()}
    stale = []
    for path, page in sorted(pages.items()):
        if path.is_file() and path.read_text(encoding="utf-8") == page:
            continue
        stale.append(path.relative_to(DOCS.parent).as_posix())
        if "--check" not in sys.argv:
            path.write_text(page, encoding="utf-8")
    for name in stale:
        sys.stdout.write(f"{'out of date' if '--check' in sys.argv else 'written'}: {name}\n")
    return 1 if stale and "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())

"""How Sphinx builds the documentation: ``make docs``."""

import re
from importlib.metadata import version as version_of

project = "memex"
author = "The memex maintainers"
copyright = "The memex maintainers, MIT licence"  # noqa: A001 - the name Sphinx looks for
version = release = version_of("memex-core")

extensions = ["myst_parser"]
exclude_patterns = ["_build"]
myst_heading_anchors = 4
html_theme = "furo"
html_title = "memex"
html_copy_source = False


def setup(app):
    """Let links from and to the plugins' READMEs lead to pages of the documentation."""
    app.connect("source-read", _link_to_readme_pages)
    app.connect("include-read", _link_from_readmes)


def _link_to_readme_pages(_app, _docname, source):
    source[0] = re.sub(
        r"\]\((?:\.\./)*plugins/(memex-[\w-]+)/README\.md", r"](/reference/plugins/\1.md", source[0]
    )


def _link_from_readmes(_app, _path, _docname, content):
    text = content[0].replace("](../../README.md", "](/index.md").replace("](../../docs/", "](/")
    text = re.sub(r"\]\(\.\./\.\./(?=\w)", "](../../../", text)  # a page lies one folder deeper than a README
    content[0] = re.sub(r"\]\(\.\./(memex-[\w-]+)/README\.md", r"](/reference/plugins/\1.md", text)

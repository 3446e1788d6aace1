"""What every plugin must be: found, light, known to the host, and well named."""

from __future__ import annotations

import functools
import inspect
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import ClassVar

from importlib_metadata import distribution

from memex._discovery import EntryPointInfo, canonical, discover
from memex._factory import load_target
from memex._hooks import KINDS, LISTENERS, Hooks
from memex._loader import Loaded, load
from memex._plugin import Offer
from memex._probe import same_modules
from memex._signature import settings_of

# fmt: off
HEAVY = frozenset((
    "aiohttp", "anthropic", "asyncio", "click", "cohere", "concurrent", "cryptography", "email",
    "http", "httpx", "httpx2", "importlib_metadata", "matplotlib", "multiprocessing", "numpy",
    "openai", "opentelemetry", "pandas", "platformdirs", "psycopg", "pydantic", "redis", "requests",
    "rich", "scipy", "sentence_transformers", "sklearn", "sqlalchemy", "sqlite_utils", "ssl",
    "starlette", "tokenizers", "torch", "transformers", "unittest", "urllib3", "uvicorn",
))
# fmt: on
"""Modules that no plugin's top module may bring with it: each costs more than the host's own start."""

_IMPORT_ALONE = """
import json, sys
import memex, msgspec, pluggy
memex.hookimpl, memex.Provider
before = set(sys.modules)
__import__(sys.argv[1])
print()
print(json.dumps(sorted(set(sys.modules) - before)))
"""


def modules_loaded_by(module: str) -> list[str]:
    """Return which modules ``import module`` brings with it in a fresh process.

    Those that the host's hooks need are there already and do not count.
    """
    done = subprocess.run(  # noqa: S603 - our own code, in our own interpreter
        [sys.executable, "-P", "-c", _IMPORT_ALONE, module],
        env=same_modules(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"import {module} fails in a fresh process:\n{done.stderr}"
    loaded: list[str] = json.loads(done.stdout.splitlines()[-1])
    return loaded


class PluginContract:
    """The tests of a plugin. Subclass it and say which plugin it is.

    ::

        class TestContract(PluginContract):
            name = "fifo"

    Attributes:
        name: Name of the entry point in the group ``memex``.
        module_budget: How many modules the plugin's top module may bring with it, itself
            included and the host's not counted. Twelve leaves room for a plugin's own few and
            small standard ones; an SDK brings hundreds. Import it where it is used instead.
    """

    name: ClassVar[str]
    module_budget: ClassVar[int] = 12

    def test_it_is_found_through_its_entry_point(self) -> None:
        """The installed metadata has the entry point, once."""
        names = [point.name for point in discover()]
        assert names.count(self.name) == 1, (
            f"no entry point {self.name!r} in the group 'memex', which has {', '.join(names) or 'nothing'}; "
            f'add [project.entry-points.memex] {self.name} = "memex_{self.name}" and install again'
        )

    def test_its_top_module_is_light(self) -> None:
        """Importing it brings no SDK and few modules with it."""
        module = self._point.value.partition(":")[0].strip()
        loaded = [name for name in modules_loaded_by(module) if name.partition(".")[0] != "memex"]
        heavy = sorted({name.partition(".")[0] for name in loaded} & HEAVY)
        assert not heavy, f"import {module} brings {', '.join(heavy)}; import them inside functions"
        too_many = f"import {module} brings {len(loaded)} modules, more than {self.module_budget}"
        assert len(loaded) <= self.module_budget, f"{too_many}: {', '.join(loaded)}"

    def test_the_host_knows_every_hook_it_implements(self) -> None:
        """It loads without a problem, and implements at least one hook."""
        problems = [str(problem) for problem in self._loaded.problems if problem.stage != "slow"]
        assert not problems, "\n".join(problems)

    def test_it_offers_or_listens(self) -> None:
        """What it offers are providers, with a line for a person; or it is told something."""
        hooks = Hooks(self._loaded)
        offers = list(self._offers(hooks))
        problems = [str(problem) for problem in hooks.problems if problem.stage == "offer"]
        assert not problems, "\n".join(problems)
        assert offers or any(hooks.listens(hook.removeprefix("memex_")) for hook in LISTENERS), (
            "it offers no provider and listens to nothing"
        )
        for _, offer in offers:
            summary = offer.provider.summary
            assert summary.strip(), f"the provider {offer.provider.name!r} has no summary"
            assert "\n" not in summary, f"the summary of {offer.provider.name!r} is longer than one line"

    def test_every_target_can_be_imported_and_called_and_is_documented(self) -> None:
        """Each provider's target is a callable with a docstring."""
        for _, offer in self._offers(Hooks(self._loaded)):
            target = load_target(offer)
            assert callable(target), f"{offer.provider.target} cannot be called"
            assert inspect.getdoc(target), f"{offer.provider.target} has no docstring"

    def test_every_setting_has_a_type(self) -> None:
        """The host checks settings against annotations, so each parameter has one."""
        for kind, offer in self._offers(Hooks(self._loaded)):
            target = load_target(offer)
            if kind == "commands" or not callable(target):  # click has parameters of its own
                continue
            taken = settings_of(target).items()
            bare = [name for name, wanted in taken if wanted is inspect.Parameter.empty]
            assert not bare, f"{offer.provider.target}: no annotation on {', '.join(bare)}"

    def test_its_names_agree(self) -> None:
        """``memex-x`` has the module ``memex_x`` and the entry point ``x``; no name is the host's."""
        distribution = canonical(self._point.distribution)
        top = self._point.value.partition(":")[0].partition(".")[0].strip()
        assert distribution not in ("memex", "memex-core"), f"{distribution} is not a name for a plugin"
        assert top != "memex", f"{self._point.value} is inside the host's package; use memex_{self.name}"
        if distribution.startswith("memex-"):
            assert distribution == f"memex-{canonical(self.name)}", (
                f"the distribution {distribution} and the entry point {self.name} do not agree"
            )
            assert top == distribution.replace("-", "_"), f"{distribution} and {top} do not agree"

    def test_it_installs_nothing_into_the_host(self) -> None:
        """No file of it lies in the package ``memex``."""
        files = [str(file) for file in distribution(self._point.distribution).files or ()]
        foreign = [file for file in files if file.startswith("memex/")]
        assert not foreign, f"it installs {', '.join(foreign)} into the host's package"

    def test_it_requires_the_host_by_its_right_name(self) -> None:
        """The host is ``memex-core``; the bare name belongs to somebody else's package."""
        names = [re.match(r"[\w.-]+", line) for line in distribution(self._point.distribution).requires or ()]
        required = {canonical(found[0]) for found in names if found}
        assert "memex" not in required, "it requires 'memex', a stranger's package: require 'memex-core'"
        assert "memex-core" in required, "it does not require 'memex-core'"

    def test_it_brings_its_readme(self) -> None:
        """The metadata has a description: ``readme = "README.md"`` in pyproject.toml."""
        description = distribution(self._point.distribution).metadata.json.get("description")
        assert str(description or "").strip(), "the metadata has no description"

    @functools.cached_property
    def _point(self) -> EntryPointInfo:
        found = [point for point in discover() if point.name == self.name]
        assert found, f"no entry point {self.name!r} in the group 'memex'"
        return found[0]

    @functools.cached_property
    def _loaded(self) -> Loaded:
        return load(entry_points=[self._point])

    def _offers(self, hooks: Hooks) -> Iterator[tuple[str, Offer]]:
        for kind in KINDS:
            for offer in hooks.offers(kind):
                yield kind, offer

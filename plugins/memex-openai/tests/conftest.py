"""Lets the tests import what they share, and keeps the person's own keys and settings out of them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from openai_play import OPENED, PlayedModel

from memex.testing.wire import WireServer
from memex.wire import forget_learned


@pytest.fixture(autouse=True)
def _nobody_s_settings(monkeypatch, tmp_path):
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_LOG"):
        monkeypatch.delenv(name, raising=False)
    for kind in ("CONFIG", "DATA", "STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(tmp_path / kind.lower()))
    yield
    while OPENED:
        OPENED.pop().close()
    forget_learned()


@pytest.fixture
def server():
    with WireServer() as running:
        yield running
        assert running.unexpected == []


@pytest.fixture
def played(server):
    """A model that answers as OpenAI's would, over both APIs."""
    model = PlayedModel()
    server.always(model)
    model.server = server
    return model

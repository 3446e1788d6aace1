"""Lets the tests import what they share, wherever they were copied to; a store that keeps vectors."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")
sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def make_keeping_store():
    from keeping_store import KeepingStore

    return KeepingStore


@pytest.fixture
def keeping_store(make_keeping_store):
    return make_keeping_store()

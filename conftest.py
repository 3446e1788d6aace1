"""Tests must not fail because a machine is busy: no example of hypothesis has a time limit, in any plugin."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile(
    "memex",
    settings.get_profile(settings.get_current_profile_name()),
    deadline=None,
    suppress_health_check=[*settings().suppress_health_check, HealthCheck.too_slow],
)
settings.load_profile("memex")

"""Which setting an error means, where it means one."""

from __future__ import annotations

import pytest
from memex_cohere.faults import refused_setting

from memex import RateLimited
from memex.wire import error_for


@pytest.mark.parametrize(
    ("words", "setting"),
    [
        ("invalid request: thinking is not supported by the specified model", "thinking"),
        ("unknown field: parameter 'priority' is not a valid field", "priority"),
        ("'safety_mode' is not supported", "safety_mode"),
        ("model does not support `tool_choice`", "tool_choice"),
        ("response_format is not supported with this model", "schema"),
        ("invalid request: temperature must be between 0 and 1", None),
        ("too many tokens", None),
    ],
)
def test_a_setting_is_named_only_where_it_is_refused_as_such(words, setting):
    assert refused_setting(error_for("cohere", "command-x", status=400, message=words)) == setting


def test_other_errors_mean_no_setting():
    assert refused_setting(RateLimited("thinking is not supported by this model")) is None

"""Which setting an error means, where it means one."""

from __future__ import annotations

import pytest
from memex_anthropic.faults import refused_setting
from memex_anthropic.requesting import LEADING, THOUGHTS, UNDEFINED

from memex import BadRequest, RateLimited
from memex.wire import error_for


def refused(words: str) -> str | None:
    return refused_setting(
        error_for("anthropic", "claude-x", status=400, code="invalid_request_error", message=words)
    )


@pytest.mark.parametrize(
    ("words", "setting"),
    [
        ("temperature: Extra inputs are not permitted", "temperature"),
        ("output_config.effort: Extra inputs are not permitted", "effort"),
        ("output_config.format: Extra inputs are not permitted", "schema"),
        ("`temperature` is deprecated for this model.", "temperature"),
        ('"thinking.type.enabled" is not supported for this model. Use "thinking.type.adaptive"', "thinking"),
        ("`top_k` is not supported", "top_k"),
        ("This model does not support the effort parameter.", "effort"),
        ("The block is bound to a different conversation. Remove the block", THOUGHTS),
        ("Requests which include `tool_use` or `tool_result` blocks must define tools", UNDEFINED),
        ('messages: first message must use the "user" role', LEADING),
        ("max_tokens: 200000 > 128000, which is the maximum allowed number of output tokens", None),
        ("thinking.budget_tokens: Input should be greater than or equal to 1024", None),
        ("messages: at least one message is required", None),
    ],
)
def test_a_setting_is_named_only_where_it_is_refused_as_such(words, setting):
    assert refused(words) == setting


def test_other_errors_mean_no_setting():
    assert refused_setting(RateLimited("temperature: Extra inputs are not permitted")) is None
    assert refused_setting(BadRequest("no")) is None

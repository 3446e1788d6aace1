"""What every plugin and every policy must be, on the three policies of this plugin."""

from __future__ import annotations

from memex_importance.clearing import clear_tool_results
from memex_importance.keeping import keep_important
from memex_importance.policy import importance

from memex import Message, ToolCall
from memex.testing import PluginContract, PolicyContract


class TestPlugin(PluginContract):
    name = "importance"


class TestImportance(PolicyContract):
    def make_policy(self):
        return importance()


class TestKeepImportant(PolicyContract):
    def make_policy(self):
        return keep_important()


class TestKeepALot(PolicyContract):
    fresh_share = 0.7  # the more old turns stay, the more of the prefix an eviction moves

    def make_policy(self):
        return keep_important(low_water=0.8, reserve=0.7)


def with_long_results():
    said = []
    for number in range(30):
        call = ToolCall(id=f"c{number}", name="look", arguments=f'{{"at": {number}}}')
        said += [
            Message.user(f"Look at {number}.", id=f"u{number}"),
            Message.assistant([call], id=f"a{number}"),
            Message.tool(call.id, "It is all as it was before. " * 40, id=f"t{number}"),
            Message.assistant("As before.", id=f"s{number}"),
        ]
    return [Message.system("You look.", id="sys"), *said]


class TestClearToolResults(PolicyContract):
    def make_policy(self):
        return clear_tool_results(keep=1, over=40)

    def history(self):
        return with_long_results()


class TestShortenToolResults(PolicyContract):
    def make_policy(self):
        return clear_tool_results(keep=0, over=0, shown=80, at_least=0.0)

    def history(self):
        return with_long_results()

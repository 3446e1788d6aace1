"""A store, a model, policies and commands for the tests; what it shall do wrong is in FAKE_FAULT."""

from __future__ import annotations

import os
import signal
import time

import click

from memex import Provider, hookimpl

_STORES = {}


@hookimpl
def memex_stores():
    return [Provider("scratch", "memex_cli_fake:open_store", "Threads that live as long as the test")]


@hookimpl
def memex_backends():
    return [Provider("echo", "memex_cli_fake:Echo", "Says it again")]


@hookimpl
def memex_policies():
    return [Provider("evict", "memex_cli_fake:evict", "Drops the oldest")]


@hookimpl
def memex_filters():
    return [Provider("censor", "memex_cli_fake:censor", "Refuses what is forbidden")]


@hookimpl
def memex_commands():
    return [
        Provider("greet", "memex_cli_fake:greet_command", "Says hello"),
        Provider("keep", "memex_cli_fake:keep_command", "Stores a message"),
        Provider("broken", "memex_cli_fake:no_such_thing", "Cannot be imported"),
        Provider("no-command", "memex_cli_fake:evict", "Is no command"),
        *(
            [Provider("send", "memex_cli_fake:greet_command", "Wants a name that is taken")]
            if _fault("clash")
            else []
        ),
    ]


@hookimpl
def memex_message_stored(thread, entry, handle):
    if _fault("listener"):
        raise RuntimeError("the listener \x1b[31mfell over")
    memory = handle.memex
    if memory.background and not memory.work and (_fault("works") or _fault("endless")):
        memory.add_work(Works())


@hookimpl
def memex_messages_forgotten(receipt):
    return {"vectors": len(receipt.messages)} if _fault("copies") else None


class Works:
    """Work in the background that is done at the second look, or never."""

    name, later = "embedding", "'memex embed' embeds the rest"

    def __init__(self):
        self.done = 0
        self.lasting = not _fault("fleeting")

    def progress(self):
        return self.done, 2000

    def wait(self, seconds=None):
        if _fault("endless"):
            time.sleep(0.01)
            self.done = 1500
            return False
        self.done += 1000 if seconds else 2000
        return self.done >= 2000

    def stop(self):
        click.echo("stopped")


def _fault(name):
    return name in os.environ.get("FAKE_FAULT", "").split(",")


def open_store(name: str = "one", *, namespace: str = "default"):
    from memex.testing import ScratchStore

    return _STORES.setdefault((name, namespace), ScratchStore(namespace))


class Echo:
    name = "echo"

    def __init__(self, model: str = "one") -> None:
        self.model = model

    @property
    def capabilities(self):
        from memex import Capabilities

        return Capabilities()

    def stream(self, request):
        from memex import Event, Unavailable, Usage

        yield Event(kind="start", model=self.model)
        for word in (request.messages[-1].text if request.messages else "").split(" "):
            if word == "FAIL" and not os.environ.get("MEMEX_FAKE_MENDED"):
                raise Unavailable("the model is down")
            if word == "CRASH":
                raise ZeroDivisionError("inside the model")
            if word == "INTERRUPT":
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(5)
            yield Event(kind="text", text=f"{word} ")
        yield Event(kind="usage", usage=Usage(input_tokens=3, output_tokens=2))
        yield Event(kind="finish", finish="stop")

    def close(self):
        pass


def evict(*, low_water: float = 0.5):
    from memex.testing import evict_oldest

    def policy(window):
        if _fault("policy"):
            raise RuntimeError("the policy fell over")
        return evict_oldest(window)

    return policy


def censor():
    def apply(thread, message):
        if "FORBIDDEN" in message.text:
            return None
        if "UNFILTERED" in message.text:
            raise ValueError("cannot read this")
        return message

    return apply


def __getattr__(name):
    if name == "keep_command":
        return _keep_command()
    if name != "greet_command":
        raise AttributeError(name)
    import click

    @click.command()
    @click.argument("who", default="world")
    def greet(who: str) -> None:
        """Say hello."""
        click.echo(f"hello {who}")

    return greet


def _keep_command():
    from memex.commands import memory_options, open_memory, open_thread, say, thread_option

    @click.command()
    @click.argument("text")
    @memory_options
    @thread_option
    def keep(text: str) -> None:
        """Store a message."""
        with open_memory() as memory:
            thread = open_thread(memory, create=True)
            thread.append(text)
            say(f"{thread.id} has {thread.info.head}")

    return keep

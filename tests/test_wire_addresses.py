"""Addresses of servers: refused when a backend is opened, and never shown with a password."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memex import BadSetting
from memex.wire import basic_auth, server_url, split_address, wire_settings

SECRET = "hunter2-0123456789"

WRONG = {
    "a blank": f"http://u:{SECRET}@ho st/v1",
    "a tab": f"http://u:{SECRET}@host\t/v1",
    "a new line": f"http://u:{SECRET}@host/v1\nx",
    "NUL": f"http://u:{SECRET}@host/v1\0",
    "DEL": f"http://u:{SECRET}@host/v1\x7f",
    "a blank before": f" http://u:{SECRET}@host/v1",
    "a zero-width space": f"http://u:{SECRET}@host\u200b/v1",
    "half a character": f"http://u:{SECRET}@host/\ud800",
    "a backslash": f"http:\\\\u:{SECRET}@host",
    "a place to fill in": f"http://u:{SECRET}@{{region}}.host/v1",
    "a blank in a password": f"http://u:{SECRET} @host/v1",
    "a file": f"file:///etc/{SECRET}@host",
    "another scheme": f"ftp://u:{SECRET}@host",
    "no scheme": f"u:{SECRET}@host:8000/v1",
    "one slash": f"http:/u:{SECRET}@host/v1",
    "no host": f"http://u:{SECRET}@/v1",
    "a port and no host": f"http://u:{SECRET}@:8000/v1",
    "a port that is a word": f"http://u:{SECRET}@host:eighty/v1",
    "a port too high": f"http://u:{SECRET}@host:70000/v1",
    "port 0": f"http://u:{SECRET}@host:0/v1",
    "two ports": f"http://u:{SECRET}@host:80:81/v1",
    "half a bracket": f"http://u:{SECRET}@[::1/v1",
    "nothing": "",
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_what_is_no_address_is_refused_and_its_password_not_shown(wrong):
    with pytest.raises(
        BadSetting, match=r"(?s)parrot: base_url is .* write one like https://host/v1"
    ) as caught:
        server_url("parrot", wrong)
    assert SECRET not in repr(caught.value)
    assert SECRET not in str(caught.value)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("right", "url"),
    [
        ("http://localhost:8000/v1", "http://localhost:8000/v1"),
        ("https://host/v1/", "https://host/v1"),
        ("HTTP://Host", "http://Host"),
        ("http://[::1]:8000/v1", "http://[::1]:8000/v1"),
        ("http://bücher.example/v1", "http://bücher.example/v1"),
        ("https://host/a%20b/@cf/v1?api-version=1", "https://host/a%20b/@cf/v1?api-version=1"),
        ("http://my_gpu:1", "http://my_gpu:1"),
    ],
)
def test_an_address_stays_as_it_is(right, url):
    address = server_url("parrot", right)
    assert (address.url, address.login) == (url, None)
    assert basic_auth(address.login) == {}


def test_name_and_password_are_taken_out():
    address = server_url("parrot", f"https://me:{SECRET}%21@host:8/v1")
    assert address.url == "https://host:8/v1"
    assert basic_auth(address.login) == {"auth": ("me", f"{SECRET}!")}
    assert SECRET not in repr(address)
    assert "me" not in repr(address.login)
    assert basic_auth(server_url("parrot", f"https://{SECRET}@host").login) == {"auth": (SECRET, "")}


@given(st.text(max_size=40).filter(lambda text: not set(text) & set("/?#")), st.text(max_size=40))
def test_nothing_shows_what_stands_before_an_at(before, after):
    try:
        shown = repr(server_url("parrot", f"http://{SECRET}{before}@{after}"))
    except BadSetting as error:
        shown = f"{error!r}{error}{error.__cause__}{error.__context__}"
    assert SECRET not in shown


def test_the_settings_hold_the_address_without_them():
    settings = wire_settings("parrot", {"base_url": f"https://me:{SECRET}@host/v1"})
    assert settings.base_url == "https://host/v1"
    assert basic_auth(settings.login) == {"auth": ("me", SECRET)}
    assert SECRET not in repr(settings)
    with pytest.raises(BadSetting, match="unexpected setting 'login'"):
        wire_settings("parrot", {"login": "me"})


def test_the_address_of_the_environment_is_checked_too(monkeypatch):
    monkeypatch.setenv("PARROT_URL", "http://ho st")
    with pytest.raises(
        BadSetting, match="parrot: PARROT_URL is 'http://ho st', and no address holds a blank"
    ):
        wire_settings("parrot", {}, url_environment="PARROT_URL")
    assert (
        wire_settings("parrot", {"base_url": "http://h"}, url_environment="PARROT_URL").base_url == "http://h"
    )
    monkeypatch.setenv("PARROT_URL", " ")
    assert wire_settings("parrot", {}, url_environment="PARROT_URL").base_url is None


@pytest.mark.parametrize(
    ("spec", "parts"),
    [
        ("m", ("m", None)),
        ("m@20240620", ("m@20240620", None)),
        ("@cf/meta/llama", ("@cf/meta/llama", None)),
        ("m@http://h/v1", ("m", "http://h/v1")),
        ("@cf/meta/llama@http://u:p@h/v1", ("@cf/meta/llama", "http://u:p@h/v1")),
        ("m@1@https://h", ("m@1", "https://h")),
        ("m@file:///etc/passwd", ("m", "file:///etc/passwd")),
        ("m@localhost:8000", ("m", "localhost:8000")),
    ],
)
def test_where_a_model_is(spec, parts):
    assert split_address(spec) == parts

import json
from pathlib import Path

import pytest

from cli.addresses import API_URL_VARIABLE, STACK_FILE, api_address, kafka_address_of_stack
from cli.errors import CommandError
from cli.exit_codes import ExitCode

STACK = {"api": "http://127.0.0.1:8001", "kafka": "127.0.0.1:9093"}


def write_stack(folder: Path, content: str) -> None:
    (folder / STACK_FILE).parent.mkdir()
    (folder / STACK_FILE).write_text(content)


def test_the_option_goes_before_the_variable_and_that_before_the_stack_and_that_before_the_default(
    tmp_path: Path,
) -> None:
    assert api_address(None, {}, tmp_path).value == "http://127.0.0.1:8000"
    write_stack(tmp_path, json.dumps(STACK))
    assert api_address(None, {}, tmp_path).value == "http://127.0.0.1:8001"
    environ = {API_URL_VARIABLE: "https://variable"}
    assert api_address(None, environ, tmp_path).value == "https://variable"
    assert api_address("https://option", environ, tmp_path).value == "https://option"


def test_an_address_says_where_it_is_from(tmp_path: Path) -> None:
    assert api_address(None, {}, tmp_path).source == "the default"
    write_stack(tmp_path, json.dumps(STACK))
    assert api_address(None, {}, tmp_path).source == f"from {STACK_FILE}"
    assert api_address(None, {API_URL_VARIABLE: "http://a"}, tmp_path).source == f"from {API_URL_VARIABLE}"
    assert api_address("http://a", {}, tmp_path).source == "from --api"


def test_an_empty_variable_is_none(tmp_path: Path) -> None:
    assert api_address(None, {API_URL_VARIABLE: ""}, tmp_path).source == "the default"


def test_a_slash_at_the_end_is_dropped(tmp_path: Path) -> None:
    assert api_address("http://host/prefix/", {}, tmp_path).value == "http://host/prefix"


@pytest.mark.parametrize(
    "url", ["localhost:8000", "ftp://host", "http://", "http://host:port", "http://[1", "http://h:0"]
)
def test_what_is_no_http_address_is_a_usage_error(url: str, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="from --api") as caught:
        api_address(url, {}, tmp_path)
    assert caught.value.exit_code == ExitCode.USAGE


@pytest.mark.parametrize(
    "url",
    [
        "http://me:hidden@host",
        "http://hidden@host/x",
        "me:hidden@host:80",
        "ftp://me:hidden@host",
        "http://me:hid/den@h",
    ],
)
def test_an_address_with_a_password_is_refused_and_never_shown(url: str, tmp_path: Path) -> None:
    for option, environ in ((url, {}), (None, {API_URL_VARIABLE: url})):
        with pytest.raises(CommandError, match=r"profiles\.toml") as caught:
            api_address(option, environ, tmp_path)
        assert caught.value.exit_code == ExitCode.USAGE
        assert "hid" not in str(caught.value)


def test_an_at_sign_in_a_path_is_no_password(tmp_path: Path) -> None:
    assert api_address("http://host/@team", {}, tmp_path).value == "http://host/@team"


def test_kafka_is_where_the_stack_says(tmp_path: Path) -> None:
    assert kafka_address_of_stack(tmp_path) is None
    write_stack(tmp_path, json.dumps(STACK))
    address = kafka_address_of_stack(tmp_path)
    assert address is not None
    assert address.value == "127.0.0.1:9093"


@pytest.mark.parametrize("content", ["", "{", "[]", '{"api": 1}', "\udcff"])
def test_a_stack_file_that_cannot_be_used_is_named(content: str, tmp_path: Path) -> None:
    write_stack(tmp_path, "")
    (tmp_path / STACK_FILE).write_bytes(content.encode(errors="surrogateescape"))
    with pytest.raises(CommandError, match=r"stack\.json") as caught:
        api_address(None, {}, tmp_path)
    assert caught.value.exit_code == ExitCode.USAGE

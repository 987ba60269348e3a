import io
from pathlib import Path

import pytest

from cli.errors import CommandError
from cli.exit_codes import ExitCode
from cli.tasks.prompts import STDIN, Prompt, prompt_text, read_prompts

NO_INPUT = io.BytesIO()


def read_file(path: Path, content: bytes, *, jsonl: bool = False) -> list[Prompt]:
    path.write_bytes(content)
    return read_prompts([], path, NO_INPUT, jsonl=jsonl)


def test_each_line_is_a_prompt_and_blank_lines_are_none(tmp_path: Path) -> None:
    assert read_file(tmp_path / "prompts.txt", b"\xef\xbb\xbfone\n\n  two \r\nthree") == ["one", "two", "three"]


def test_arguments_come_before_the_file(tmp_path: Path) -> None:
    file = tmp_path / "prompts.txt"
    file.write_text("two\n")
    assert read_prompts(["one"], file, NO_INPUT, jsonl=False) == ["one", "two"]


def test_a_dash_is_standard_input() -> None:
    assert read_prompts([], STDIN, io.BytesIO("où\n".encode()), jsonl=False) == ["où"]


def test_a_jsonl_file_has_strings_and_chat_objects(tmp_path: Path) -> None:
    lines = b'"a \\n b"\n{"messages": [{"role": "user", "content": "c"}]}\n'
    expected: list[Prompt] = ["a \n b", {"messages": [{"role": "user", "content": "c"}]}]
    assert read_file(tmp_path / "prompts.jsonl", lines) == expected
    assert read_prompts([], STDIN, io.BytesIO(lines), jsonl=True) == expected


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{", "not JSON"),
        (b"7", "a JSON string or an object"),
        (b"[]", "a JSON string or an object"),
        (b'"\xff"', "UTF-8"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a":' * 300 + b"1" + b"}" * 300, "nested too deeply"),
        (b'"\\ud800"', "half of a surrogate pair"),
        (b'{"messages": [{"role": "user", "content": "\\udfff"}]}', "half of a surrogate pair"),
        (b'{"temperature": NaN}', "not JSON"),
        (b'{"temperature": 1e999}', "not JSON"),
    ],
)
def test_a_bad_line_is_named_by_its_number(line: bytes, reason: str, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=rf"bad\.jsonl, line 2: .*{reason}") as caught:
        read_file(tmp_path / "bad.jsonl", b'"good"\n' + line)
    assert caught.value.exit_code == ExitCode.USAGE


def test_an_argument_that_is_no_utf8_is_named_by_its_number() -> None:
    with pytest.raises(CommandError, match=r"prompt 2 of the command line: this is not UTF-8") as caught:
        read_prompts(["good", "\udcff"], None, NO_INPUT, jsonl=False)
    assert caught.value.exit_code == ExitCode.USAGE


def test_a_prompt_may_be_nested_as_deeply_as_the_api_takes_it() -> None:
    line = b'{"a":' * 100 + b"[" * 50 + b"]" * 50 + b"}" * 100
    assert len(read_prompts([], STDIN, io.BytesIO(line), jsonl=True)) == 1


def test_a_file_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"nowhere\.txt cannot be read: No such file") as caught:
        read_prompts([], tmp_path / "nowhere.txt", NO_INPUT, jsonl=False)
    assert caught.value.exit_code == ExitCode.USAGE


def test_no_prompt_at_all_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="nothing to submit"):
        read_file(tmp_path / "empty.txt", b"\n \n")


@pytest.mark.parametrize(
    ("prompt", "text"),
    [
        ("as it is", "as it is"),
        ({"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "last"}]}, "last"),
        ({"messages": []}, '{"messages": []}'),
        ({"messages": [{"content": [1]}]}, '{"messages": [{"content": [1]}]}'),
        ({"model": "m"}, '{"model": "m"}'),
    ],
)
def test_a_prompt_is_known_by_its_last_message(prompt: Prompt, text: str) -> None:
    assert prompt_text(prompt) == text

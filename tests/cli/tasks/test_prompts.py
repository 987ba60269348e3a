import io
from pathlib import Path

import pytest

from cli.errors import CommandError
from cli.exit_codes import ExitCode
from cli.tasks.prompt_source import STDIN, prompt_source
from cli.tasks.prompts import Prompt, PromptLine, looks_like_jsonl, prompt_text


def read(
    arguments: list[str], file: Path | None, stdin: bytes | None = None, *, jsonl: bool | None = None
) -> list[PromptLine]:
    with prompt_source(arguments, file, None if stdin is None else io.BytesIO(stdin), jsonl=jsonl) as source:
        return list(source.lines)


def read_prompts(
    arguments: list[str], file: Path | None, stdin: bytes | None = None, *, jsonl: bool | None = None
) -> list[Prompt]:
    return [line.prompt for line in read(arguments, file, stdin, jsonl=jsonl)]


def read_file(path: Path, content: bytes, *, jsonl: bool | None = None) -> list[Prompt]:
    path.write_bytes(content)
    return read_prompts([], path, jsonl=jsonl)


def test_each_line_is_a_prompt_and_blank_lines_are_none(tmp_path: Path) -> None:
    assert read_file(tmp_path / "prompts.txt", b"\xef\xbb\xbfone\n\n \t\r\n  two \r\nthree") == [
        "one",
        "  two ",
        "three",
    ]


def test_a_text_loses_its_line_end_and_nothing_else() -> None:
    assert read_prompts([], STDIN, b"   indented\n\ttab \r\nreturn\r\r\nlast  ", jsonl=False) == [
        "   indented",
        "\ttab ",
        "return\r",
        "last  ",
    ]
    assert read_prompts([], STDIN, b'  "json"  \n', jsonl=True) == ["json"]


def test_arguments_come_before_the_file(tmp_path: Path) -> None:
    file = tmp_path / "prompts.txt"
    file.write_text("two\n")
    assert read_prompts(["one"], file) == ["one", "two"]


def test_a_dash_is_standard_input() -> None:
    assert read_prompts([], STDIN, "où\n".encode()) == ["où"]


def test_a_jsonl_file_has_strings_and_chat_objects(tmp_path: Path) -> None:
    lines = b'"a \\n b"\n{"messages": [{"role": "user", "content": "c"}]}\n'
    expected: list[Prompt] = ["a \n b", {"messages": [{"role": "user", "content": "c"}]}]
    assert read_file(tmp_path / "prompts.jsonl", lines) == expected
    assert read_prompts([], STDIN, lines, jsonl=True) == expected


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
        read_prompts(["good", "\udcff"], None)
    assert caught.value.exit_code == ExitCode.USAGE


def test_a_prompt_may_be_nested_as_deeply_as_the_api_takes_it() -> None:
    line = b'{"a":' * 100 + b"[" * 50 + b"]" * 50 + b"}" * 100
    assert len(read_prompts([], STDIN, line, jsonl=True)) == 1


def test_a_file_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"nowhere\.txt cannot be read: No such file") as caught:
        read_prompts([], tmp_path / "nowhere.txt")
    assert caught.value.exit_code == ExitCode.USAGE


def test_no_prompt_at_all_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="nothing to submit"):
        read_file(tmp_path / "empty.txt", b"\n \n")


def test_standard_input_is_read_where_nothing_else_is_given_and_nobody_sits_at_it() -> None:
    assert read_prompts([], None, b"one\ntwo\n") == ["one", "two"]
    assert read_prompts(["one"], None, b"two\n") == ["one"]
    with pytest.raises(CommandError, match="nothing to submit"):
        read_prompts([], None, None)


@pytest.mark.parametrize(
    ("line", "is_json"),
    [
        (b'{"prompt": "a"}', True),
        (b'{"messages": []}', True),
        (b'{"custom_id": "1", "method": "POST", "url": "/v1/chat/completions", "body": {}}', True),
        (b'\xef\xbb\xbf"a text"', True),
        (b'{"city": "Oslo"}', False),
        (b"Name a river.", False),
        (b"7", False),
        (b"[1]", False),
        (b'"half', False),
        (b"\xff", False),
        (b"[" * 100_000, False),
    ],
)
def test_the_first_line_of_standard_input_says_whether_all_are_json(line: bytes, *, is_json: bool) -> None:
    assert looks_like_jsonl(line) == is_json


def test_blank_lines_before_the_first_are_counted_and_decide_nothing() -> None:
    assert read([], None, b'\n \n{"prompt": "a"}\n') == [PromptLine({"messages": [{"role": "user", "content": "a"}]})]
    with pytest.raises(CommandError, match="standard input, line 4: this is not JSON"):
        read([], None, b'\n \n{"prompt": "a"}\nno json')


def test_what_is_said_to_be_text_is_sent_as_it_is() -> None:
    assert read_prompts([], None, b'"quoted"\n{"prompt": 1}\n', jsonl=False) == ['"quoted"', '{"prompt": 1}']


def test_a_line_may_have_a_name_of_the_users_and_a_text_in_the_place_of_messages() -> None:
    body = '{"messages": [{"role": "user", "content": "c"}], "model": "m"}'
    lines = [
        '{"custom_id": "a", "prompt": "p", "max_tokens": 5}',
        '{"custom_id": "b", "messages": []}',
        f'{{"custom_id": "c", "method": "POST", "url": "/v1/chat/completions", "body": {body}}}',
        '"bare"',
    ]
    assert read([], STDIN, "\n".join(lines).encode()) == [
        PromptLine({"messages": [{"role": "user", "content": "p"}], "max_tokens": 5}, "a"),
        PromptLine({"messages": []}, "b"),
        PromptLine({"messages": [{"role": "user", "content": "c"}], "model": "m"}, "c"),
        PromptLine("bare"),
    ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"custom_id": 7, "prompt": "p"}', "custom_id should be a text"),
        ('{"prompt": ["p"]}', "prompt is a text"),
        ('{"prompt": "p", "messages": []}', "in the place of messages"),
        ('{"body": {}, "url": "/v1/embeddings"}', "custom_id, method and url"),
        ('{"body": {}, "model": "m"}', "custom_id, method and url"),
        ('{"body": "p"}', "custom_id, method and url"),
    ],
)
def test_a_line_that_says_two_things_is_refused(line: str, reason: str) -> None:
    with pytest.raises(CommandError, match=f"standard input, line 1: .*{reason}"):
        read([], STDIN, line.encode())


def test_lines_are_read_as_they_are_taken() -> None:
    taken: list[bytes] = []

    class Counting(io.BytesIO):
        def __next__(self) -> bytes:
            taken.append(super().__next__())
            return taken[-1]

    with prompt_source([], None, Counting(b"x\n" * 1_000), jsonl=None) as source:
        next(source.lines)
        assert len(taken) <= 2


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

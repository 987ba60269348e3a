import io
import json
import os
import sys
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from cli.json_lines import write_json_lines
from cli.terminal_text import escaped_json
from tests.cli.running import run_command
from tests.cli.scripted_api import Reply, scripted_api
from tests.support.terminal import in_terminal

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
OBEYED = "\u009b31m\u202eevil\x1b[2J"


@given(JSON)
def test_a_line_for_a_terminal_means_the_same_and_controls_nothing(value: object) -> None:
    line = escaped_json(json.dumps(value, ensure_ascii=False))
    assert json.loads(line) == value
    assert not any(character < " " or "\x7f" <= character <= "\x9f" for character in line)
    assert not set(line) & {*"\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"}


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "ascii"])
def test_a_line_is_json_in_any_character_set(encoding: str) -> None:
    content = io.BytesIO()
    output = io.TextIOWrapper(content, encoding=encoding, errors="backslashreplace")
    write_json_lines(output, [{"text": "ä 漢 \U0001f600"}, {"half": "\ud800"}])
    lines = content.getvalue().decode(encoding).splitlines()
    assert [json.loads(line) for line in lines] == [{"text": "ä 漢 \U0001f600"}, {"half": "\ud800"}]
    assert ("漢" in lines[0]) == (encoding == "utf-8")


LETTER = {"id": "0-1", "headers": {}, "key": OBEYED}


@pytest.mark.parametrize(
    ("arguments", "answer"),
    [
        (("tasks", "0"), {"tasks": [{"task_id": "0", "status": "completed", "result": OBEYED}]}),
        (("tasks",), {"tasks": [{"task_id": "0", "status": "completed", "result": OBEYED}], "next": None}),
        (("cancel", "01a2058f-a149-70d4-86bf-f76ece198e15"), {"task_id": "0", "status": "cancelled", "model": OBEYED}),
        (("retry", "0"), {"tasks": [{"task_id": "0", "status": "started", "more": OBEYED}]}),
        (("workers",), {"workers": [{"state": "working", "host": OBEYED}]}),
        (("dead-letters", "show", "0-1"), LETTER),
        (("dead-letters", "list"), {"dead_letters": [LETTER], "scanned": 1, "remaining": 0, "next": None}),
        (("dead-letters", "redrive", "0-1"), {"items": [LETTER], "scanned": 1, "remaining": 0, "next": None}),
    ],
)
async def test_json_of_others_cannot_control_a_terminal_and_is_as_it_came_elsewhere(
    arguments: tuple[str, ...], answer: dict[str, object], tmp_path: Path
) -> None:
    async with scripted_api(Reply(body=answer)) as api:
        environ = {"PROMPTMILL_API_URL": api.url}
        piped = await run_command(*arguments, "--json", folder=tmp_path, environ=environ)
        argv = (sys.executable, "-m", "cli", *arguments, "--json")
        outside = {name: os.environ[name] for name in ("HOME", "PATH", "PYTHONPATH") if name in os.environ}
        async with in_terminal(argv, folder=tmp_path, environ={**outside, **environ}) as program:
            # The screen knows no character that would control it, and takes none.
            pane = await program.wait_for(r"\\u001b\[2J")
            assert await program.exit_status() == piped.status
    assert "\\u009b31m\\u202eevil\\u001b[2J" in "".join(pane)
    assert OBEYED.replace("\x1b", "\\u001b") in piped.output


async def test_what_goes_to_a_file_is_not_shown_beside_the_progress_instead(tmp_path: Path) -> None:
    answer = {"items": [LETTER], "scanned": 1, "remaining": 0, "next": None}
    outside = {name: os.environ[name] for name in ("HOME", "PATH", "PYTHONPATH") if name in os.environ}
    async with scripted_api(Reply(body=answer)) as api:
        command = ("dead-letters", "redrive", "--all", "--json", "--api", api.url)
        argv = ("sh", "-c", 'exec "$0" "$@" >letters.jsonl', sys.executable, "-m", "cli", *command)
        async with in_terminal(argv, folder=tmp_path, environ=outside) as program:
            assert await program.exit_status() == 0
    assert json.loads((tmp_path / "letters.jsonl").read_text()) == LETTER

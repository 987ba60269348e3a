import json
from pathlib import Path

from cli.stack.stack_file import Addresses, Pids, StackFile

ADDRESSES = Addresses(
    api="http://127.0.0.1:8000",
    operations=("http://127.0.0.1:20001", "http://127.0.0.1:20002"),
    kafka="127.0.0.1:9092",
    redis="redis://127.0.0.1:6379/0",
    llm="http://127.0.0.1:20003/v1",
)
PIDS = Pids(api=(1,), workers=(2, 3), kafka=(4,), redis=5, llm=None)


def test_it_has_the_documented_form(tmp_path: Path) -> None:
    StackFile(tmp_path).write(ADDRESSES, PIDS)
    assert json.loads((tmp_path / "stack.json").read_text("utf-8")) == {
        "api": "http://127.0.0.1:8000",
        "operations": ["http://127.0.0.1:20001", "http://127.0.0.1:20002"],
        "kafka": "127.0.0.1:9092",
        "redis": "redis://127.0.0.1:6379/0",
        "llm": "http://127.0.0.1:20003/v1",
        "pids": {"api": [1], "workers": [2, 3], "kafka": [4], "redis": 5, "llm": None},
    }


def test_it_is_replaced_at_one_stroke(tmp_path: Path) -> None:
    file = StackFile(tmp_path)
    file.write(ADDRESSES, PIDS)
    with file.path.open(encoding="utf-8") as before:
        file.write(ADDRESSES, Pids(api=(9,), workers=(), kafka=(4,), redis=5, llm=6))
        assert json.load(before)["pids"]["api"] == [1]
    assert json.loads(file.path.read_text("utf-8"))["pids"]["api"] == [9]
    assert [path.name for path in tmp_path.iterdir()] == ["stack.json"]


def test_it_is_gone_when_removed_and_may_be_removed_again(tmp_path: Path) -> None:
    file = StackFile(tmp_path)
    file.write(ADDRESSES, PIDS)
    file.remove()
    file.remove()
    assert not file.path.exists()

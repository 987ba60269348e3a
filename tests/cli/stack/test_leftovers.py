import signal
import subprocess
import sys
from pathlib import Path

from cli.stack.leftovers import end_leftovers
from cli.stack.pid_file import PidFile

STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); signal.pause()"
MEEK = "import signal; print('up', flush=True); signal.pause()"


def _files(folder: Path) -> list[Path]:
    return list(folder.iterdir())


def _started(program: str) -> subprocess.Popen[bytes]:
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    return process


async def test_what_an_earlier_run_left_behind_is_ended_and_said(tmp_path: Path) -> None:
    with _started(MEEK) as process:
        PidFile.of(tmp_path, "kafka-1").write(process.pid)
        said: list[str] = []
        await end_leftovers(tmp_path, said.append)
        assert process.wait() == -signal.SIGTERM
    assert said == [f"ending kafka-1 (process {process.pid}), left behind by an earlier run"]
    assert _files(tmp_path) == []


async def test_what_does_not_end_when_asked_is_killed(tmp_path: Path) -> None:
    with _started(STUBBORN) as process:
        PidFile.of(tmp_path, "worker-1").write(process.pid)
        await end_leftovers(tmp_path, lambda _line: None, patience_seconds=0.2)
        assert process.wait() == -signal.SIGKILL


async def test_a_process_that_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    with _started(MEEK) as process:
        (tmp_path / "api.pid").write_text(f"{process.pid} 1\n", "ascii")
        said: list[str] = []
        await end_leftovers(tmp_path, said.append)
        assert process.poll() is None
        process.kill()
    assert said == []
    assert _files(tmp_path) == []


async def test_where_nothing_was_left_nothing_is_said(tmp_path: Path) -> None:
    said: list[str] = []
    await end_leftovers(tmp_path / "never made", said.append)
    assert said == []

import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from cli.stack.child import running
from cli.stack.errors import StackError
from cli.stack.model import MODEL_NAME, install_model, model_child, model_url
from tests.support.servers import free_ports


@pytest.fixture
async def model_address(tmp_path: Path) -> AsyncIterator[str]:
    async with free_ports() as ports:
        port = ports.free()
        child = model_child(await install_model(os.environ), port, os.environ, tmp_path)
        async with running([child]):
            yield model_url(port)


async def test_the_local_model_answers_chats_and_its_answers_end(model_address: str) -> None:
    question = {
        "model": MODEL_NAME,
        "messages": [{"role": "user", "content": "What is the capital of France?"}],
        "temperature": 0,
    }
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{model_address}/chat/completions", json=question) as response,
    ):
        answer = await response.json()
    assert response.status == 200
    (choice,) = answer["choices"]
    assert "Paris" in choice["message"]["content"]
    assert choice["finish_reason"] == "stop"
    assert answer["model"] == MODEL_NAME
    assert answer["usage"]["completion_tokens"] > 0


async def test_a_model_that_cannot_be_put_together_is_an_error_in_words(tmp_path: Path) -> None:
    (tmp_path / "promptmill").touch()  # where a folder should be
    with pytest.raises(StackError, match=r"the local model cannot be put together in .*Not a directory"):
        await install_model({"XDG_CACHE_HOME": str(tmp_path)})


async def test_without_its_wheels_the_error_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    with pytest.raises(StackError, match=r"pip install 'promptmill\[stack\]', or name a model with --llm-base-url"):
        await install_model({"XDG_CACHE_HOME": str(tmp_path)})

"""An API that has every answer at once, but for tasks that a test holds: for what a client does with many of them."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
from aiohttp import web

from tests.cli.loopback_site import serving


class AnsweringApi:
    """`accepted` has the texts of all prompts; a repeat under the same key is answered as the first time."""

    def __init__(self, *, answer_size: int = 10) -> None:
        self.url = ""
        self.accepted: list[str] = []
        self.held: set[str] = set()
        self.asked: list[list[str]] = []
        self.unwritten: list[int] = []
        self._answer = "a" * answer_size
        self._numbers: dict[str, int] = {}
        self._replies: dict[str, bytes] = {}

    async def submit(self, request: web.Request) -> web.Response:
        key = request.headers["Idempotency-Key"]
        if key not in self._replies:
            entries: list[dict[str, Any]] = []
            for index, prompt in enumerate((await request.json())["prompts"]):
                text = prompt if isinstance(prompt, str) else prompt["messages"][-1]["content"]
                if self.unwritten and self.unwritten[0] == index:
                    self.unwritten.pop(0)
                    error = {"message": "not written", "code": "not_written", "param": f"prompts[{index}]"}
                    entries.append({"task_id": None, "status": "failed", "error": error})
                    continue
                task_id = str(uuid.uuid4())
                self._numbers[task_id] = len(self.accepted)
                self.accepted.append(text)
                entries.append({"task_id": task_id, "status": "queued"})
            self._replies[key] = orjson.dumps({"tasks": entries})
        return web.Response(status=202, body=self._replies[key])

    async def read(self, request: web.Request) -> web.Response:
        asked = request.query["task_ids"].split(",")
        texts = [self.accepted[self._numbers[task_id]] for task_id in asked]
        self.asked.append(texts)
        tasks = [
            {"task_id": task_id, "status": "queued", "progress": 0}
            if text in self.held
            else {"task_id": task_id, "status": "completed", "progress": 100, "result": f"{text} {self._answer}"}
            for task_id, text in zip(asked, texts, strict=True)
        ]
        return web.Response(body=orjson.dumps({"tasks": tasks}))


@asynccontextmanager
async def answering_api(*, answer_size: int = 10) -> AsyncIterator[AnsweringApi]:
    """Serve it on a port of loopback."""
    api = AnsweringApi(answer_size=answer_size)
    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.router.add_post("/v1/tasks", api.submit)
    app.router.add_get("/v1/tasks", api.read)
    async with serving(web.AppRunner(app)) as api.url:
        yield api

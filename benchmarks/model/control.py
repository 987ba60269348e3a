"""What a benchmark asks of the model: a new plan, the counts, and to be told when so many answers were given."""

import asyncio
from urllib.parse import parse_qsl, urlsplit

from benchmarks.model.answers import json_answer
from benchmarks.model.protocol import ModelConnection, Plan
from benchmarks.model.tally import Tally


class ModelControl:
    """Answers requests under `/control/`."""

    def __init__(self, plan: Plan, tally: Tally) -> None:
        self._plan = plan
        self._tally = tally

    def __call__(self, request: bytes, connection: ModelConnection) -> None:
        """Serve one request."""
        target = urlsplit(request.split(b" ", 2)[1].decode("ascii"))
        query = dict(parse_qsl(target.query))
        match target.path:
            case "/control/plan":
                self._plan.latency = float(query["latency"])
                self._plan.jitter = float(query["jitter"])
                self._plan.stamped = query["stamped"] == "1"
                self._tally.reset(keep_instants=query["keep_instants"] == "1")
                connection.write(json_answer({}))
            case "/control/reached":
                reached = self._tally.reached(int(query["answers"]))
                reached.add_done_callback(lambda done: self._report(done, connection))
            case "/control/instants":
                connection.write(json_answer(list(self._tally.instants.items())))
            case "/control/left":
                connection.write(json_answer(list(self._tally.left.items())))
            case other:
                connection.refuse(f"there is no {other}")

    def _report(self, reached: asyncio.Future[None], connection: ModelConnection) -> None:
        if not reached.cancelled():
            connection.write(json_answer(self._tally.report()))

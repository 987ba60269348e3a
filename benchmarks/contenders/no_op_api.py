"""`python -m benchmarks.contenders.no_op_api PORT`: our API's server around a route that does nothing."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Response
from prometheus_client import CollectorRegistry

from common.settings import LogSettings
from common.telemetry.logging import configure_logging
from producer_api.boundary import RequestBoundary
from producer_api.budget import Budget
from producer_api.metrics import Metrics
from producer_api.serving import event_loop_factory, serving_api

_ANSWER = b'{"tasks":[]}'


async def serve(port: int) -> None:
    """Serve until SIGTERM."""
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    async with serving_api(_app(), host="127.0.0.1", port=port):
        await stopping.wait()


def _app() -> FastAPI:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield

    async def taken() -> Response:
        return Response(_ANSWER, 202, media_type="application/json")

    async def nothing() -> Response:
        return Response(_ANSWER, 200, media_type="application/json")

    app = FastAPI(lifespan=lifespan)
    metrics = Metrics(CollectorRegistry(), Budget(max_bytes=1, max_records=1), connected=lambda: True)
    app.add_middleware(RequestBoundary, metrics=metrics)
    app.add_api_route("/nothing", taken, methods=["POST"], status_code=202)
    app.add_api_route("/nothing", nothing, methods=["GET"])
    return app


if __name__ == "__main__":
    # As the API has it: a line for each request is not part of what is compared.
    configure_logging(LogSettings(), "no-op-api")
    with asyncio.Runner(loop_factory=event_loop_factory()) as runner:
        runner.run(serve(int(sys.argv[1])))

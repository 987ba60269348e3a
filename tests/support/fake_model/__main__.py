"""`python -m tests.support.fake_model --port 0`: one JSON line with the URL, then serve until SIGTERM."""

import argparse
import asyncio
import signal

import orjson
import uvloop

from tests.support.fake_model.behaviour import Behaviour
from tests.support.fake_model.serving import LOG_LIMIT, listening


async def serve(behaviour: Behaviour, *, host: str, port: int, log_limit: int) -> None:
    """Serve until SIGTERM or SIGINT."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    async with listening(behaviour, host=host, port=port, log_limit=log_limit) as url:
        print(orjson.dumps({"url": url, "base_url": f"{url}/v1"}).decode(), flush=True)  # noqa: T201  its output
        await ended.wait()


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="fake_model", description="A fake OpenAI-compatible model.")
    parser.add_argument("--host", default="127.0.0.1", help="in a container, where loopback is its own: 0.0.0.0")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--latency", type=float, default=0.0, metavar="SECONDS", help="of every answer")
    parser.add_argument("--jitter", type=float, default=0.0, metavar="SECONDS", help="latency varies by so much")
    parser.add_argument("--seed", type=int, default=0, help="of jitter and random errors")
    parser.add_argument("--error-rate", type=float, default=0.0, metavar="SHARE", help="of calls answered by a 500")
    parser.add_argument("--log-limit", type=int, default=LOG_LIMIT, metavar="CALLS", help="kept whole in the log")
    given = parser.parse_args()
    behaviour = Behaviour(
        latency_seconds=given.latency, jitter_seconds=given.jitter, seed=given.seed, error_rate=given.error_rate
    )
    uvloop.run(serve(behaviour, host=given.host, port=given.port, log_limit=given.log_limit))


if __name__ == "__main__":
    main()

"""What each contender is and promises, in words that stand beside its figures."""

from collections.abc import Mapping
from types import MappingProxyType

NOTES: Mapping[str, str] = MappingProxyType(
    {
        "naked loop, default transport": "`asyncio.Queue` and `create()`; no broker, no store: a crash loses all",
        "naked loop, aiohttp transport": "the same on the SDK's aiohttp transport",
        "our model client alone": "the call as our worker makes it, with nothing around it",
        "bare calls": "floor: a bare protocol that sends made-up bytes and looks at nothing",
        "taskiq-aio-kafka": "at most once: offsets are committed by time, whatever became of the task; keeps no result",
        "FastStream, Kafka": "at most once: offsets are committed when a record is taken; keeps no result",
        "Pyrallel Consumer": "at least once: contiguous commits after the call; keeps no result; on a newer Python",
        "SAQ": "at most once by default (one try); Redis alone; result kept 10 min",
        "arq": "at least once; Redis alone; result kept 1 h",
        "a route that does nothing": "floor: our server and middleware, the body not even parsed",
        "aiokafka alone": "floor: the same records by `send` and one gather; no HTTP, no ids, no store",
        "the store's reads alone": "floor: the same reads, without HTTP and JSON",
        "a GET each second": "the same clients, asking again each second over 16 connections",
        "one record through aiokafka alone": "floor: producer to consumer, one record at a time, no batching",
    }
)
OURS = (
    "every promise on: claim under a lease, fenced finish, result in Redis and Kafka, contiguous commit; "
    "no planned change repeats a call, a crash repeats at most those in flight"
)

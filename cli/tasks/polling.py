"""Which tasks to ask for next, and when: the cost of following does not grow with the backlog; pure."""

from collections.abc import Sequence

IDS_PER_QUERY = 100

# Queries of one round: half for the oldest tasks, which finish first, half for a look at all others in turn.
_QUERIES_PER_ROUND = 10
_OLDEST = IDS_PER_QUERY * _QUERIES_PER_ROUND // 2

_FEW = 20
_PAUSE_FOR_FEW_SECONDS = 0.25
_PAUSE_SECONDS = 0.5


def queries(unfinished: Sequence[str], round_number: int) -> list[list[str]]:
    """The ids of each query of one round, all different; `unfinished` is in the order of submission."""
    asked = list(unfinished)
    if len(asked) > IDS_PER_QUERY * _QUERIES_PER_ROUND:
        others = asked[_OLDEST:]
        begin = round_number * _OLDEST % len(others)
        asked = asked[:_OLDEST] + (others + others)[begin : begin + _OLDEST]
    return [asked[begin : begin + IDS_PER_QUERY] for begin in range(0, len(asked), IDS_PER_QUERY)]


def pause_seconds(asked: int, finished: int) -> float:
    """The wait after a round that asked for so many tasks, of which so many had become final."""
    if asked > _FEW and 2 * finished >= asked:
        return 0.0
    return _PAUSE_FOR_FEW_SECONDS if asked <= _FEW else _PAUSE_SECONDS

from collections.abc import Awaitable, Callable

from benchmarks.rounds import interleaved


async def test_contenders_take_turns_and_each_begins_once() -> None:
    order: list[str] = []

    def measures(name: str) -> Callable[[], Awaitable[int]]:
        async def measure() -> int:
            order.append(name)
            return len(order)

        return measure

    told: list[tuple[int, str, int]] = []
    measured = await interleaved(
        {name: measures(name) for name in "abc"}, 3, lambda number, name, value: told.append((number, name, value))
    )

    assert "".join(order) == "abcbcacab"
    assert measured == {"a": [1, 6, 8], "b": [2, 4, 9], "c": [3, 5, 7]}
    assert told[0] == (0, "a", 1)
    assert len(told) == 9

"""Modules of the page that only compute, called in a real browser."""

from typing import Any

import pytest
from playwright.async_api import Page

from producer_api.dashboard.files import read_dashboard
from tests.browser.conftest import Visiting
from tests.browser.product import Product

CALL = "([url, name, given]) => import(url).then((module) => module[name](...given))"
PATHS = read_dashboard().by_path


@pytest.fixture
async def page(product_api: Product, visit: Visiting) -> Page:
    return await (await visit(product_api.api)).open("#/nowhere")


async def call(page: Page, module: str, name: str, *given: Any) -> Any:
    assert module in PATHS
    url = f"/dashboard/{read_dashboard().version}/{module}"
    return await page.evaluate(CALL, [url, name, list(given)])


async def test_axes_have_round_numbers_that_hold_the_largest_value(page: Page) -> None:
    for most, options, expected in (
        (0, {}, [0, 0.5, 1]),
        (10, {}, [0, 5, 10]),
        (7, {"whole": True}, [0, 5, 10]),
        (1, {"whole": True}, [0, 1]),
        (0.3, {}, [0, 0.1, 0.2, 0.3]),
        (1234, {}, [0, 500, 1000, 1500]),
    ):
        assert await call(page, "charts/scale.js", "ticks", most, options) == expected, most


async def test_minutes_are_named_on_round_times_as_many_as_there_is_room_for(page: Page) -> None:
    times = [60 * minute for minute in range(100, 160)]
    wide = await call(page, "charts/scale.js", "timeTicks", times, 600)
    assert [tick["at"] // 60 for tick in wide] == [100, 110, 120, 130, 140, 150]
    narrow = await call(page, "charts/scale.js", "timeTicks", times, 150)
    assert [tick["at"] // 60 for tick in narrow] == [120, 150]
    assert [tick["index"] for tick in narrow] == [20, 50]


async def test_bars_stand_on_each_other_and_lines_have_gaps(page: Page) -> None:
    points = [{"values": {"a": 2, "b": 3}}, {"values": {"a": 0, "b": 1}}, {"values": {}}]
    assert await call(page, "charts/shapes.js", "stacks", points, ["a", "b"]) == [
        [{"key": "a", "from": 0, "to": 2}, {"key": "b", "from": 2, "to": 5}],
        [{"key": "b", "from": 0, "to": 1}],
        [],
    ]
    highest = await call(page, "charts/shapes.js", "highest", points, {"stacked": ["a", "b"], "lines": []})
    assert highest == 5
    path = await page.evaluate(
        "([url, points]) => import(url).then(({ linePath }) => linePath(points, 'y', (x) => x, (y) => y))",
        [
            f"/dashboard/{read_dashboard().version}/charts/shapes.js",
            [{"values": {"y": y}} for y in (1, 2, None, 4)],
        ],
    )
    assert path == "M0 1h0L1 2M3 4h0"


async def test_kinds_of_errors_are_the_most_frequent_and_the_others_together(page: Page) -> None:
    def minute(calls: dict[str, int]) -> dict[str, Any]:
        times = {"p50": None, "p90": None, "p99": None}
        shared = {"at": 0, "accepted": 0, "tasks": {}, "tokens": {}, "call_seconds": times, "wait_seconds": times}
        return {**shared, "calls": calls}

    few = await call(page, "views/overview_data.js", "chartData", [minute({"answered": 9, "timeout": 1})])
    assert few["errorSeries"] == [{"key": "error_timeout", "label": "timeout", "look": "bad"}]
    [point] = few["points"]
    assert (point["isOpen"], point["values"]["error_timeout"]) == (True, 1)
    many = await call(
        page, "views/overview_data.js", "chartData", [minute({name: 9 - index for index, name in enumerate("abcdefg")})]
    )
    assert [series["label"] for series in many["errorSeries"]] == ["a", "b", "c", "d", "others"]
    assert many["points"][0]["values"]["error_others"] == 5 + 4 + 3


async def test_an_operator_is_warned_of_workers_that_do_not_work(page: Page) -> None:
    nobody = {"working": 0, "hindered": 0, "silent": 0, "braked": 0}
    for changes, amount in (({}, 1), ({"working": 2}, 0), ({"working": 1, "silent": 1, "hindered": 1, "braked": 1}, 3)):
        texts = await call(page, "views/overview_data.js", "warningsOf", {**nobody, **changes})
        assert len(texts) == amount, texts


async def test_dead_letters_are_grouped_by_code_and_reason(page: Page) -> None:
    letters = [
        {"error_code": code, "reason": reason, "failed_at": at}
        for code, reason, at in (("a", "x", 3), ("a", "y", 4), ("a", "x", 1), (None, None, 2))
    ]
    groups = await call(page, "views/dead_letters_data.js", "groupsOf", letters)
    assert [
        (group["errorCode"], group["reason"], group["count"], group["first"], group["last"]) for group in groups
    ] == [
        ("a", "x", 2, 1, 3),
        ("a", "y", 1, 4, 4),
        (None, None, 1, 2, 2),
    ]


async def test_a_letter_is_marked_by_what_became_of_its_task(page: Page) -> None:
    module = "views/dead_letters_data.js"
    letter = {"id": "0-1", "task_id": "a", "run": 1, "now": {"run": 1, "status": "failed"}}
    again = {"id": "0-2", "task_id": "a", "run": 2, "now": {"run": 2, "status": "failed"}}
    latest = {"id": "0-2", "run": 2}
    for one, last, fate, expected in (
        (letter, {"id": "0-1", "run": 1}, None, None),
        (letter, latest, {"status": "started", "run": 2}, {"text": "run 2 died too:", "letter": "0-2"}),
        (again, latest, None, None),
        (again, latest, {"status": "again", "run": 3}, {"text": "redriven as run 3", "letter": None}),
        (letter, None, {"status": "moved", "run": 4}, {"text": "in run 4 by now", "letter": None}),
        (letter, None, {"status": "moved", "run": 1}, {"text": "under way", "letter": None}),
        (letter, None, {"status": "missing", "run": None}, {"text": "its original is gone", "letter": None}),
        ({**letter, "now": None}, None, None, None),
        ({**letter, "now": {"run": 2, "status": "expired"}}, None, None, {"text": "run 2 expired", "letter": None}),
        (
            {**letter, "now": {"run": 2, "status": "queued"}},
            None,
            None,
            {"text": "redriven as run 2", "letter": None},
        ),
        ({**letter, "run": None, "now": {"run": 2, "status": "queued"}}, None, None, None),
    ):
        assert await call(page, module, "markOf", one, last, fate) == expected
    found = await page.evaluate(
        "([url, given]) => import(url).then(({ latestOf }) => [...latestOf(given)])",
        [f"/dashboard/{read_dashboard().version}/{module}", [again, letter, {**letter, "task_id": None}]],
    )
    assert found == [["a", latest]]


async def test_the_lag_of_a_worker_is_what_is_known_of_its_partitions(page: Page) -> None:
    for lags, expected in (([], 0), ([1, 2], 3), ([None, 2], 2), ([None, None], None)):
        worker = {"partitions": [{"lag": lag} for lag in lags]}
        assert await call(page, "views/workers_data.js", "lagOf", worker) == expected


async def test_what_a_redrive_came_to_is_said_in_words(page: Page) -> None:
    counts = await call(page, "fates.js", "withFates", {"started": 1}, [{"status": "started"}, {"status": "missing"}])
    assert counts == {"started": 2, "missing": 1}
    words = await call(page, "fates.js", "fateWords", counts)
    assert words == "2 letters queued to run again, 1 letter whose original is gone"
    assert await call(page, "fates.js", "fateWords", {}) == "no letter"


@pytest.mark.parametrize(
    "text",
    [
        "9007199254740993",
        "[9223372036854775807,-9007199254740993,18446744073709551615]",
        '{"a":1.0,"b":[1e5,-0,0.1,0.10,1E-9,12345678901234567890.5],"c":1}',
        r'{"a \" 1.0":"9007199254740993","b":"\\","c":9007199254740993,"d":"\\\"1.0"}',
        '{"__proto__":{"a":1.0},"constructor":1.0}',
        '"1.0"',
        "null",
    ],
)
async def test_json_keeps_the_text_of_its_numbers(page: Page, text: str) -> None:
    url = f"/dashboard/{read_dashboard().version}/exact_json.js"
    kept = "([url, text]) => import(url).then(({ parseExactly, writeExactly }) => writeExactly(parseExactly(text)))"
    assert await page.evaluate(kept, [url, text]) == text


async def test_numbers_are_exact_in_the_fields_that_are_named_and_plain_in_others(page: Page) -> None:
    url = f"/dashboard/{read_dashboard().version}/exact_json.js"
    text = '{"at":1790000000.0,"records":[{"at":2.0,"value":{"at":3.0}}],"value":4.0}'
    shown = """([url, text]) => import(url).then(({ parseExactly }) => {
      const { at, records: [record], value } = parseExactly(text, ["value"]);
      return [at, record.at, `${record.value.at}`, `${value}`];
    })"""
    assert await page.evaluate(shown, [url, text]) == [1_790_000_000, 2, "3.0", "4.0"]

"""Everything that can be wrong with a submission: a 4xx in OpenAI's shape that says what to do and repeats nothing."""

import asyncio
import io
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest

from common.task import Lane
from producer_api.batch import MAX_PROMPT_LEVELS
from tests.producer_api.conftest import (
    BODY_TIMEOUT_SECONDS,
    DEADLINE_SECONDS,
    MAX_PROMPT_BYTES,
    MAX_PROMPTS,
    MAX_REQUEST_BYTES,
    Service,
)
from tests.support.api import Answer, Api
from tests.support.kafka_view import KafkaView
from tests.support.redis_client import Redis

HERON = "the heron stands in cold water"
GOOD = {"messages": [{"role": "user", "content": HERON}]}
JSON = {"content-type": "application/json"}


@dataclass(frozen=True, slots=True)
class Bad:
    """A request and what its error says."""

    body: Any
    param: str | None
    code: str
    says: str = ""
    status: int = 400
    headers: dict[str, str] = field(default_factory=lambda: dict(JSON))

    def as_bytes(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else orjson.dumps(self.body)


def prompts(*entries: Any, **fields: Any) -> dict[str, Any]:
    return {"prompts": list(entries), **fields}


def message(**fields: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": HERON, **fields}]}


def raw(text: str) -> bytes:
    return text.replace("HERON", HERON).encode()


def nested(levels: int) -> bytes:
    return raw('{"prompts":[{"messages":[{"role":"user","content":"HERON"}],"x":' + "[" * levels + "]" * levels + "}]}")


MISSING, TYPE, VALUE = "missing_required_parameter", "invalid_type", "invalid_value"
UNKNOWN, LIMIT, NOT_JSON = "unknown_parameter", "limit_exceeded", "invalid_json"

CASES = {
    # The body is no JSON.
    "empty": Bad(b"", None, NOT_JSON, "not valid JSON"),
    "not-json": Bad(raw("HERON"), None, NOT_JSON),
    "cut-off": Bad(raw('{"prompts":["HERON"'), None, NOT_JSON, "line 1"),
    "nan": Bad(raw('{"prompts":["HERON"],"deadline_seconds":NaN}'), None, NOT_JSON),
    "infinity": Bad(raw('{"prompts":["HERON"],"deadline_seconds":Infinity}'), None, NOT_JSON),
    "too-large-a-number": Bad(raw('{"prompts":["HERON"],"deadline_seconds":1e999}'), None, NOT_JSON),
    "lone-surrogate": Bad(raw('{"prompts":["HERON \\ud800"]}'), None, NOT_JSON),
    "not-utf-8": Bad(b'{"prompts":["' + HERON.encode() + b'\xff"]}', None, NOT_JSON),
    "control-character": Bad(raw('{"prompts":["HERON\x00"]}'), None, NOT_JSON),
    "trailing-comma": Bad(raw('{"prompts":["HERON",]}'), None, NOT_JSON),
    "two-values": Bad(raw('{"prompts":["HERON"]} {}'), None, NOT_JSON),
    "byte-order-mark": Bad("\ufeff{}".encode(), None, NOT_JSON),
    "integer-past-64-bits": Bad(
        raw('{"prompts":[{"messages":[{"role":"user","content":"HERON"}],"seed":18446744073709551616}]}'),
        None,
        VALUE,
        "send larger ones as text",
    ),
    "integer-of-300-digits": Bad(raw('{"prompts":["HERON"],"x":' + "9" * 300 + "}"), None, VALUE, "64 bits"),
    "nested-past-parsing": Bad(nested(2_000), None, NOT_JSON),
    # The body is no submission.
    "a-list": Bad([HERON], None, TYPE, "JSON object"),
    "a-text": Bad(HERON, None, TYPE, "JSON object"),
    "null": Bad(None, None, TYPE, "JSON object"),
    "no-prompts": Bad({}, "prompts", MISSING, "missing"),
    "prompts-empty": Bad(prompts(), "prompts", VALUE, "at least one"),
    "prompts-null": Bad({"prompts": None}, "prompts", TYPE, "list"),
    "prompts-a-text": Bad({"prompts": HERON}, "prompts", TYPE, "list"),
    "prompts-an-object": Bad({"prompts": {"0": HERON}}, "prompts", TYPE, "list"),
    "prompt-instead-of-prompts": Bad({"prompt": HERON}, "prompts", MISSING),
    "unknown-field": Bad(prompts(HERON, temperature=1), None, UNKNOWN, "inside a prompt object"),
    "unknown-field-that-is-near": Bad(prompts(HERON, deadline_second=1), None, UNKNOWN, "mean `deadline_seconds`?"),
    "unknown-field-that-is-long": Bad(prompts(HERON, **{"prompts" * 30_000: 1}), None, UNKNOWN),
    "unknown-field-that-is-content": Bad(prompts(HERON, **{f"{HERON} in it": 1}), None, UNKNOWN),
    "model-a-number": Bad(prompts(HERON, model=1), "model", TYPE),
    "model-empty": Bad(prompts(HERON, model=""), "model", VALUE),
    "model-too-long": Bad(prompts(HERON, model="m" * 201), "model", VALUE, "200"),
    "lane-unknown": Bad(prompts(HERON, lane="fast"), "lane", VALUE, "interactive"),
    "deadline-zero": Bad(prompts(HERON, deadline_seconds=0), "deadline_seconds", VALUE, "equal to 1"),
    "deadline-below-a-second": Bad(prompts(HERON, deadline_seconds=0.999), "deadline_seconds", VALUE, "equal to 1"),
    "deadline-negative": Bad(prompts(HERON, deadline_seconds=-1), "deadline_seconds", VALUE),
    "deadline-a-text": Bad(prompts(HERON, deadline_seconds="60"), "deadline_seconds", TYPE, "number"),
    "deadline-true": Bad(prompts(HERON, deadline_seconds=True), "deadline_seconds", TYPE),
    "deadline-too-long": Bad(
        prompts(HERON, deadline_seconds=DEADLINE_SECONDS + 1),
        "deadline_seconds",
        LIMIT,
        f"at most {DEADLINE_SECONDS:g}. The limit is PROMPTMILL_TASKS__DEADLINE_SECONDS",
    ),
    "stream-a-text": Bad(prompts(HERON, stream="yes"), "stream", TYPE),
    "too-many-prompts": Bad(
        prompts(*[HERON] * (MAX_PROMPTS + 1)),
        "prompts",
        LIMIT,
        f"at most {MAX_PROMPTS} are allowed. The limit is PROMPTMILL_API__MAX_PROMPTS_PER_REQUEST",
    ),
    # A prompt is none.
    "prompt-empty": Bad(prompts(HERON, ""), "prompts[1]", VALUE, "empty"),
    "prompt-blank": Bad(prompts(" \n\t"), "prompts[0]", VALUE, "empty"),
    "prompt-null": Bad(prompts(HERON, None), "prompts[1]", TYPE),
    "prompt-a-number": Bad(prompts(7), "prompts[0]", TYPE),
    "prompt-a-list": Bad(prompts([GOOD]), "prompts[0]", TYPE),
    "no-messages": Bad(prompts(GOOD, {"model": "m", "prompt": HERON}), "prompts[1].messages", MISSING),
    "messages-null": Bad(prompts({"messages": None}), "prompts[0].messages", MISSING),
    "messages-empty": Bad(prompts({"messages": []}), "prompts[0].messages", VALUE),
    "messages-a-text": Bad(prompts({"messages": HERON}), "prompts[0].messages", TYPE),
    "messages-an-object": Bad(prompts({"messages": GOOD["messages"][0]}), "prompts[0].messages", TYPE),
    "message-a-text": Bad(prompts({"messages": [*GOOD["messages"], HERON]}), "prompts[0].messages[1]", TYPE),
    "no-role": Bad(prompts({"messages": [{"content": HERON}]}), "prompts[0].messages[0].role", MISSING),
    "role-a-number": Bad(prompts(message(role=1)), "prompts[0].messages[0].role", TYPE),
    "role-empty": Bad(prompts(message(role="")), "prompts[0].messages[0].role", TYPE),
    "prompt-model-a-number": Bad(prompts({**GOOD, "model": 7}), "prompts[0].model", TYPE),
    "prompt-model-empty": Bad(prompts({**GOOD, "model": ""}), "prompts[0].model", VALUE),
    "prompt-stream-zero": Bad(prompts({**GOOD, "stream": 0}), "prompts[0].stream", TYPE),
    "prompt-stream-a-list": Bad(prompts({**GOOD, "stream": []}), "prompts[0].stream", TYPE),
    "prompt-stream-a-text": Bad(prompts({**GOOD, "stream": "true"}), "prompts[0].stream", TYPE),
    "metadata-a-list": Bad(prompts({**GOOD, "metadata": [HERON]}), "prompts[0].metadata", TYPE),
    "metadata-a-number": Bad(prompts({**GOOD, "metadata": {HERON: 1}}), "prompts[0].metadata", TYPE, "texts"),
    "metadata-nested": Bad(prompts({**GOOD, "metadata": {"a": {"b": HERON}}}), "prompts[0].metadata", TYPE),
    "metadata-many": Bad(
        prompts({**GOOD, "metadata": {str(number): HERON for number in range(17)}}), "prompts[0].metadata", LIMIT, "16"
    ),
    "metadata-key-long": Bad(prompts({**GOOD, "metadata": {"k" * 65: ""}}), "prompts[0].metadata", LIMIT, "64"),
    "metadata-key-empty": Bad(prompts({**GOOD, "metadata": {"": HERON}}), "prompts[0].metadata", LIMIT),
    "metadata-value-long": Bad(prompts({**GOOD, "metadata": {"k": "v" * 513}}), "prompts[0].metadata", LIMIT, "512"),
    "nested-past-writing": Bad(nested(MAX_PROMPT_LEVELS), "prompts[0]", VALUE, "flatten it to 253 levels"),
    "prompt-too-large": Bad(
        prompts(HERON, HERON * 1_000),
        "prompts[1]",
        LIMIT,
        f"at most {MAX_PROMPT_BYTES} are allowed. The limit is PROMPTMILL_API__MAX_PROMPT_BYTES",
    ),
    # The request is not what it must be around its body.
    "body-too-large": Bad(
        prompts(HERON * 40_000),
        None,
        LIMIT,
        f"at most {MAX_REQUEST_BYTES} are allowed. The limit is PROMPTMILL_API__MAX_REQUEST_BYTES",
        status=413,
    ),
    "form": Bad(
        raw("prompts=HERON"),
        None,
        "unsupported_media_type",
        "Content-Type: application/json",
        status=415,
        headers={"content-type": "application/x-www-form-urlencoded"},
    ),
    "plain": Bad(prompts(HERON), None, "unsupported_media_type", status=415, headers={"content-type": "text/plain"}),
    "compressed": Bad(
        prompts(HERON),
        None,
        "unsupported_content_encoding",
        "without Content-Encoding",
        status=415,
        headers={**JSON, "content-encoding": "gzip"},
    ),
}


@pytest.mark.parametrize("bad", CASES.values(), ids=CASES)
async def test_a_bad_submission_is_refused_with_what_to_do(service: Service, bad: Bad) -> None:
    answer = await service.api.ask("POST", "/v1/tasks", data=io.BytesIO(bad.as_bytes()), headers=bad.headers)
    check(answer, bad)
    assert HERON not in orjson.dumps(answer.body).decode()
    assert HERON not in service.process.log()


def check(answer: Answer, bad: Bad) -> None:
    assert answer.status == bad.status, answer
    assert set(answer.body) == {"error"}
    error = answer.body["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert (error["type"], error["param"], error["code"]) == ("invalid_request_error", bad.param, bad.code), error
    assert bad.says in error["message"]
    assert error["message"].endswith(".")


@pytest.mark.parametrize("kind", ["lists", "objects"])
async def test_a_prompt_as_deep_as_is_said_is_taken(api: Api, kind: str) -> None:
    body = nested(MAX_PROMPT_LEVELS - 1)
    if kind == "objects":
        body = body.replace(b'"x":' + b"[" * 252 + b"]" * 252, b'"x":' + b'{"a":' * 251 + b"{}" + b"}" * 251)
    answer = await api.ask("POST", "/v1/tasks", data=body, headers=JSON)
    assert answer.status == 202, answer


async def test_an_unknown_field_that_may_be_a_prompt_is_not_repeated(service: Service) -> None:
    answer = await service.api.try_submit(["x"], **{"egret-by-the-weir": 1})
    assert (answer.status, answer.body["error"]["param"]) == (400, None)
    assert "egret" not in orjson.dumps(answer.body).decode()


@pytest.mark.parametrize(
    ("method", "path", "known"),
    [
        ("GET", "/v1/tasks?task_ids=a&egret=30", "`after`, `lane`"),
        ("GET", "/v1/tasks?egret", "`after`, `lane`"),
        ("GET", "/v1/tasks?ids=x", "`after`, `lane`"),
        ("POST", "/v1/tasks?egret=1", "none"),
        ("GET", "/v1/tasks/a?egret=1", "`wait`"),
        ("DELETE", "/v1/tasks/a?egret=1", "none"),
        ("POST", "/v1/tasks/a/cancel?egret=1", "none"),
        ("GET", "/v1/operator/dead-letters?egret=1", "`after`, `error_code`"),
        ("GET", "/v1/operator/dead-letters/0-1?egret=1", "none"),
        ("POST", "/v1/operator/dead-letters/redrive?egret=1", "none"),
    ],
)
async def test_a_query_parameter_that_is_not_known_is_refused(
    service: Service, method: str, path: str, known: str
) -> None:
    answer = await service.api.ask(method, path)
    error = answer.body["error"]
    assert (answer.status, error["code"], error["param"]) == (400, "unknown_parameter", None)
    assert f"Those that are: {known}" in error["message"]
    assert "egret" not in error["message"]


async def test_one_bad_prompt_refuses_the_whole_request_and_nothing_is_written(
    service: Service, kafka_view: KafkaView, redis: Redis
) -> None:
    def records_of(lane: Lane) -> str:
        return kafka_view.topics.tasks(lane)

    before = [len(await kafka_view.records(records_of(lane))) for lane in Lane]
    keys = await redis.keys(f"{service.redis.key_prefix}*")
    answer = await service.api.try_submit([*["fine"] * 50, ""])
    assert (answer.status, answer.body["error"]["param"]) == (400, "prompts[50]")
    assert [len(await kafka_view.records(records_of(lane))) for lane in Lane] == before
    assert await redis.keys(f"{service.redis.key_prefix}*") == keys


async def test_a_missing_content_type_is_refused(api: Api) -> None:
    headers = {**JSON}
    del headers["content-type"]
    answer = await api.ask(
        "POST", "/v1/tasks", data=b'{"prompts":["a"]}', headers=headers, skip_auto_headers=["content-type"]
    )
    assert (answer.status, answer.body["error"]["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "Application/JSON", "application/json;"])
async def test_json_is_known_however_it_is_announced(api: Api, kind: str) -> None:
    answer = await api.ask("POST", "/v1/tasks", data=b'{"prompts":["a"]}', headers={"content-type": kind})
    assert answer.status == 202, answer


async def test_a_body_of_unknown_length_is_bounded_too(api: Api) -> None:
    async def chunks() -> Any:
        yield b'{"prompts":["'
        for _ in range(MAX_REQUEST_BYTES // 10_000 + 1):
            yield b"x" * 10_000
        yield b'"]}'

    answer = await api.ask("POST", "/v1/tasks", data=chunks(), headers=JSON)
    assert (answer.status, answer.body["error"]["code"]) == (413, "limit_exceeded")
    assert "PROMPTMILL_API__MAX_REQUEST_BYTES" in answer.body["error"]["message"]


async def test_a_body_that_does_not_arrive_is_not_waited_for(api: Api) -> None:
    host, port = api.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(
        b"POST /v1/tasks HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"
    )
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 ")
    error = orjson.loads(await reader.read())["error"]
    writer.close()
    await writer.wait_closed()
    assert error["code"] == "request_timeout"
    assert f"longer than {BODY_TIMEOUT_SECONDS:g} seconds" in error["message"]
    assert "PROMPTMILL_API__BODY_TIMEOUT_SECONDS" in error["message"]

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from functools import partial
from random import Random
from typing import Any

import orjson
from pydantic import ValidationError

from tests.support.fake_model import answers, control, prompts
from tests.support.fake_model.behaviour import Behaviour, Fault
from tests.support.fake_model.call_log import CallLog, LoggedCall, Outcome
from tests.support.fake_model.connection import Connection, Exchange, Request
from tests.support.fake_model.gate import Gate

MODEL = "fake-model"
_WRONG_BODIES: dict[Fault | None, bytes] = {
    Fault.GARBAGE: b"<html><body>502 Bad Gateway</body></html>",
    Fault.UNREADABLE: b'{"choices": [{"message": {"role": "assistant", "content": "\\ud83d"}}]}',
    Fault.WRONG_SHAPE: b'{"unexpected": true}',
}
_PROMPT_OF: dict[str, Callable[[dict[str, Any]], str]] = {
    "/v1/chat/completions": prompts.of_chat,
    "/v1/responses": prompts.of_response,
    "/v1/embeddings": prompts.of_embeddings,
}


class FakeModelServer:
    """The fake model behind its HTTP face: every call is logged, then treated as the behaviour has it.

    Args:
        behaviour: What calls get at first; the control API replaces it.
        log_limit: How many calls the log keeps whole.
        now: The clock, in Unix seconds.
    """

    def __init__(self, behaviour: Behaviour, *, log_limit: int, now: Callable[[], float]) -> None:
        self.gate = Gate()
        self.log = CallLog(limit=log_limit, now=now)
        self.connections: set[Connection] = set()
        self._now = now
        self.follow(behaviour)

    def follow(self, behaviour: Behaviour) -> None:
        """Treat calls that come from now on by this behaviour."""
        self.behaviour = behaviour
        self._random = Random(behaviour.seed)
        self.gate.forget_permits()

    def release_all(self) -> None:
        """Let held and hung calls go, and hold no more."""
        self.follow(self.behaviour.model_copy(update={"hold": False}))
        self.gate.release_all()

    def connect(self) -> Connection:
        """Make the protocol of a new connection."""
        return Connection(self.handle, self.connections)

    def handle(self, request: Request, exchange: Exchange) -> Coroutine[Any, Any, None] | None:
        """Answer at once where nothing has to be waited for, else return the coroutine that answers."""
        if request.path.startswith("/_"):
            control.answer(self, request, exchange)
            return None
        if request.method == "POST" and request.path in _PROMPT_OF:
            return self._handle_call(request, exchange)
        if request.method == "GET" and request.path == "/v1/models" and self.behaviour.error_status is not None:
            code = self.behaviour.error_code or "error"
            _answer_error(exchange, self.behaviour.error_status, "as the script has it", code=code)
        elif request.method == "GET" and request.path == "/v1/models":
            model = {"id": MODEL, "object": "model", "created": 0, "owned_by": "promptmill"}
            exchange.answer_json(200, {"object": "list", "data": [model]})
        elif request.method == "GET" and request.path == "/health":
            exchange.answer_json(200, {"status": "ok"})
        else:
            _answer_error(exchange, 404, f"no {request.method} {request.path} here", code="unknown_url")
        return None

    def _handle_call(self, request: Request, exchange: Exchange) -> Coroutine[Any, Any, None] | None:
        try:
            body = orjson.loads(request.body)
            prompt = _PROMPT_OF[request.path](body)
        except (orjson.JSONDecodeError, AttributeError, TypeError):
            _answer_error(exchange, 400, "the body is not a JSON object with a prompt", code="invalid_body")
            return None
        if body.get("stream") and request.path == "/v1/embeddings":
            _answer_error(exchange, 400, f"{request.path} does not stream here", code="unsupported_value")
            return None
        earlier_calls = self.log.calls_of_prompt(prompt)
        call = self.log.begin(request, prompt, body)
        try:
            scripted = self.behaviour.for_prompt(prompt)
        except ValidationError as error:
            self.log.end(call, Outcome.ANSWERED, 400)
            _answer_error(exchange, 400, f"directive in the prompt: {error}", code="invalid_directive")
            return None
        decided = scripted.decide(earlier_calls=earlier_calls, random=self._random)
        call.failed_on_purpose = decided.fails
        if _needs_time(decided, body):
            # Not by catching the cancellation: it may come before the coroutine's first line.
            exchange.on_abandoned = partial(self.log.end, call, Outcome.CLIENT_DISCONNECTED, None)
            return self._answer_in_time(call, decided, exchange)
        self._answer(call, decided, exchange)
        return None

    async def _answer_in_time(self, call: LoggedCall, behaviour: Behaviour, exchange: Exchange) -> None:
        if behaviour.hold:
            await self.gate.wait(call.prompt)
        if behaviour.fault is Fault.HANG:
            await self.gate.wait(call.prompt, countable=False)
        if behaviour.latency_seconds:
            await _latency(behaviour.latency_seconds)
        if call.body.get("stream"):
            await self._stream(call, behaviour, exchange)
        else:
            self._answer(call, behaviour, exchange)

    def _answer(self, call: LoggedCall, behaviour: Behaviour, exchange: Exchange) -> None:
        headers = self._headers(call, behaviour)
        status = behaviour.error_status
        if behaviour.fault is Fault.RESET:
            exchange.reset()
            self.log.end(call, Outcome.BROKEN_OFF, None)
        elif status is not None:
            self.log.end(call, Outcome.ANSWERED, status)
            message = behaviour.error_message or f"the fake model was told to answer {status}"
            exchange.answer(
                status,
                answers.error(message, error_type=behaviour.error_type, code=behaviour.error_code),
                headers,
            )
        elif behaviour.fault is Fault.CUT:
            exchange.cut_answer(self._body(call, behaviour), headers)
            self.log.end(call, Outcome.BROKEN_OFF, 200)
        else:
            # Logged first: whoever has the answer finds the call ended.
            self.log.end(call, Outcome.ANSWERED, 200)
            exchange.answer(200, _WRONG_BODIES.get(behaviour.fault) or self._body(call, behaviour), headers)

    async def _stream(self, call: LoggedCall, behaviour: Behaviour, exchange: Exchange) -> None:
        well = behaviour.error_status is None and behaviour.fault in {None, Fault.HANG, Fault.CUT}
        if not well:
            self._answer(call, behaviour, exchange)
            return
        events = list(self._events(call, behaviour))
        cut_after = len(events) // 2 if behaviour.fault is Fault.CUT else None
        exchange.start_events(self._headers(call, behaviour))
        for number, event in enumerate(events[:cut_after]):
            if number == behaviour.hold_after:
                await self.gate.wait(call.prompt)
            if behaviour.chunk_latency_seconds:
                await _latency(behaviour.chunk_latency_seconds)
            exchange.send_event(event)
        if cut_after is not None:
            self.log.end(call, Outcome.BROKEN_OFF, 200)
            exchange.close()
        else:
            self.log.end(call, Outcome.ANSWERED, 200)
            exchange.end_events()

    def _events(self, call: LoggedCall, behaviour: Behaviour) -> Iterator[bytes]:
        model, text = call.body.get("model", MODEL), answers.text_for(call.prompt, behaviour.size)
        created = int(self._now())
        if call.request.path == "/v1/responses":
            return answers.response_events(
                call.sequence, created, model, call.prompt, text, function=behaviour.function
            )
        options = call.body.get("stream_options") or {}
        include_usage = bool(options.get("include_usage"))
        return answers.chat_chunks(
            call.sequence,
            created,
            model,
            call.prompt,
            text,
            include_usage=include_usage,
            function=behaviour.function,
        )

    def _body(self, call: LoggedCall, behaviour: Behaviour) -> bytes:
        model = call.body.get("model", MODEL)
        if call.request.path == "/v1/embeddings":
            return answers.embeddings(
                model,
                prompts.embedding_texts(call.body),
                dimensions=call.body.get("dimensions"),
                as_base64=call.body.get("encoding_format") == "base64",
            )
        shape = answers.response if call.request.path == "/v1/responses" else answers.chat_completion
        text = answers.text_for(call.prompt, behaviour.size)
        return shape(call.sequence, int(self._now()), model, call.prompt, text, function=behaviour.function)

    def _headers(self, call: LoggedCall, behaviour: Behaviour) -> dict[str, str]:
        return {"x-request-id": f"req_fake{call.sequence}", **behaviour.headers}


def _needs_time(behaviour: Behaviour, body: dict[str, Any]) -> bool:
    return bool(behaviour.hold or behaviour.latency_seconds or behaviour.fault is Fault.HANG or body.get("stream"))


async def _latency(seconds: float) -> None:
    await asyncio.sleep(seconds)  # noqa: TID251  taking its time is what this model is for


def _answer_error(exchange: Exchange, status: int, message: str, *, code: str) -> None:
    exchange.answer(status, answers.error(message, error_type="invalid_request_error", code=code))

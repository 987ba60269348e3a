"""What OpenAI's client gets of chat completions and embeddings; prints it as JSON. Run by tests, with a base URL."""

import json
import sys
from typing import Any

import openai
from openai import OpenAI

WORDS = " ".join(f"wörd{number}" for number in range(40))


def seen_error(client: OpenAI, content: str, **create: Any) -> dict[str, Any]:
    """The error that a prompt comes to."""
    try:
        client.chat.completions.create(model="fake-model", messages=[{"role": "user", "content": content}], **create)
    except openai.APIStatusError as error:
        return {
            "class": type(error).__name__,
            "status": error.status_code,
            "code": error.code,
            "type": error.type,
            "param": error.param,
            "request_id": bool(error.request_id),
            "task_id": error.response.headers.get("x-promptmill-task-id"),
        }
    raise AssertionError("no error")


def plain(client: OpenAI) -> dict[str, Any]:
    raw = client.chat.completions.with_raw_response.create(
        model="fake-model", messages=[{"role": "user", "content": WORDS}], metadata={"customer": "42"}
    )
    completion = raw.parse()
    # Every field that its type has is of the kind that its type says.
    type(completion).model_validate(completion.model_dump())
    return {
        "text": completion.choices[0].message.content,
        "finish_reason": completion.choices[0].finish_reason,
        "usage": completion.usage.total_tokens if completion.usage else None,
        "task_id": raw.headers.get("x-promptmill-task-id"),
    }


def streamed(client: OpenAI) -> dict[str, Any]:
    stream = client.chat.completions.create(
        model="fake-model",
        messages=[{"role": "user", "content": f"{WORDS} [[chunk-latency=0.02]]"}],
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = list(stream)
    for chunk in chunks:
        type(chunk).model_validate(chunk.model_dump())
    deltas = [choice.delta.content for chunk in chunks for choice in chunk.choices if choice.delta.content]
    return {
        "text": "".join(deltas),
        "pieces": len(deltas),
        "roles": [choice.delta.role for chunk in chunks for choice in chunk.choices if choice.delta.role],
        "finish_reasons": [c.finish_reason for chunk in chunks for c in chunk.choices if c.finish_reason],
        "usages": [chunk.usage.total_tokens for chunk in chunks if chunk.usage],
        "ids": len({chunk.id for chunk in chunks}),
        "model": chunks[0].model,
    }


def put_together(client: OpenAI) -> str | None:
    """By the client's own accumulation of a stream."""
    with client.chat.completions.stream(
        model="fake-model", messages=[{"role": "user", "content": "put together"}]
    ) as stream:
        return stream.get_final_completion().choices[0].message.content


def embeddings(client: OpenAI) -> dict[str, Any]:
    answer = client.embeddings.create(model="fake-model", input=["a river", "a lake"], dimensions=4)
    type(answer).model_validate(answer.model_dump())
    floats = client.embeddings.create(model="fake-model", input=["a river"], dimensions=4, encoding_format="float")
    return {
        "sizes": [len(one.embedding) for one in answer.data],
        "alike": answer.data[0].embedding == floats.data[0].embedding,
        "tokens": answer.usage.total_tokens,
    }


def models(client: OpenAI) -> dict[str, Any]:
    listed = list(client.models.list())
    for model in listed:
        type(model).model_validate(model.model_dump())
    missing = None
    try:
        client.models.retrieve("no/such")
    except openai.NotFoundError as error:
        missing = error.code
    return {
        "names": [model.id for model in listed],
        "one": client.models.retrieve("fake-model").id,
        "missing": missing,
    }


def streamed_error(client: OpenAI, content: str) -> dict[str, Any]:
    try:
        list(
            client.chat.completions.create(
                model="fake-model", messages=[{"role": "user", "content": content}], stream=True
            )
        )
    except openai.APIStatusError as error:
        return {"class": type(error).__name__, "code": error.code}
    raise AssertionError("no error")


def main(base_url: str) -> None:
    client = OpenAI(base_url=base_url, api_key="any")
    seen = {
        "version": openai.__version__,
        "plain": plain(client),
        "streamed": streamed(client),
        "put_together": put_together(client),
        "embeddings": embeddings(client),
        "models": models(client),
        "bad_request": seen_error(client, "[[status=400;error-code=bananas]] one"),
        "not_found": seen_error(client, "[[error-code=model_not_found]] one"),
        "unprocessable": seen_error(client, "[[status=422]] one"),
        "server_error": seen_error(client, "[[status=500]] one"),
        "garbage": seen_error(client, "[[garbage]] one"),
        "unavailable": seen_error(client, "[[status=503]] one"),
        "no_messages": seen_error(client, "x", extra_body={"messages": []}),
        "key_reused": [
            seen_key(client, "first"),
            seen_key(client, "first"),
            seen_error(client, "second", extra_headers={"Idempotency-Key": f"key-{openai.__version__}"}),
        ],
        "streamed_error": streamed_error(client, "[[status=400;error-code=bananas]] two"),
    }
    print(json.dumps(seen))  # noqa: T201  what the test reads


def seen_key(client: OpenAI, content: str) -> str | None:
    raw = client.chat.completions.with_raw_response.create(
        model="fake-model",
        messages=[{"role": "user", "content": content}],
        extra_headers={"Idempotency-Key": f"key-{openai.__version__}"},
    )
    assert raw.parse().choices[0].message.content == f"echo: {content}"
    return raw.headers.get("x-promptmill-task-id")


if __name__ == "__main__":
    main(sys.argv[1])

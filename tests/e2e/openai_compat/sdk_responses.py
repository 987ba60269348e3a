"""What OpenAI's client gets of Responses; prints it as JSON. Run by tests, with the base URLs of two APIs."""

import json
import sys
import time
from typing import Any

import openai
from openai import OpenAI

WORDS = " ".join(f"wörd{number}" for number in range(40))
STREAMED = f"{WORDS} [[chunk-latency=0.02]]"


def polled(client: OpenAI) -> dict[str, Any]:
    response = client.responses.create(
        model="fake-model", input=WORDS, background=True, metadata={"customer": "42"}, instructions="be brief"
    )
    first = response.status
    until = time.monotonic() + 60
    while response.status in {"queued", "in_progress"} and time.monotonic() < until:
        response = client.responses.retrieve(response.id)
    type(response).model_validate(response.model_dump(by_alias=True))
    return {
        "id": response.id,
        "first": first,
        "status": response.status,
        "text": response.output_text,
        "metadata": response.metadata,
        "instructions": response.instructions,
        "total_tokens": response.usage.total_tokens if response.usage else None,
    }


def resumed(client: OpenAI, other: OpenAI) -> dict[str, Any]:
    """A stream that is cut after some events, and goes on at another API."""
    seen: list[Any] = []
    stream = client.responses.create(model="fake-model", input=STREAMED, background=True, stream=True)
    for event in stream:
        seen.append(event)
        if len(seen) == 8:
            break
    stream.close()
    begun = len(seen)
    seen += other.responses.retrieve(seen[0].response.id, stream=True, starting_after=seen[-1].sequence_number)
    for event in seen:
        type(event).model_validate(event.model_dump(by_alias=True))
    numbers = [event.sequence_number for event in seen]
    return {
        "text": "".join(event.delta for event in seen if event.type == "response.output_text.delta"),
        "final": seen[-1].response.output_text,
        "more": len(seen) - begun,
        "in_order": numbers == sorted(set(numbers)),
        "types": list(dict.fromkeys(event.type.removeprefix("response.") for event in seen)),
    }


def cancelled_twice(client: OpenAI) -> list[Any]:
    response = client.responses.create(model="fake-model", input="to cancel [[hang]]", background=True)
    return [client.responses.cancel(response.id).status, client.responses.cancel(response.id).status]


def deleted(client: OpenAI) -> list[Any]:
    response = client.responses.create(model="fake-model", input="to delete", background=True)
    items = [item.type for item in client.responses.input_items.list(response.id)]
    client.responses.delete(response.id)
    return [items, seen_error(lambda: client.responses.retrieve(response.id))["class"]]


def seen_error(call: Any) -> dict[str, Any]:
    try:
        call()
    except openai.APIStatusError as error:
        return {
            "class": type(error).__name__,
            "status": error.status_code,
            "code": error.code,
            "param": error.param,
            "request_id": bool(error.request_id),
        }
    raise AssertionError("no error")


def main(base_url: str, other_url: str) -> None:
    client, other = OpenAI(base_url=base_url, api_key="any"), OpenAI(base_url=other_url, api_key="any")
    create = client.responses.create
    with client.responses.stream(model="fake-model", input="put together") as stream:
        put_together = stream.get_final_response().output_text
    waited = create(model="fake-model", input="waited for")
    seen = {
        "version": openai.__version__,
        "polled": polled(client),
        "resumed": resumed(client, other),
        "put_together": put_together,
        "waited": waited.output_text,
        "cancelled_twice": cancelled_twice(client),
        "cancel_synchronous": seen_error(lambda: client.responses.cancel(waited.id)),
        "deleted": deleted(client),
        "bad_request": seen_error(lambda: create(model="fake-model", input="[[status=400;error-code=bananas]] r")),
        "unsupported": seen_error(lambda: create(model="fake-model", input="x", previous_response_id="resp_1")),
        "server_error": seen_error(lambda: create(model="fake-model", input="[[status=500]] r")),
    }
    print(json.dumps(seen))  # noqa: T201  what the test reads


if __name__ == "__main__":
    main(*sys.argv[1:])

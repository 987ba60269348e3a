"""What a retrieval of a Response asks for, read by hand."""

from fastapi import Request

from producer_api.errors import invalid

_MOST_DIGITS = 19


def wants_stream(request: Request) -> bool:
    """Whether the Response is to be told as events.

    Raises:
        RefusedRequest: 400.
    """
    text = request.query_params.get("stream", "false").lower()
    if text not in {"true", "false"}:
        raise invalid("`stream` must be true or false.", param="stream")
    return text == "true"


def starting_after(request: Request) -> int | None:
    """The number of the last event that was seen; None where all are wanted.

    Raises:
        RefusedRequest: 400.
    """
    text = request.query_params.get("starting_after")
    if text is None:
        return None
    if not text.isdecimal() or len(text) > _MOST_DIGITS:
        message = "`starting_after` must be the sequence_number of an event of this Response."
        raise invalid(message, param="starting_after")
    return int(text)

"""What the description says of the routes of Responses."""

from typing import Any

from producer_api.tasks.schemas import ErrorAnswer

NOT_FOUND: dict[int | str, dict[str, Any]] = {404: {"model": ErrorAnswer, "description": "There is no such Response."}}
EXAMPLES = {
    "In the background": {"model": "gpt-5-mini", "input": "Name three rivers.", "background": True},
    "As events": {"model": "gpt-5-mini", "input": "Name three rivers.", "stream": True},
}


def _query(name: str, about: str, **schema: Any) -> dict[str, Any]:
    title = name.replace("_", " ").title()
    return {"name": name, "in": "query", "required": False, "description": about, "schema": {**schema, "title": title}}


ID: dict[str, Any] = {
    "name": "response_id",
    "in": "path",
    "required": True,
    "description": "A `resp_…` id, or a task's.",
    "schema": {"type": "string", "title": "Response Id"},
}
_INCLUDE = [_query(name, "Read, and of no effect.", type="string") for name in ("include", "include[]")]
RETRIEVE_QUERY = [
    _query("stream", "Answer with the events of the Response instead.", type="boolean"),
    _query("starting_after", "The sequence_number of the last event that was seen.", type="integer", minimum=0),
    _query("include_obfuscation", "Read, and of no effect.", type="boolean"),
    *_INCLUDE,
]
INPUT_QUERY = [
    _query("limit", "Items of a page, 20 without it.", type="integer", minimum=1, maximum=100),
    _query("order", "asc or desc.", type="string", enum=["asc", "desc"]),
    _query("after", "The id of the last item that was seen.", type="string"),
    *_INCLUDE,
]

"""Ids on OpenAI's faces, each made from the task's own: whoever makes them, they are the same."""

from uuid import UUID


def response_id(task_id: str) -> str:
    """A task as a Response: `resp_<32 hex>`."""
    return f"resp_{UUID(task_id).hex}"


def item_id(kind: str, task_id: str, *, run: int, attempt: int, index: int = 0) -> str:
    """The item `index` of the answer that one attempt gave; `kind` is OpenAI's prefix, such as "msg"."""
    return f"{kind}_{UUID(task_id).hex}{run:02x}{attempt:04x}{index:02x}"


def input_item_id(kind: str, task_id: str, index: int) -> str:
    """The item `index` of the request's input, for one that has no id of its own."""
    return f"{kind}_{UUID(task_id).hex}in{index:04x}"

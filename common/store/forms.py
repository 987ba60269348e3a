"""Commands about tasks, encoded but for the ids: for those moves that are made for many tasks at once."""

from common.store.resp import Gap

# Every id is as long: a UUID as text.
ANY_ID = "00000000-0000-7000-8000-000000000000"
ID = Gap(b"%b", len(ANY_ID))


def around_id(key_of_any_id: str) -> list[bytes | Gap]:
    """What a key's name is made of, given the key of `ANY_ID`."""
    before, _, after = key_of_any_id.partition(ANY_ID)
    return [before.encode(), ID, after.encode()]


def id_bytes(task_id: str) -> bytes:
    """An id as a form takes it.

    Raises:
        ValueError: it is of another length, and would make another command of what follows.
    """
    content = task_id.encode()
    if len(content) != ID.width:
        raise ValueError("not a task id")
    return content

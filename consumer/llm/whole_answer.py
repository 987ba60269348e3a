"""Whether an answer that cannot be read is whole all the same: then it was paid for, and another would be too. Pure."""

import json


def is_whole(body: bytes, field: str) -> bool:
    """Whether `body` is a JSON object with a list as its `field`, for a reader who forgives whatever is not its end.

    Half of a surrogate pair, bytes that are no UTF-8, NaN, numbers of any size, raw control characters in a text and a
    byte order mark are forgiven; an object that is not closed, or something behind it, is not.
    """
    try:
        # As `float` any number can be read, in a time that does not grow with the square of its length.
        content = json.loads(body.decode("utf-8-sig", errors="replace"), strict=False, parse_int=float)
    except RecursionError:
        # No accident on the way nests so deep.
        return True
    except ValueError:
        return False
    return isinstance(content, dict) and isinstance(content.get(field), list)

"""How often Python looks for garbage that refers to itself.

Prompts of one request are many small objects that live as long as it does. By default some thousand of them make Python
look at all that the process has, modules included: with bulk this took as long as all the rest of accepting a prompt.
"""

import gc

# Objects made and not freed since the last look: a few large requests, some 10 MB.
_YOUNG_OBJECTS = 50_000


def look_for_garbage_rarely() -> None:
    """Leave out what exists now, which is here to stay, and look at the rest less often."""
    gc.collect()
    gc.freeze()
    _, *older = gc.get_threshold()
    gc.set_threshold(_YOUNG_OBJECTS, *older)

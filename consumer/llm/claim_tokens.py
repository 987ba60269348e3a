from collections import OrderedDict
from collections.abc import Callable

_MOST_UNANSWERED = 10_000


class ClaimTokens:
    """Fencing tokens: a fresh one for each claim, and the same again for a claim that Redis may have written unheard.

    With the same token such a claim is simply this worker's; with another it would be somebody else's until it lapses.
    """

    def __init__(self, new_token: Callable[[], str]) -> None:
        self._new_token = new_token
        self._unanswered: OrderedDict[str, str] = OrderedDict()

    def take(self, task_id: str) -> str:
        """The token to claim the task with; no two claims under way share one."""
        return self._unanswered.pop(task_id, None) or self._new_token()

    def unanswered(self, task_id: str, token: str) -> None:
        """The claim with this token was not answered: it may have happened."""
        self._unanswered[task_id] = token
        if len(self._unanswered) > _MOST_UNANSWERED:
            self._unanswered.popitem(last=False)

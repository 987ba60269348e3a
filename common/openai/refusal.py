"""Why a Responses request cannot be asked of a model that only knows chat completions."""


class Untranslatable(ValueError):  # noqa: N818 - a fact about a request
    """`message` says what to do, `param` names the place at fault; neither quotes what stands there."""

    def __init__(self, message: str, param: str) -> None:
        super().__init__(message)
        self.message, self.param = message, param


def unsupported(param: str, advice: str) -> Untranslatable:
    """There is no place for it in a chat completion; `advice` says what to do instead."""
    return Untranslatable(
        f"`{param}` is not supported by a model that is asked for chat completions: {advice}, or name a model with "
        "/v1/responses of its own.",
        param,
    )


def wrong(param: str, expected: str) -> Untranslatable:
    """No model would take it."""
    return Untranslatable(f"`{param}` must be {expected}.", param)

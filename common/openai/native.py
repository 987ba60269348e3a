"""Which models have `/v1/responses` of their own."""

from fnmatch import fnmatchcase


class NativeModels:
    """By names, separated by commas; in a name, `*` stands for anything."""

    def __init__(self, names: str) -> None:
        self._patterns = [name.strip() for name in names.split(",") if name.strip()]

    def has(self, model: object) -> bool:
        """Whether a request that names `model`, or none, is for one of them."""
        name = model if isinstance(model, str) else ""
        return any(fnmatchcase(name, pattern) for pattern in self._patterns)

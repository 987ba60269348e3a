from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Keys:
    """Names of every key there is, under one prefix; the id stands as text in its `{}` tag."""

    prefix: str

    def task(self, task_id: str) -> str:
        """The hash of a task."""
        return f"{self.prefix}task:{{{task_id}}}"

    def result(self, task_id: str) -> str:
        """The result record of a task's final run."""
        return f"{self.prefix}task:{{{task_id}}}:result"

    def of(self, task_id: str) -> tuple[str, str]:
        """Both keys, in the order in which every script takes them."""
        return self.task(task_id), self.result(task_id)

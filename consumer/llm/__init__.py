"""One task, from its claim to its recorded outcome.

`executor` reads as the life of a task: decode -> claim -> call -> decide -> record -> publish. What it decides with is
pure and stands apart: `classification` (what a call came to), `decision` (what follows from that), `records` (what is
then published). `lease_keeper` keeps the claims alive meanwhile.

Invariants:
- No call without a claim, and none is begun once the claim's lease has lapsed by this process's own clock.
- Only who recorded an outcome publishes it, or who read it from the store; only `model_server` imports `openai`.
- A prompt, an answer or a key never reaches a log, a metric's label or an error's text.
"""

"""Between the two shapes of OpenAI's API that a task may have: Responses and chat completions. Pure.

The worker asks a model that only knows chat completions for a Response, and the API shows a chat task as one.
"""

"""Other people's queues around the same call, each as its own documentation has it, with our concurrency.

They run in an environment of their own and import nothing of ours but the prompts. Each module has `fill`, which puts
tasks in, and `work`, which runs a worker until it is ended.
"""

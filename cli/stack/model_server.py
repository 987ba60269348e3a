"""Serves a model by OpenAI's API until SIGTERM: `python -m cli.stack.model_server GGUF PORT NAME [HOST]`."""

import os
import signal
import sys

import xllamacpp

_SLOTS = 4
_CONTEXT_TOKENS_PER_SLOT = 8192
# For requests that name no bound: a model this small seldom says more that is worth reading.
_MOST_TOKENS = 256
_NICENESS = 5

# The wheel's model is the pretrained one, which goes on with a text and was never taught to chat. Shown three answers
# it gives a fourth; the usual chat markup would make it babble.
_END_OF_ANSWER = "\n\nQuestion:"
_CHAT_TEMPLATE = """\
{{ bos_token }}Short, correct answers to all kinds of requests.

Question:
What is the opposite of hot?

Answer:
The opposite of hot is cold.

Question:
Write a short poem about the sea.

Answer:
The waves roll in, the waves roll out,
And carry all my cares about.

Question:
List three animals.

Answer:
Dog, horse, eagle.

{% for message in messages -%}
{% if message['role'] == 'assistant' %}Answer:
{% elif message['role'] == 'user' %}Question:
{% endif %}{{ message['content'] | trim }}

{% endfor %}{% if add_generation_prompt %}Answer:
{% endif %}"""


def parameters(model: str, port: int, name: str, host: str = "127.0.0.1") -> xllamacpp.CommonParams:
    """Return the server's settings: four slots, loopback unless another `host` is named."""
    params = xllamacpp.CommonParams()
    params.model.path = model
    params.model_alias = {name}
    params.hostnames = [host]
    params.port = port
    params.ui = False
    # Not for web pages of others that happen to be open on this machine.
    params.cors_origins = "http://127.0.0.1"
    params.n_parallel = _SLOTS
    params.n_ctx = _SLOTS * _CONTEXT_TOKENS_PER_SLOT
    params.n_predict = _MOST_TOKENS
    params.cache_ram_mib = 0
    params.chat_template = _CHAT_TEMPLATE
    params.antiprompt = [_END_OF_ANSWER]
    params.sampling.temp = 0.4
    params.sampling.penalty_repeat = 1.1
    # Its threads meet after every layer: one that has to share its core holds up all, so a core is left to the others.
    params.cpuparams.n_threads = max(1, (os.cpu_count() or 1) - 1)
    params.cpuparams.poll = 0
    return params


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    stopping = {signal.SIGTERM, signal.SIGINT}
    # Before the server's threads exist: they inherit the mask, and the signal waits for the line below.
    signal.pthread_sigmask(signal.SIG_BLOCK, stopping)
    os.nice(_NICENESS)
    model, port, name, *host = sys.argv[1:]
    server = xllamacpp.Server(parameters(model, int(port), name, *host))
    signal.sigwait(stopping)
    del server


if __name__ == "__main__":
    main()

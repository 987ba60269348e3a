"""A model server that costs next to nothing: whole answers or 50 streamed pieces, after a latency with jitter.

It runs as a process of its own. What a benchmark asks of it meanwhile goes over the same port, under `/control/`.
"""

"""What Promptmill costs, side by side with others, on one machine in one run: `python -m benchmarks --help`.

Light to import: programs of other environments import parts of it.
"""

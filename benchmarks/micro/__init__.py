"""Figures of single parts, each module a program: `python -m benchmarks.micro.store`."""

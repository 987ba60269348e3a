"""The `promptmill` command."""

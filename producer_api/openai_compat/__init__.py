"""OpenAI's own interface: one module for each of its resources, each request one task."""

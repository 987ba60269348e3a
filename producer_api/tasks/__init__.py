"""The native face: `/v1/tasks`."""

"""Programs that are measured beside ours, in an environment that has ours."""

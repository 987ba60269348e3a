"""Checks of the chart: rendered by helm itself, held to schemas, to facts of ours and to kube-score's policy.

`python -m deploy.checks --tools FOLDER`, in the environment of requirements/deploy.txt; FOLDER has helm and kube-score.
"""

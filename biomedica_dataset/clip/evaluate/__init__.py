"""Evaluation of CLIP models on tasks that are data."""

from .find import find_tasks, shipped_tasks
from .model import load_model
from .run import Results, evaluate
from .task import Task
from .taskfile import load_task

__all__ = [
    "Results", "Task", "evaluate", "find_tasks", "load_model", "load_task", "shipped_tasks",
]  # fmt: skip

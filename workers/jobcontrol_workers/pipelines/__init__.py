"""The pipelines that ship with the product: workers offer these where nothing else is named."""

from __future__ import annotations

from jobcontrol.pipeline import Pipeline

# By another name: bound as `learning_path` it would hide the package of that name from everybody else.
from .learning_path import learning_path as learning_path_pipeline

__all__ = ["BUILT_IN"]

BUILT_IN: tuple[Pipeline, ...] = (learning_path_pipeline,)

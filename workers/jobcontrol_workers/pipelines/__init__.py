"""The pipelines that ship with the product: workers offer these where nothing else is named."""

from __future__ import annotations

from jobcontrol.pipeline import Pipeline

from .learning_path import learning_path

__all__ = ["BUILT_IN"]

BUILT_IN: tuple[Pipeline, ...] = (learning_path,)

"""The learning path: a document becomes concepts, sub-concepts and knowledge units, and at the end one path."""

from __future__ import annotations

from .pipeline import learning_path

__all__ = ["learning_path"]

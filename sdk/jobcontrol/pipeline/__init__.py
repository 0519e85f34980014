"""How a pipeline is defined: its stages, their handlers, and what a handler may say.

Loads neither grpc nor protobuf, so that workers and tests can import it alone.
"""

from jobcontrol.pipeline.answers import (
    Child,
    FanOut,
    GiveUp,
    InvalidInput,
    Result,
    RetryAfter,
    SkipStep,
    StepStopped,
    to_json_value,
)
from jobcontrol.pipeline.context import Context, Document, Results
from jobcontrol.pipeline.definition import DefinitionError, Pipeline, Rate, Retry, Stage, Tolerate

__all__ = [
    "Child",
    "Context",
    "DefinitionError",
    "Document",
    "FanOut",
    "GiveUp",
    "InvalidInput",
    "Pipeline",
    "Rate",
    "Result",
    "Results",
    "Retry",
    "RetryAfter",
    "SkipStep",
    "Stage",
    "StepStopped",
    "Tolerate",
    "to_json_value",
]

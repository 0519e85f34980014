"""Retries: the input that one may bring instead of the old job's."""

from __future__ import annotations

from collections.abc import Iterator

from jobcontrol import v1 as pb
from jobcontrol_core.domain.errors import Violation
from jobcontrol_core.domain.values import PipelineSpec
from jobcontrol_server.rpc.validation.documents import other_document_violations
from jobcontrol_server.rpc.validation.parameters import parameter_violations, to_dict


def other_input_violations(request: pb.RetryRequest, pipeline: PipelineSpec) -> list[Violation]:
    """What is wrong with the parameters and the document of `request`, in themselves or with the mode."""
    return list(_violations(request, pipeline))


def _violations(request: pb.RetryRequest, pipeline: PipelineSpec) -> Iterator[Violation]:
    given = [name for name in ("parameters", "document") if request.HasField(name)]
    if request.mode != pb.RETRY_MODE_FROM_SCRATCH:
        for name in given:
            yield Violation(
                name, "needs mode RETRY_MODE_FROM_SCRATCH (jobctl: --all-steps): completed steps came of the old one"
            )
        return
    if "parameters" in given:
        yield from parameter_violations(to_dict(request.parameters), pipeline)
    if "document" in given:
        yield from other_document_violations(request.document, pipeline)

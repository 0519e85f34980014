"""Documents: what a build's document must be, in itself and for its pipeline."""

from __future__ import annotations

from collections.abc import Iterator

from jobcontrol import v1 as pb
from jobcontrol_core.domain.errors import Violation
from jobcontrol_core.domain.values import DocumentNeed, PipelineSpec
from jobcontrol_server.rpc.validation.checks import Fault, told_by

MAX_BYTES = 4 << 20
BYTE_ORDER_MARK = "\ufeff"


@told_by(maxLength=-(-MAX_BYTES // 3) * 4)
def content_faults(content: bytes, document: pb.Document) -> Iterator[Fault]:
    """What is wrong with the bytes of `document`, as far as its own media type tells."""
    if len(content) > MAX_BYTES:
        yield Fault(f"must be at most {MAX_BYTES} bytes (4 MiB), not {len(content)}")
    elif _is_text(document.media_type):
        yield from _text_faults(content)


def document_violations(request: pb.StartBuildRequest, pipeline: PipelineSpec) -> list[Violation]:
    """What is wrong with the document of `request`, or with there being none, for `pipeline`."""
    if request.HasField("document"):
        return list(_given_violations(request.document, pipeline))
    if pipeline.document is not DocumentNeed.REQUIRED:
        return []
    ways = "send one in `document` (jobctl: --document FILE)"
    if pipeline.sample is not None:
        ways += ", or set `document.sample` (jobctl: --document sample) for the sample that comes with it"
    return [Violation("document", f"pipeline {pipeline.name} needs a document: {ways}")]


def other_document_violations(document: pb.Document, pipeline: PipelineSpec) -> list[Violation]:
    """What is wrong with a document that takes the place of another one."""
    return list(_given_violations(document, pipeline))


def media_type_of(document: pb.Document, pipeline: PipelineSpec) -> str:
    """The media type of `document`: its own, or else the first one that `pipeline` takes."""
    return document.media_type or next(iter(pipeline.media_types), "")


def _given_violations(document: pb.Document, pipeline: PipelineSpec) -> Iterator[Violation]:
    if pipeline.document is DocumentNeed.NONE:
        yield Violation("document", f"pipeline {pipeline.name} takes no document")
    elif document.sample and pipeline.sample is None:
        yield Violation("document.sample", f"pipeline {pipeline.name} comes without a sample")
    elif document.media_type and document.media_type not in pipeline.media_types:
        yield Violation("document.media_type", f"pipeline {pipeline.name} takes {', '.join(pipeline.media_types)}")
    elif not document.sample and not document.media_type and _is_text(media_type_of(document, pipeline)):
        yield from (Violation("document.content", fault.description) for fault in _text_faults(document.content))


def _is_text(media_type: str) -> bool:
    return media_type.startswith("text/")


def _text_faults(content: bytes) -> Iterator[Fault]:
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        yield Fault(f"is not UTF-8: byte {error.start} cannot be read")
        return
    if not text.removeprefix(BYTE_ORDER_MARK).strip():
        yield Fault("is blank: there is nothing to build from")

"""Documents: readable, of a size, and such as the pipeline takes."""

from __future__ import annotations

import pytest

from jobcontrol import v1 as pb
from jobcontrol_core.domain.errors import Violation
from jobcontrol_core.domain.values import DocumentNeed, PipelineSpec
from jobcontrol_server.rpc.validation import document_violations, media_type_of, violations

MARKDOWN = "text/markdown"


def pipeline(
    need: DocumentNeed = DocumentNeed.REQUIRED,
    *,
    media_types: tuple[str, ...] = (MARKDOWN, "text/plain"),
    sample: bytes | None = b"# Sample",
) -> PipelineSpec:
    return PipelineSpec("learning-path", 1, "", (), {"type": "object"}, need, media_types, sample)


@pytest.mark.parametrize("content", [b"# Rust", "\ufeff学".encode(), b"a\r\nb\x00", b"x" * (4 << 20)])
def test_a_text_that_can_be_read_is_accepted(content: bytes) -> None:
    assert violations(start(content=content, media_type=MARKDOWN)) == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty: send the document's bytes, or set sample"),
        (b" \r\n\t ", "is blank: there is nothing to build from"),
        (b"\xef\xbb\xbf\n", "is blank: there is nothing to build from"),
        (b"abc\xff", "is not UTF-8: byte 3 cannot be read"),
        (b"x" * ((4 << 20) + 1), "must be at most 4194304 bytes (4 MiB), not 4194305"),
    ],
)
def test_a_text_that_cannot_be_built_from_is_refused(content: bytes, said: str) -> None:
    assert violations(start(content=content, media_type=MARKDOWN)) == [Violation("document.content", said)]


def test_bytes_of_another_media_type_are_not_read_as_text() -> None:
    assert violations(start(content=b"\xff\x00", media_type="application/pdf")) == []


def test_a_document_without_media_type_is_read_as_the_first_one_that_the_pipeline_takes() -> None:
    request = start(content=b"\xff")
    assert violations(request) == []
    assert document_violations(request, pipeline()) == [
        Violation("document.content", "is not UTF-8: byte 0 cannot be read")
    ]
    assert document_violations(request, pipeline(media_types=("application/pdf",))) == []
    assert media_type_of(request.document, pipeline()) == MARKDOWN


def test_a_pipeline_that_needs_a_document_names_the_ways_to_bring_one() -> None:
    (violation,) = document_violations(pb.StartBuildRequest(path_id="x"), pipeline())
    assert violation.field == "document"
    assert "--document FILE" in violation.description
    assert "--document sample" in violation.description
    (violation,) = document_violations(pb.StartBuildRequest(path_id="x"), pipeline(sample=None))
    assert "sample" not in violation.description


@pytest.mark.parametrize("need", [DocumentNeed.OPTIONAL, DocumentNeed.NONE])
def test_other_pipelines_go_without(need: DocumentNeed) -> None:
    assert document_violations(pb.StartBuildRequest(path_id="x"), pipeline(need)) == []


def test_a_document_that_the_pipeline_cannot_take_is_refused() -> None:
    given = start(content=b"x", media_type="application/pdf")
    assert document_violations(given, pipeline(DocumentNeed.NONE)) == [
        Violation("document", "pipeline learning-path takes no document")
    ]
    assert document_violations(given, pipeline()) == [
        Violation("document.media_type", "pipeline learning-path takes text/markdown, text/plain")
    ]


def test_the_sample_stands_alone_and_must_exist() -> None:
    sample = pb.StartBuildRequest(path_id="x", document=pb.Document(sample=True))
    assert violations(sample) == []
    assert document_violations(sample, pipeline()) == []
    assert document_violations(sample, pipeline(sample=None)) == [
        Violation("document.sample", "pipeline learning-path comes without a sample")
    ]
    both = pb.Document(sample=True, content=b"x", file_name="x.md")
    assert violations(pb.StartBuildRequest(path_id="x", document=both)) == [
        Violation("document.sample", "must not be set together with content or file_name")
    ]


def start(*, content: bytes, media_type: str = "") -> pb.StartBuildRequest:
    return pb.StartBuildRequest(path_id="x", document=pb.Document(content=content, media_type=media_type))

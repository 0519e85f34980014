"""What concepts, waiting and troubleshooting say is complete: each status and reason of the contract stands there."""

import re
from pathlib import Path

import pytest
from google.protobuf.descriptor import EnumDescriptor

from house.source_tree import read
from jobcontrol import v1 as pb

WAITING = pb.WaitingReason.DESCRIPTOR
FAILING = pb.StepFailureReason.DESCRIPTOR
STATUSES = [pb.JobStatus.DESCRIPTOR, pb.StepStatus.DESCRIPTOR]


def words_of(enum: EnumDescriptor) -> set[str]:
    """The values without what all of them begin with, and without the one that is not set."""
    unset = next(value.name for value in enum.values if value.number == 0)
    prefix = unset.removesuffix("UNSPECIFIED")
    return {value.name.removeprefix(prefix) for value in enum.values if value.number}


@pytest.mark.parametrize(("page", "enum"), [("docs/how-to/waiting.md", WAITING), ("docs/troubleshooting.md", FAILING)])
def test_every_reason_has_a_row(page: str, enum: EnumDescriptor) -> None:
    rows = re.findall(r"^\| ([\w ]+) \|", read(Path(page)), re.MULTILINE)
    assert words_of(enum) - {row.upper().replace(" ", "_") for row in rows} == set()


@pytest.mark.parametrize("enum", STATUSES, ids=lambda enum: enum.name)
def test_every_status_is_told(enum: EnumDescriptor) -> None:
    assert {word for word in words_of(enum) if f"`{word}`" not in read(Path("docs/concepts.md"))} == set()

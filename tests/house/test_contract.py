"""The contract stays what was released of it, and its Python stays what it makes."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from house.source_tree import ROOT

COPIED = ("proto", "third_party", "scripts", "sdk/jobcontrol/v1", "server/jobcontrol_server/rest")


@dataclass(frozen=True, slots=True)
class Checkout:
    """A copy of the contract and its tool, to be spoilt."""

    root: Path

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "scripts/proto.py", command], cwd=self.root, capture_output=True, text=True
        )

    def replace(self, file: str, old: str, new: str) -> None:
        path = self.root / file
        text = path.read_text()
        assert text.count(old) == 1, f"{file} holds {old!r} {text.count(old)} times"
        path.write_text(text.replace(old, new))

    def settled(self) -> set[str]:
        return set((self.root / "proto/FINAL").read_text().splitlines())


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    for folder in COPIED:
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "buf.yaml", tmp_path)
    return Checkout(tmp_path)


def test_the_contract_is_clean_and_compatible_and_its_python_is_fresh() -> None:
    checked = Checkout(ROOT).run("check")
    assert checked.returncode == 0, checked.stderr


#: Of no RPC, and so settled by none.
LOOSE = """// A message that nothing uses.
syntax = "proto3";

package jobcontrol.v1;

// Says two things.
message Loose {
  // The first.
  string first = 1;

  // The second.
  string second = 2;
}
"""


def test_a_deleted_field_that_is_not_settled_fails_until_it_is_released(checkout: Checkout) -> None:
    (checkout.root / "proto/jobcontrol/v1/loose.proto").write_text(LOOSE)
    release_and_generate(checkout)

    checkout.replace("proto/jobcontrol/v1/loose.proto", "\n  // The second.\n  string second = 2;\n", "")
    refused = checkout.run("check")
    assert refused.returncode == 1
    assert 'Previously present field "2" with name "second"' in refused.stderr

    release_and_generate(checkout)
    accepted = checkout.run("check")
    assert accepted.returncode == 0, accepted.stderr


def release_and_generate(checkout: Checkout) -> None:
    for command in ("release", "generate"):
        done = checkout.run(command)
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("file", "old", "new", "fact"),
    [
        ("build", "bool existing = 4;", "string existing = 4;", "field StartBuildResponse 4 bool existing"),
        ("build", "bool existing = 4;", "bool existing = 5;", "field StartBuildResponse 4 bool existing"),
        ("service", '"/jobs/{job_id}/retry"', '"/jobs/{job_id}/again"', "route Retry POST /jobs/{job_id}/retry body=*"),
        ("step", "  STEP_STATUS_SKIPPED = 5;", "  STEP_STATUS_LEFT_OUT = 5;", "value StepStatus 5 STEP_STATUS_SKIPPED"),
    ],
)
def test_what_is_settled_cannot_be_changed_by_a_release(
    checkout: Checkout, file: str, old: str, new: str, fact: str
) -> None:
    checkout.replace(f"proto/jobcontrol/v1/{file}.proto", old, new)
    before = (checkout.root / "proto/released.binpb").read_bytes()

    refused = checkout.run("release")

    assert refused.returncode == 1
    assert fact in refused.stderr
    assert (checkout.root / "proto/released.binpb").read_bytes() == before


def test_a_released_image_that_was_rebuilt_by_hand_hides_no_change_of_what_is_settled(checkout: Checkout) -> None:
    checkout.replace("proto/jobcontrol/v1/build.proto", "bool existing = 4;", "string existing = 4;")
    buf = Path(sys.executable).parent / "buf"
    subprocess.run([buf, "build", "proto", "-o", "proto/released.binpb"], cwd=checkout.root, check=True)
    assert checkout.run("generate").returncode == 0

    refused = checkout.run("check")

    assert refused.returncode == 1
    assert "field StartBuildResponse 4 bool existing" in refused.stderr


def test_a_new_field_of_a_settled_message_is_settled_with_the_next_release(checkout: Checkout) -> None:
    before = checkout.settled()
    checkout.replace(
        "proto/jobcontrol/v1/build.proto",
        "  bool existing = 4;\n",
        "  bool existing = 4;\n  // When it was there first.\n  int64 since = 5;\n",
    )
    assert "run `make proto-release`" in checkout.run("check").stderr

    assert checkout.run("release").returncode == 0

    assert checkout.settled() - before == {"field StartBuildResponse 5 int64 since"}
    assert before <= checkout.settled()


def test_python_that_was_edited_by_hand_is_seen(checkout: Checkout) -> None:
    generated = checkout.root / "sdk/jobcontrol/v1/job_pb2.pyi"
    generated.write_text(generated.read_text() + "\n# edited\n")

    stale = checkout.run("check")

    assert stale.returncode == 1
    assert "job_pb2.pyi" in stale.stderr
    assert "run `make proto`" in stale.stderr


def test_a_changed_comment_is_seen_until_the_document_has_it(checkout: Checkout) -> None:
    checkout.replace(
        "proto/jobcontrol/v1/audit.proto", "// Peer address as the server saw it.", "// Where it came from."
    )

    stale = checkout.run("check")

    assert stale.returncode == 1
    assert "contract_comments.json" in stale.stderr
    assert checkout.run("generate").returncode == 0
    written = json.loads((checkout.root / "server/jobcontrol_server/rest/contract_comments.json").read_text())
    assert written["jobcontrol.v1.AuditEvent.peer"] == "Where it came from."


def test_the_package_alone_lets_reflection_find_the_service() -> None:
    find = "descriptor_pool.Default().FindServiceByName('jobcontrol.v1.JobControl')"
    code = f"import jobcontrol.v1; from google.protobuf import descriptor_pool; {find}"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert found.returncode == 0, found.stderr

"""The contract's tool: makes the Python of proto/, and guards what was released of it.

    python scripts/proto.py generate   writes what is made from proto/: sdk/jobcontrol/v1, the OpenAPI document's
                                       comments, docs/reference/api.md
    python scripts/proto.py check      lint, format, compatibility, settled facts, drift
    python scripts/proto.py release    records the contract as it is now

Works offline: what proto/ imports lies in third_party/.
"""

from __future__ import annotations

import argparse
import filecmp
import itertools
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet

from contract_comments import comments_json
from contract_facts import facts_of, read_settled, write_settled
from contract_reference import reference_page

ROOT = Path(__file__).resolve().parent.parent
PROTO = ROOT / "proto"
GOOGLEAPIS = ROOT / "third_party" / "googleapis"
RELEASED = PROTO / "released.binpb"
SETTLED = PROTO / "FINAL"
PACKAGE = Path("jobcontrol") / "v1"
GENERATED = ROOT / "sdk" / PACKAGE
COMMENTS = ROOT / "server" / "jobcontrol_server" / "rest" / "contract_comments.json"
REFERENCE = ROOT / "docs" / "reference" / "api.md"
INIT_HEAD = '''"""The contract as Python: every message and enum, and the stub. Made from proto/; do not edit."""

'''


class ContractError(Exception):
    """The contract, or what is made from it, is not as it should be; the text says what to do."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the named command; 0 when all is well, 1 with the reasons on stderr when not."""
    commands: dict[str, Callable[[], None]] = {"generate": generate, "check": check, "release": release}
    parser = argparse.ArgumentParser(description="Generate, check or release the contract.")
    parser.add_argument("command", choices=sorted(commands))
    try:
        commands[parser.parse_args(arguments).command]()
    except ContractError as error:
        print(f"proto: {error}", file=sys.stderr)
        return 1
    return 0


def generate(target: Path = GENERATED, comments: Path = COMMENTS, reference: Path = REFERENCE) -> None:
    """Write the Python of proto/ into `target`, where what was of an earlier contract goes, its comments, its page."""
    with tempfile.TemporaryDirectory() as scratch:
        contract = read_contract()
        write_python(contract, Path(scratch))
        made = Path(scratch) / PACKAGE
        (made / "__init__.py").write_text(init_module(contract))
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(made, target)
        for path, text in ((comments, comments_json(contract)), (reference, reference_page(contract))):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")


def check() -> None:
    """Raise ContractError unless proto/ is clean, compatible and the same as its Python."""
    buf("lint")
    buf("format", "--diff", "--exit-code", "proto")
    buf("breaking", "proto", "--against", str(RELEASED))
    check_settled()
    check_drift()


def release() -> None:
    """Make proto/ as it is now the contract that later changes are compared with.

    Messages that are not settled may have changed in any way. What is settled stays: a fact that
    no longer holds is refused, and only new ones are added.
    """
    buf("lint")
    settled = read_settled(SETTLED)
    check_settled(added_is_fine=True)
    write_settled(SETTLED, facts_of(read_contract(), settled.rpcs))
    buf("build", "proto", "--exclude-source-info", "-o", str(RELEASED))


def check_settled(*, added_is_fine: bool = False) -> None:
    """Raise ContractError if a settled fact does not hold any more, or a new one is not recorded."""
    settled = read_settled(SETTLED)
    held = facts_of(read_contract(), settled.rpcs)
    if broken := [fact for fact in settled.facts if fact not in held]:
        raise ContractError("settled, and changed all the same; take it back:\n  " + "\n  ".join(broken))
    added = [fact for fact in held if fact not in settled.facts]
    if added and not added_is_fine:
        raise ContractError("not in proto/FINAL yet; run `make proto-release`:\n  " + "\n  ".join(added))


def check_drift() -> None:
    """Raise ContractError if anything that `generate` writes is not what proto/ makes."""
    with tempfile.TemporaryDirectory() as scratch:
        fresh, *written = Path(scratch) / "v1", Path(scratch) / COMMENTS.name, Path(scratch) / REFERENCE.name
        generate(fresh, *written)
        names = {path.name for folder in (fresh, GENERATED) for path in folder.glob("*.py*")}
        _, differing, missing = filecmp.cmpfiles(fresh, GENERATED, names, shallow=False)
        for path, kept in zip(written, (COMMENTS, REFERENCE), strict=True):
            if not kept.exists() or path.read_bytes() != kept.read_bytes():
                differing.append(kept.name)
    if stale := sorted([*differing, *missing]):
        raise ContractError(f"what proto/ makes is stale ({', '.join(stale)}); run `make proto`")


def read_contract() -> FileDescriptorSet:
    """The descriptors of the files of proto/ alone, with their comments."""
    with tempfile.TemporaryDirectory() as scratch:
        image = Path(scratch) / "contract.binpb"
        protoc("--include_source_info", f"--descriptor_set_out={image}")
        return FileDescriptorSet.FromString(image.read_bytes())


def write_python(contract: FileDescriptorSet, target: Path) -> None:
    """Let protoc write messages, and stubs where there is a service, with their types, below `target`."""
    services = [file.name for file in contract.file if file.service]
    plugins = [f"--plugin=protoc-gen-{name}={tool(f'protoc-gen-{name}')}" for name in ("mypy", "mypy_grpc")]
    protoc(*plugins, f"--python_out={target}", f"--mypy_out=quiet:{target}")
    protoc(*plugins, f"--grpc_python_out={target}", f"--mypy_grpc_out=quiet:{target}", files=services)


def init_module(contract: FileDescriptorSet) -> str:
    """The text of the generated package's face, which brings all its names together."""
    exported = {module_of(file): exported_names(file) for file in contract.file}
    imports = "".join(
        f"from jobcontrol.v1.{module} import (\n{lines(names)})\n" for module, names in sorted(exported.items())
    )
    # The stubs import messages alone; server reflection finds a service once its own module is loaded.
    services = [f"{Path(file.name).stem}_pb2" for file in contract.file if file.service]
    imports = f"from jobcontrol.v1 import {', '.join(services)}\n{imports}"
    everything = lines(f'"{name}"' for name in sorted([*services, *itertools.chain(*exported.values())]))
    return f"{INIT_HEAD}{imports}\n__all__ = [\n{everything}]\n"


def lines(entries: Iterable[str]) -> str:
    return "".join(f"    {entry},\n" for entry in entries)


def exported_names(file: FileDescriptorProto) -> list[str]:
    """Messages, enums, values of enums, and what belongs to a service, as Python names them."""
    messages = [message.name for message in file.message_type]
    enums = [name for enum in file.enum_type for name in (enum.name, *(value.name for value in enum.value))]
    services = [
        name
        for service in file.service
        for name in (f"{service.name}Servicer", f"{service.name}Stub", f"add_{service.name}Servicer_to_server")
    ]
    return sorted([*messages, *enums, *services])


def module_of(file: FileDescriptorProto) -> str:
    """Where Python finds the names of a file, which holds either messages or the service."""
    return Path(file.name).stem + ("_pb2_grpc" if file.service else "_pb2")


def protoc(*arguments: str, files: Iterable[str] = ()) -> None:
    """Run protoc over `files` of proto/, or over all."""
    named = list(files) or sorted(str(path.relative_to(PROTO)) for path in PROTO.rglob("*.proto"))
    run(sys.executable, "-m", "grpc_tools.protoc", f"-I{PROTO}", f"-I{GOOGLEAPIS}", *arguments, *named)


def buf(*arguments: str) -> None:
    run(tool("buf"), *arguments)


def tool(name: str) -> str:
    """The tool that was installed beside this Python, whatever is on PATH."""
    path = Path(sys.executable).parent / name
    if not path.exists():
        raise ContractError(f"{name} is not installed beside {sys.executable}; `make proto` sets the environment up")
    return str(path)


def run(*command: str) -> None:
    """Run a command at the root of the project; ContractError with what it said if it fails."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        said = (done.stdout + done.stderr).strip()
        raise ContractError(f"{Path(command[0]).name} {' '.join(command[1:4])} failed:\n{said}")


if __name__ == "__main__":
    sys.exit(main())

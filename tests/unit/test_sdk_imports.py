"""What importing the SDK loads: nothing that it does not need yet."""

import subprocess
import sys

import pytest

import jobcontrol
from jobcontrol import _rpcs
from jobcontrol import v1 as pb
from jobcontrol._rpcs import Rpc

HEAVY = ("google", "grpc", "rich", "typer")


@pytest.mark.parametrize(
    "code",
    [
        "import jobcontrol",
        "from jobcontrol import Pipeline, Retry",
        "from jobcontrol import JobFailed, JobStatus",
        "from jobcontrol.cli import main",
    ],
)
def test_neither_grpc_nor_a_terminal_library_is_loaded_before_it_is_needed(code: str) -> None:
    listing = f"import sys; {code}; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", listing], capture_output=True, text=True, check=True)
    # Namespace packages may bring an empty `google` into a virtual environment at start.
    assert set(run.stdout.split()) <= {"google"}, run.stdout


def test_everything_offered_is_there_and_listed_in_order() -> None:
    assert all(getattr(jobcontrol, name) is not None for name in jobcontrol.__all__)
    assert set(jobcontrol.__all__) <= set(dir(jobcontrol))


def test_a_name_that_is_not_offered_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Clients'"):
        _ = jobcontrol.Clients


RPCS = [value for value in vars(_rpcs).values() if isinstance(value, Rpc)]


@pytest.mark.parametrize("rpc", RPCS, ids=lambda rpc: rpc.name)
def test_each_rpc_is_as_the_contract_has_it(rpc: Rpc[pb.GetJobRequest, pb.GetJobResponse]) -> None:
    method = pb.service_pb2.DESCRIPTOR.services_by_name["JobControl"].methods_by_name[rpc.name]
    assert (method.input_type, method.output_type) == (rpc.request.DESCRIPTOR, rpc.answer.DESCRIPTOR)
    assert method.server_streaming == rpc.streams
    assert method.containing_service.full_name == _rpcs.SERVICE


def test_unary_rpcs_are_sent_again_by_the_channel_but_one_that_finds_nothing_the_second_time() -> None:
    again = {rpc.name for rpc in RPCS if not rpc.streams} - {"DeleteJob"}
    assert again == {rpc.name for rpc in _rpcs.RETRIED}

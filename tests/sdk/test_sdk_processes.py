"""Clients in forked processes, threads, and event loops that come and go: each gets an answer, none waits for ever."""

import subprocess
import sys

import pytest

#: How to ask once, with a client made before anything happened to the process.
ASK = """
import asyncio, os, sys, threading
from jobcontrol import AsyncClient, Client

blocking, awaited = Client(sys.argv[1], timeout=15), AsyncClient(sys.argv[1], timeout=15)

async def ask():
    return (await awaited.stats()).active

def block():
    return blocking.stats().active

def run():
    return asyncio.run(ask())

def in_child(call):
    pid = os.fork()
    if pid == 0:
        assert call() == 0
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

def in_threads(call):
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(call())) for _ in range(8)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    return answers
"""


def outcome(address: str, program: str, *, timeout: float = 60.0) -> str:
    """What a program printed in the end; it is a failure if it does not end."""
    run = subprocess.run(
        [sys.executable, "-X", "dev", "-c", ASK + program, address],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert "Traceback" not in run.stderr, run.stderr
    return run.stdout.strip()


@pytest.mark.parametrize("child", ["block", "run"])
@pytest.mark.parametrize("parent", ["block", "run"])
def test_a_forked_process_asks_with_the_client_that_its_parent_has_used(address: str, parent: str, child: str) -> None:
    program = f"""
{parent}()
print([in_child({child}) for _ in range(5)], {parent}())
"""
    assert outcome(address, program) == "[0, 0, 0, 0, 0] 0"


@pytest.mark.parametrize("child", ["block", "run"])
def test_a_process_may_fork_while_its_event_loop_runs(address: str, child: str) -> None:
    program = f"""
async def main():
    await ask()
    pid = os.fork()
    if pid == 0:
        # As `multiprocessing` does: the child begins anew, outside the loop that it was forked in.
        asyncio.events._set_running_loop(None)
        os._exit({child}())
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), await ask())

asyncio.run(main())
"""
    assert outcome(address, program) == "0 0"


@pytest.mark.parametrize("child", ["block", "run"])
def test_a_child_of_a_child_asks_too(address: str, child: str) -> None:
    program = f"""
block(), run()
print(in_child(lambda: in_child({child})))
"""
    assert outcome(address, program) == "0"


@pytest.mark.parametrize("call", ["block", "run"])
def test_threads_share_a_client(address: str, call: str) -> None:
    assert outcome(address, f"print(in_threads({call}))") == "[0, 0, 0, 0, 0, 0, 0, 0]"


def test_one_event_loop_after_the_other_asks_with_the_same_client(address: str) -> None:
    assert outcome(address, "print([run() for _ in range(5)])") == "[0, 0, 0, 0, 0]"


def test_the_client_that_blocks_does_so_within_a_running_loop_as_well(address: str) -> None:
    program = """
async def main():
    return block() + await ask()

print(asyncio.run(main()))
"""
    assert outcome(address, program) == "0"


def test_a_client_that_was_closed_connects_anew(address: str) -> None:
    program = """
async def main():
    async with awaited:
        await ask()
    return await ask()

with blocking:
    block()
print(block(), asyncio.run(main()))
"""
    assert outcome(address, program) == "0 0"


def test_a_task_that_is_cancelled_in_a_call_is_cancelled_and_the_next_one_is_answered(address: str) -> None:
    program = """
async def main():
    task = asyncio.create_task(awaited.stats())
    await asyncio.sleep(0)
    task.cancel()
    results = await asyncio.gather(task, return_exceptions=True)
    print(type(results[0]).__name__, await ask())

asyncio.run(main())
"""
    assert outcome(address, program) == "CancelledError 0"


def test_a_client_that_is_closed_in_the_middle_of_a_call_says_so_in_its_own_words() -> None:
    # A server that takes the connection and says nothing.
    program = """
import socket
from jobcontrol import ConnectionFailed
mute = socket.create_server(("127.0.0.1", 0))
client = AsyncClient(f"127.0.0.1:{mute.getsockname()[1]}")

async def main():
    task = asyncio.create_task(client.stats())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await client.close()
    try:
        await task
    except ConnectionFailed as error:
        print(type(error.__cause__).__name__)

asyncio.run(main())
"""
    assert outcome("", program) == "CancelledError"

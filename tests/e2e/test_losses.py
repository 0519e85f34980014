"""Each part of the product is lost in the middle of a build, and the build completes as if nothing had been."""

import os
import signal

import pytest

from e2e.builds_under_fire import start_watched_build
from services.processes import is_alive
from services.stack import Stack
from services.valkey import ValkeyServer
from services.waiting import wait_until


def test_a_killed_server_loses_no_build_and_no_event(stack: Stack) -> None:
    server = stack.start_server()
    stack.start_worker()
    build = start_watched_build(stack, server.address)
    build.wait_for_steps(8)
    server.kill()
    before = build.recorder.last_sequence
    stack.start_server(address=server.address)
    build.wait_for_end()
    assert build.recorder.breaks > 0
    assert build.recorder.last_sequence > before
    build.assert_completed_once()


def test_a_killed_worker_process_is_replaced_and_its_steps_run_again(stack: Stack) -> None:
    server = stack.start_server()
    stack.start_worker()
    build = start_watched_build(stack, server.address)
    build.wait_for_steps(8)
    victims = stack.worker_pids()
    os.kill(victims[0], signal.SIGKILL)
    build.wait_for_end()
    assert not is_alive(victims[0])
    wait_until(lambda: set(stack.worker_pids()) - set(victims), "another process took its place")
    build.assert_completed_once()


def test_a_killed_supervisor_takes_its_processes_along_and_another_worker_goes_on(stack: Stack) -> None:
    server = stack.start_server()
    doomed = stack.start_worker()
    build = start_watched_build(stack, server.address)
    build.wait_for_steps(8)
    victims = stack.worker_pids()
    doomed.kill()
    wait_until(lambda: not any(map(is_alive, victims)), "its processes are gone too")
    stack.start_worker()
    build.wait_for_end()
    build.assert_completed_once()


@pytest.mark.on_redis_too
def test_a_killed_redis_that_comes_back_empty_costs_nothing(stack: Stack, own_valkey: ValkeyServer) -> None:
    server = stack.start_server()
    stack.start_worker()
    build = start_watched_build(stack, server.address)
    build.wait_for_steps(8)
    own_valkey.kill()
    for path in own_valkey.directory.glob("appendonlydir/*"):
        path.unlink()
    own_valkey.start()
    build.wait_for_end()
    build.assert_completed_once()


def test_a_flushed_redis_costs_nothing(stack: Stack, own_valkey: ValkeyServer) -> None:
    server = stack.start_server()
    stack.start_worker()
    build = start_watched_build(stack, server.address)
    for count in (4, 8, 12):
        build.wait_for_steps(count)
        own_valkey.flush()
    build.wait_for_end()
    build.assert_completed_once()


@pytest.mark.on_redis_too
def test_a_build_that_was_accepted_without_redis_runs_when_it_is_back(stack: Stack, own_valkey: ValkeyServer) -> None:
    server = stack.start_server()
    stack.start_worker()
    wait_until(lambda: len(stack.worker_pids()) == 2, "both worker processes are up")
    own_valkey.kill()
    build = start_watched_build(stack, server.address, pace=0.0)
    wait_until(lambda: build.recorder.last_sequence == 1, "its watch is served without Redis")
    own_valkey.start()
    build.wait_for_end()
    build.assert_completed_once()


def test_a_build_goes_on_after_everything_was_killed_at_once(stack: Stack, own_valkey: ValkeyServer) -> None:
    server, worker = stack.start_server(), stack.start_worker()
    build = start_watched_build(stack, server.address)
    build.wait_for_steps(8)
    for process in (server, worker):
        process.kill()
    own_valkey.kill()
    own_valkey.start()
    stack.start_server(address=server.address)
    stack.start_worker()
    build.wait_for_end()
    build.assert_completed_once()


def test_a_draining_worker_uses_up_no_try_and_leaves_no_process(stack: Stack) -> None:
    server = stack.start_server()
    leaving = stack.start_worker()
    build = start_watched_build(stack, server.address)
    build.wait_for_steps(8)
    pids = stack.worker_pids()
    assert leaving.terminate() == 0
    assert not any(map(is_alive, pids))
    stack.start_worker()
    build.wait_for_end()
    build.assert_completed_once()

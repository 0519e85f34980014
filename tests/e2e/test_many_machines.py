"""Two servers and three workers on one database and one Redis, while parts of them are killed."""

import os
import signal

from e2e.builds_under_fire import start_watched_build
from services.stack import Stack
from services.valkey import ValkeyServer
from services.waiting import wait_until


def test_two_servers_and_three_workers_share_builds_and_survive_losses(stack: Stack, own_valkey: ValkeyServer) -> None:
    servers = [stack.start_server() for _ in range(2)]
    workers = [stack.start_worker() for _ in range(3)]
    wait_until(lambda: len(stack.worker_pids()) == 6, "six worker processes are up")
    addresses = [server.address for server in servers]
    builds = [
        start_watched_build(stack, *addresses, path_id="first", pace=0.3),
        start_watched_build(stack, *reversed(addresses), path_id="second", pace=0.3),
    ]
    builds[0].wait_for_steps(6)
    servers[0].kill()
    workers[0].kill()
    os.kill(stack.worker_pids()[0], signal.SIGKILL)
    own_valkey.flush()
    for build in builds:
        build.wait_for_end()
        build.assert_completed_once()
    assert builds[0].recorder.breaks > 0, "the first watcher moved to the other server"

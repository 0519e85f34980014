"""Watchers over HTTP see a job whole to its end, whoever is killed and started again; a drain takes no time."""

import json
import signal
import urllib.error
import urllib.request
from typing import Any

import pytest

from e2e.browsing import Watcher, curl_events, event_source, urllib_lines
from e2e.builds_under_fire import start_watched_build
from services.stack import Stack, free_port
from services.waiting import wait_until

CLIENTS = {"EventSource": event_source, "urllib": urllib_lines, "curl": curl_events}
STREAMS = 100


def watching(http: str, job_id: str) -> dict[str, Watcher]:
    """One watcher of each kind, from the first commit on."""
    url = f"http://{http}/jobs/{job_id}/stream"
    return {
        name: Watcher(client(f"{url}?after_sequence=0" if name == "EventSource" else url))
        for name, client in CLIENTS.items()
    }


def assert_all_whole(watchers: dict[str, Watcher]) -> None:
    for name, watcher in watchers.items():
        wait_until(lambda watcher=watcher: watcher.has_ended, f"{name} has seen the end", timeout=90)  # type: ignore[misc]
        watcher.assert_whole()
        assert watcher.breaks > 0, name


def test_a_server_is_killed_and_started_again_and_every_watcher_over_http_sees_all(stack: Stack) -> None:
    http = f"127.0.0.1:{free_port()}"
    server = stack.start_server(http=http)
    stack.start_worker()
    grpc = server.arguments[server.arguments.index("--listen") + 1]
    build = start_watched_build(stack, grpc)
    watchers = watching(http, build.job_id)
    build.wait_for_steps(8)
    wait_until(lambda: all(watcher.messages for watcher in watchers.values()), "all watch")
    server.kill()
    stack.start_server(address=grpc, http=http)
    build.wait_for_end()
    assert_all_whole(watchers)


def test_behind_a_gateway_of_its_own_the_server_is_killed_and_every_watcher_sees_all(stack: Stack) -> None:
    server = stack.start_server()
    gateway = stack.start_gateway(server.address)
    stack.start_worker()
    build = start_watched_build(stack, server.address)
    watchers = watching(gateway.address, build.job_id)
    build.wait_for_steps(8)
    wait_until(lambda: all(watcher.messages for watcher in watchers.values()), "all watch")
    server.kill()
    wait_until(lambda: status(gateway.address, "/readyz") == 503, "the gateway says that the server is away")
    assert status(gateway.address, "/healthz") == 200
    assert status(gateway.address, f"/v1/jobs/{build.job_id}") == 503
    wait_until(lambda: all(watcher.breaks for watcher in watchers.values()), "all have noticed")
    stack.start_server(address=server.address)
    wait_until(lambda: status(gateway.address, "/readyz") == 200, "the gateway has found the server again")
    build.wait_for_end()
    assert_all_whole(watchers)
    assert gateway.terminate() == 0


@pytest.mark.parametrize("kind", ["server", "gateway"])
def test_a_hundred_open_streams_do_not_hold_up_the_end(stack: Stack, kind: str) -> None:
    http = f"127.0.0.1:{free_port()}"
    server = stack.start_server(http=http)
    grpc = server.arguments[server.arguments.index("--listen") + 1]
    ending = server if kind == "server" else stack.start_gateway(grpc)
    job_id = started(http)
    streams = [opened(ending.address, job_id) for _ in range(STREAMS)]
    ending.signal(signal.SIGTERM)
    # Calls under way would have ten seconds.
    wait_until(lambda: ending.has_ended, f"the {kind} has ended", timeout=8)
    assert ending.popen is not None
    assert ending.popen.returncode == 0
    for stream in streams:
        with stream:
            assert b"event: stream-error" in stream.read()
    assert "Traceback" not in ending.log.read_text()


def started(http: str) -> str:
    body = json.dumps({"pathId": "primer", "document": {"sample": True}}).encode()
    request = urllib.request.Request(f"http://{http}/v1/jobs", data=body, headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return str(json.load(answer)["jobId"])


def opened(http: str, job_id: str) -> Any:
    """A stream whose first message has come."""
    url = f"http://{http}/jobs/{job_id}/stream"
    stream = urllib.request.urlopen(urllib.request.Request(url, headers={"Accept": "text/event-stream"}), timeout=60)
    assert any(line.startswith(b"data:") for line in stream)
    return stream


def status(http: str, path: str) -> int:
    try:
        with urllib.request.urlopen(f"http://{http}{path}", timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        return refused.code

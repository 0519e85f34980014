"""A real browser watches a job from another origin's page to its end, whichever process is lost meanwhile."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from e2e.browsing import assert_whole
from e2e.builds_under_fire import WatchedBuild, start_watched_build
from e2e.chromium import Page, shown
from services.stack import SHORT_LEASES, Process, Stack, free_port, opened
from services.valkey import ValkeyServer
from services.waiting import wait_until


@pytest.fixture
def page() -> Iterator[Page]:
    served = Page()
    yield served
    served.close()


@pytest.fixture
def stack(own_valkey: ValkeyServer, page: Page, tmp_path: Path) -> Iterator[Stack]:
    """The page may read what its servers and gateways say."""
    settings = {**SHORT_LEASES, "JOBCONTROL_CORS_ORIGINS": page.origin}
    yield from opened(f"sqlite+pysqlite:///{tmp_path / 'jobcontrol.db'}", own_valkey.url, tmp_path, settings)


@pytest.mark.parametrize("lose", [Process.kill, Process.terminate], ids=["killed", "stopped"])
def test_a_browser_sees_all_though_the_server_was_lost(
    lose: Callable[[Process], object], stack: Stack, page: Page, tmp_path: Path
) -> None:
    grpc, http = (f"127.0.0.1:{free_port()}" for _ in range(2))
    server = stack.start_server(address=grpc, http=http)
    stack.start_worker()
    build = start_watched_build(stack, grpc)
    with shown(page, url_of(http, build), tmp_path):
        watch_until_the_middle(page, build)
        lose(server)
        wait_until(lambda: page.breaks > 0, "the page has noticed")
        stack.start_server(address=grpc, http=http)
        watch_to_the_end(page, build)


def test_a_browser_sees_all_though_the_server_behind_its_gateway_was_lost(
    stack: Stack, page: Page, tmp_path: Path
) -> None:
    server = stack.start_server()
    gateway = stack.start_gateway(server.address)
    stack.start_worker()
    build = start_watched_build(stack, server.address)
    with shown(page, url_of(gateway.address, build), tmp_path):
        watch_until_the_middle(page, build)
        server.kill()
        # Once when the stream breaks, and once more for coming back too early, which must not be the last time.
        wait_until(lambda: page.breaks > 1, "the page has come back while the server was away")
        stack.start_server(address=server.address)
        watch_to_the_end(page, build)


def url_of(http: str, build: WatchedBuild) -> str:
    return f"http://{http}/v1/jobs/{build.job_id}:watch?after_sequence=0"


def watch_until_the_middle(page: Page, build: WatchedBuild) -> None:
    wait_until(lambda: page.messages, "the page watches", timeout=60)
    build.wait_for_steps(8)


def watch_to_the_end(page: Page, build: WatchedBuild) -> None:
    build.wait_for_end()
    wait_until(lambda: page.is_closed, "the page was sent away for good", timeout=60)
    assert_whole(page.messages)
    assert page.ids == [message["sequence"] for message in page.messages]
    assert int(page.ids[-1]) == build.recorder.last_sequence
    build.assert_completed_once()

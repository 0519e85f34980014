"""A watch of the SDK while its server is killed again and again: the exact sequence, and each loss told once."""

import asyncio
from itertools import pairwise

from jobcontrol import SAMPLE, AsyncClient, Client, Event, LinkNotice
from services.stack import Process, Stack

KILLS, MESSAGES_BETWEEN = 3, 2
#: Slow enough that the build goes on for longer than three servers take to start.
SLOWLY = {"pace": 2.5}


class Killer:
    """Kills the server of a watch at the right moments, and starts it again in the same place."""

    def __init__(self, stack: Stack, server: Process) -> None:
        self._stack, self._server = stack, server
        self._kills = self._seen = 0
        self.events: list[Event] = []
        self.notices: list[LinkNotice] = []

    def see(self, event: Event) -> None:
        self.events.append(event)
        self._seen += 1
        if self._kills < KILLS and self._seen > MESSAGES_BETWEEN:
            self._kills, self._seen = self._kills + 1, 0
            self._server.kill()
            self._server = self._stack.start_server(address=self._server.address)

    def assert_exact(self) -> None:
        assert self._kills == KILLS, "all kills took place"
        assert self.events[0].first_sequence == 1
        assert all(later.first_sequence == earlier.sequence + 1 for earlier, later in pairwise(self.events))
        assert self.events[-1].is_last
        assert [notice.is_restored for notice in self.notices] == [False, True] * KILLS


def test_a_watch_across_three_kills_of_the_server_tells_every_commit_once(stack: Stack) -> None:
    killer = Killer(stack, stack.start_server())
    stack.start_worker()
    with Client(killer._server.address) as client:
        job = client.start("learning-path", "primer", document=SAMPLE, parameters=SLOWLY)
        for event in job.watch(after=0, on_link=killer.notices.append):
            killer.see(event)
        assert job.refresh().percent == 100
    killer.assert_exact()


async def test_an_awaited_watch_does_so_too(stack: Stack) -> None:
    killer = Killer(stack, await asyncio.to_thread(stack.start_server))
    await asyncio.to_thread(stack.start_worker)
    async with AsyncClient(killer._server.address) as client:
        job = await client.start("learning-path", "primer", document=SAMPLE, parameters=SLOWLY)
        async for event in job.watch(after=0, on_link=killer.notices.append):
            await asyncio.to_thread(killer.see, event)
        assert (await job.refresh()).percent == 100
    killer.assert_exact()

"""What lies where: pages of our own at exact paths, and the gateway everywhere else."""

from __future__ import annotations

from collections.abc import Mapping

from jobcontrol_server.gateway.exchange import Receive, Scope, Send
from jobcontrol_server.rest.asgi import ROUTE, Application


class Site:
    """`pages` by path, `elsewhere` for all other paths."""

    def __init__(self, pages: Mapping[str, Application], elsewhere: Application) -> None:
        self._pages = dict(pages)
        self._elsewhere = elsewhere

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        page = self._pages.get(scope["path"])
        if page is None:
            await self._elsewhere(scope, receive, send)
        else:
            scope[ROUTE] = scope["path"]
            await page(scope, receive, send)

"""What the parts of REST are to each other: ASGI applications."""

from collections.abc import Awaitable, Callable

from jobcontrol_server.gateway.exchange import Receive, Scope, Send

Application = Callable[[Scope, Receive, Send], Awaitable[None]]
#: Where in the scope a log finds which path template was taken; the gateway leaves it there.
ROUTE = "http.route"

"""The dispatcher: keeps tickets, leases, due retries and stopping jobs true, whatever got lost."""

from jobcontrol_server.dispatch.dispatcher import Dispatcher

__all__ = ["Dispatcher"]

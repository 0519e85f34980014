"""A streaming RPC sent on as it comes: read no faster than the client reads, and cancelled when it leaves."""

import asyncio
from typing import Any

import grpc

from jobcontrol_server.gateway.errors import failure_of
from jobcontrol_server.gateway.exchange import BrokenOff, ClientGone, Exchange
from jobcontrol_server.gateway.failures import Failure
from jobcontrol_server.gateway.framing import Framing
from jobcontrol_server.gateway.headers import headers_of

#: Seconds that a client gets to take the word that its stream is cut off.
_FAREWELL = 0.5


async def serve_stream(
    call: Any, framing: Framing, exchange: Exchange, draining: asyncio.Event, *, last_id: str = ""
) -> None:
    """Send the messages of a call until it ends, fails, the client leaves, or the gateway drains.

    `last_id` is what a client that resumes has seen last.
    The call never outlives this. Raises ClientGone if the client left, Failure if there is one before the head of the
    answer is out, and BrokenOff for one after it that the framing cannot tell.
    """
    pump = asyncio.ensure_future(_pump(call, framing, exchange, last_id))
    leaving, drained = asyncio.ensure_future(exchange.gone()), asyncio.ensure_future(draining.wait())
    try:
        await asyncio.wait({pump, leaving, drained}, return_when=asyncio.FIRST_COMPLETED)
        if pump.done() and not pump.cancelled():
            pump.result()
            return
        if leaving.done():
            raise ClientGone
        # A pump that is cancelled already was, because the channel closes.
        pump.cancel()
        await asyncio.wait({pump})
        await _break_off(draining_failure(), framing, exchange)
    finally:
        # Since grpcio 1.83 nobody else cancels a call that is left half read.
        call.cancel()
        for task in (pump, leaving, drained):
            task.cancel()
        await asyncio.gather(pump, leaving, drained, return_exceptions=True)


def draining_failure() -> Failure:
    """What a stream gets that the gateway cannot go on with; the caller may come again at once."""
    return Failure(grpc.StatusCode.UNAVAILABLE.value[0], "the gateway is shutting down")


async def _pump(call: Any, framing: Framing, exchange: Exchange, last_id: str) -> None:
    try:
        message = await call.read()
        first = message if message is not grpc.aio.EOF else None
        if first is not None and framing.is_over(first, last_id):
            await exchange.answer(204, b"", [])
            return
        content = framing.opening + (framing.frame(first) if first is not None else b"")
        metadata = headers_of(await call.initial_metadata())
        await exchange.begin(200, [*framing.headers(first), *metadata])
        await exchange.write(content)
        while first is not None and (message := await call.read()) is not grpc.aio.EOF:
            await exchange.write(framing.frame(message))
    except grpc.aio.AioRpcError as error:
        await _break_off(failure_of(error), framing, exchange)
    except Failure as failure:
        await _break_off(failure, framing, exchange)
    else:
        await exchange.end(framing.ending)


async def _break_off(failure: Failure, framing: Framing, exchange: Exchange) -> None:
    if not exchange.has_begun:
        raise failure
    told = framing.failure(failure)
    if told is None:
        raise BrokenOff(failure)
    try:
        async with asyncio.timeout(_FAREWELL):
            await exchange.end(told)
    except TimeoutError:
        raise ClientGone from None

"""The result of a job, read whole; begun again if the link breaks on the way."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from jobcontrol import v1 as pb
from jobcontrol._rpcs import GET_RESULT
from jobcontrol._transport import Transport
from jobcontrol.errors import ApiError, ConnectionFailed, RequestTimeout

TRIES = 4
#: Seconds of silence after which a try has failed.
SILENCE = 20.0


def read_result(
    transport: Transport, job_id: str, media_type: str, pause: Callable[[float], None] = time.sleep
) -> tuple[str, bytes]:
    """The media type that the server sent, and the bytes."""
    for failed_tries in range(1, TRIES):
        try:
            return _read_once(transport, job_id, media_type)
        except (ConnectionFailed, RequestTimeout, ApiError) as error:
            if isinstance(error, ApiError) and not error.retryable:
                raise
            pause(0.1 * 2**failed_tries * random.uniform(0.5, 1.0))
    return _read_once(transport, job_id, media_type)


def _read_once(transport: Transport, job_id: str, media_type: str) -> tuple[str, bytes]:
    stream = transport.open(GET_RESULT, pb.GetResultRequest(job_id=job_id, media_type=media_type))
    found, chunks = media_type, list[bytes]()
    try:
        while (part := stream.read(SILENCE)) is not None:
            found = part.media_type or found
            chunks.append(part.chunk)
    finally:
        stream.cancel()
    return found, b"".join(chunks)

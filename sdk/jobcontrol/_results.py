"""The result of a job, read whole; begun again if the link breaks on the way."""

from __future__ import annotations

import random

from jobcontrol import v1 as pb
from jobcontrol._plans import Limits, Plan, is_worth_another_try, open_stream, pause, read
from jobcontrol._rpcs import GET_RESULT
from jobcontrol.errors import ApiError, ConnectionFailed, RequestTimeout


def read_result(job_id: str, media_type: str, limits: Limits) -> Plan[tuple[str, bytes]]:
    """The media type that the server sent, and the bytes. `limits.timeout` bounds each silence."""
    for failed_tries in range(limits.retries):
        try:
            return (yield from _read_once(job_id, media_type, limits))
        except (ConnectionFailed, RequestTimeout, ApiError) as error:
            if not is_worth_another_try(error):
                raise
        yield from pause(0.2 * 2.0**failed_tries * random.uniform(0.5, 1.0))
    return (yield from _read_once(job_id, media_type, limits))


def _read_once(job_id: str, media_type: str, limits: Limits) -> Plan[tuple[str, bytes]]:
    stream = yield from open_stream(GET_RESULT, pb.GetResultRequest(job_id=job_id, media_type=media_type), limits)
    found, chunks = media_type, list[bytes]()
    try:
        while (part := (yield from read(stream, limits.timeout))) is not None:
            found = part.media_type or found
            chunks.append(part.chunk)
    finally:
        stream.cancel()
    return found, b"".join(chunks)

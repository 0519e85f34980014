"""Lists that come in pages, read as one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

from jobcontrol import v1 as pb
from jobcontrol._rpcs import Rpc
from jobcontrol._transport import Transport

#: Most things asked for in one page; the server allows 1,000.
PAGE_SIZE = 200

PageRequest = TypeVar(
    "PageRequest",
    pb.ListJobsRequest,
    pb.ListStepsRequest,
    pb.ListEventsRequest,
    pb.ListPipelinesRequest,
    pb.ListWorkersRequest,
    pb.ListQueuesRequest,
    pb.ListDeadLettersRequest,
    pb.ListErrorGroupsRequest,
)
PageAnswer = TypeVar(
    "PageAnswer",
    pb.ListJobsResponse,
    pb.ListStepsResponse,
    pb.ListEventsResponse,
    pb.ListPipelinesResponse,
    pb.ListWorkersResponse,
    pb.ListQueuesResponse,
    pb.ListDeadLettersResponse,
    pb.ListErrorGroupsResponse,
)


def read_pages(
    transport: Transport, rpc: Rpc[PageRequest, PageAnswer], first: PageRequest, *, size: int = PAGE_SIZE
) -> Iterator[PageAnswer]:
    """One answer after the other until the token is empty, each fetched when it is asked for."""
    token = ""
    while True:
        request = rpc.request(page_size=max(1, min(size, PAGE_SIZE)), page_token=token)
        request.MergeFrom(first)
        page = transport.call(rpc, request)
        yield page
        if not (token := page.next_page_token):
            return

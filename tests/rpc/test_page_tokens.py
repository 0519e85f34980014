"""Page tokens are good for their own list alone, on every server of one database."""

import base64
import json
from typing import Any

import pytest

from jobcontrol import v1 as pb
from jobcontrol_core.domain.errors import PageTokenInvalid, PageTokenMismatch
from jobcontrol_server.rpc.pages import MOST, PageTokens, page_size
from rpc.serving import Serving, refused

TOKENS = PageTokens("sqlite:///a.db")
KEY = [1_700_000_000_000_000, "0190"]


def request(**fields: Any) -> pb.ListJobsRequest:
    return pb.ListJobsRequest(path_id="p", **fields)


def test_a_token_gives_its_key_back_whatever_the_page_size() -> None:
    token = TOKENS.issue(request(page_size=5), "", KEY)
    assert TOKENS.read(request(page_token=token, page_size=50, limit=50), "") == KEY
    assert TOKENS.read(request(), "") is None


def test_servers_of_one_database_read_each_others_tokens_and_others_do_not() -> None:
    token = TOKENS.issue(request(), "", KEY)
    assert PageTokens("sqlite:///a.db").read(request(page_token=token), "") == KEY
    with pytest.raises(PageTokenInvalid):
        PageTokens("sqlite:///b.db").read(request(page_token=token), "")


def test_a_token_is_refused_for_other_arguments_another_list_and_another_tenant() -> None:
    token = TOKENS.issue(request(), "", KEY)
    for other, tenant in (
        (pb.ListJobsRequest(path_id="q", page_token=token), ""),
        (pb.ListJobsRequest(page_token=token), ""),
        (pb.ListPipelinesRequest(page_token=token), ""),
        (request(page_token=token), "else"),
    ):
        with pytest.raises(PageTokenMismatch):
            TOKENS.read(other, tenant)


def test_no_byte_of_a_token_can_be_changed() -> None:
    token = TOKENS.issue(request(), "", KEY)
    sealed = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    for place in range(len(sealed)):
        forged = bytearray(sealed)
        forged[place] ^= 1
        with pytest.raises(PageTokenInvalid):
            TOKENS.read(request(page_token=base64.urlsafe_b64encode(bytes(forged)).decode()), "")


@pytest.mark.parametrize("token", ["x", "====", "AAAA", "a b", "é", base64.urlsafe_b64encode(b"\0" * 80).decode()])
def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(PageTokenInvalid):
        TOKENS.read(request(page_token=token), "")


def test_a_token_tells_no_more_than_it_must() -> None:
    token = TOKENS.issue(request(), "", KEY)
    body = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))[16:]
    version, key, digest = json.loads(body)
    assert (version, key, len(digest)) == (1, KEY, 32)


def test_a_page_has_its_usual_size_or_the_one_asked_up_to_the_most() -> None:
    assert [page_size(asked, 50) for asked in (0, 1, 1_000, 5_000)] == [50, 1, MOST, MOST]


async def test_a_token_is_refused_over_the_wire_with_its_reason(server: Serving) -> None:
    for path in ("a", "b"):
        await server.start(path)
    token = (await server.stub.ListJobs(pb.ListJobsRequest(page_size=1))).next_page_token
    forged = token[:-2] + ("AA" if not token.endswith("AA") else "BB")
    assert (await refused(server.stub.ListJobs(pb.ListJobsRequest(page_token=forged)))).reason == "PAGE_TOKEN_INVALID"
    other = pb.ListJobsRequest(page_token=token, path_id="a")
    assert (await refused(server.stub.ListJobs(other))).reason == "PAGE_TOKEN_MISMATCH"

"""Encrypted connections: each side sees whom it talks to, and both clients say so in their own words if not."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest

from jobcontrol import AsyncClient, Client, Stats, Tls
from jobcontrol import v1 as pb
from jobcontrol.errors import ConnectionFailed, InvalidInput
from sdk.certificates import make_certificates


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("certificates")
    make_certificates(made)
    return made


class Statistics(grpc.GenericRpcHandler):
    """Answers every call with how many tokens it has heard."""

    def __init__(self) -> None:
        self.tokens: list[str] = []

    def service(self, details: grpc.HandlerCallDetails) -> "grpc.RpcMethodHandler[Any, Any]":
        self.tokens.append(str(dict(details.invocation_metadata).get("authorization")))
        return grpc.unary_unary_rpc_method_handler(
            lambda request, context: pb.GetStatsResponse(active=len(self.tokens)),
            response_serializer=pb.GetStatsResponse.SerializeToString,
        )


@pytest.fixture
def heard() -> Statistics:
    return Statistics()


@pytest.fixture
def server(folder: Path, heard: Statistics) -> Iterator[str]:
    """A server that wants to see a certificate of the authority."""
    key, chain, roots = (folder.joinpath(name).read_bytes() for name in ("server.key", "server.pem", "ca.pem"))
    credentials = grpc.ssl_server_credentials([(key, chain)], roots, require_client_auth=True)
    with ThreadPoolExecutor(2) as pool:
        running = grpc.server(pool, handlers=[heard])
        port = running.add_secure_port("127.0.0.1:0", credentials)
        running.start()
        yield f"127.0.0.1:{port}"
        running.stop(grace=0).wait()


def blocking(server: str, tls: Tls) -> Stats:
    with Client(server, token="a-secret", tls=tls, retries=0) as client:
        return client.stats()


def awaited(server: str, tls: Tls) -> Stats:
    async def ask() -> Stats:
        async with AsyncClient(server, token="a-secret", tls=tls, retries=0) as client:
            return await client.stats()

    return asyncio.run(ask())


BOTH = pytest.mark.parametrize("ask", [blocking, awaited])
Ask = Callable[[str, Tls], Stats]


@BOTH
def test_a_client_that_shows_its_certificate_is_answered_and_its_token_arrives(
    ask: Ask, server: str, folder: Path, heard: Statistics
) -> None:
    tls = Tls(folder / "ca.pem", folder / "client.pem", folder / "client.key")
    assert ask(server, tls).active == 1
    assert heard.tokens == ["Bearer a-secret"]


@BOTH
def test_a_client_without_a_certificate_gets_no_connection(ask: Ask, server: str, folder: Path) -> None:
    with pytest.raises(ConnectionFailed):
        ask(server, Tls(folder / "ca.pem"))


@BOTH
def test_a_server_that_nobody_vouches_for_is_not_talked_to(
    ask: Ask, server: str, folder: Path, heard: Statistics
) -> None:
    with pytest.raises(ConnectionFailed, match="certificate"):
        ask(server, Tls(client_certificate=folder / "client.pem", client_key=folder / "client.key"))
    assert heard.tokens == []


@BOTH
def test_a_certificate_that_cannot_be_read_is_named(ask: Ask, folder: Path) -> None:
    with pytest.raises(InvalidInput, match=r"gone\.pem cannot be read: No such file"):
        ask("127.0.0.1:1", Tls(folder / "gone.pem"))


@BOTH
def test_a_server_without_tls_is_told_apart(ask: Ask, address: str, folder: Path) -> None:
    with pytest.raises(ConnectionFailed, match="does not speak TLS"):
        ask(address, Tls(folder / "ca.pem"))

"""What every channel to a server has in common, whichever stack of grpcio it belongs to."""

from __future__ import annotations

import json
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import grpc

from jobcontrol._requests import invalid
from jobcontrol._rpcs import RETRIED, SERVICE, Rpc
from jobcontrol._settings import Tls
from jobcontrol.errors import ConnectionFailed

MAX_MESSAGE_BYTES = 16 * 1024 * 1024
#: grpcio makes no more tries than five, the first one among them.
MOST_RETRIES = 4

Metadata = tuple[tuple[str, str], ...]


def bearer(token: str) -> Metadata:
    """What every call carries to prove who we are. Raises InvalidInput for what cannot be sent."""
    if not token.isascii() or not token.isprintable() or token != token.strip():
        raise invalid("token", "needs printable ASCII characters, and no space around them")
    return (("authorization", f"Bearer {token}"),) if token else ()


def credentials_of(tls: Tls) -> grpc.ChannelCredentials:
    """The certificates, read now. Raises InvalidInput for files that cannot be."""
    return grpc.ssl_channel_credentials(
        _pem("root_certificates", tls.root_certificates),
        _pem("client_key", tls.client_key),
        _pem("client_certificate", tls.client_certificate),
    )


def _pem(name: str, path: Path | None) -> bytes | None:
    try:
        return path.read_bytes() if path else None
    except OSError as problem:
        raise invalid(f"tls.{name}", f"{path} cannot be read: {problem.strerror}") from problem


def codecs_of(rpc: Rpc[Any, Any]) -> dict[str, Any]:
    """How the messages of an RPC become bytes and come back."""
    return {
        "request_serializer": rpc.request.SerializeToString,
        "response_deserializer": rpc.answer.FromString,
    }


def closed_meanwhile(address: str) -> ConnectionFailed:
    """The client was closed, by another thread or task, while it had a call to make."""
    return ConnectionFailed(f"the connection to {address} was closed meanwhile", address=address, why="closed")


def check_address(address: str) -> None:
    """Turn down the address of a page, which gRPC would take for a strange host."""
    if address.startswith(("http://", "https://")):
        hint = "give host and port of gRPC, for example localhost:50051"
        raise ConnectionFailed(f"{address} is the address of a web page", hint, address=address, why="a web page")


def channel_options(retries: int) -> list[tuple[str, Any]]:
    return [
        ("grpc.service_config", json.dumps(_service_config(retries))),
        ("grpc.enable_retries", 1),
        ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
        ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
        ("grpc.primary_user_agent", f"jobcontrol/{_version()}"),
        ("grpc.keepalive_time_ms", 30_000),
        ("grpc.keepalive_timeout_ms", 10_000),
        # By default a channel waits up to two minutes before it looks for a server that went away.
        ("grpc.initial_reconnect_backoff_ms", 200),
        ("grpc.min_reconnect_backoff_ms", 1_000),
        ("grpc.max_reconnect_backoff_ms", 2_000),
    ]


def _service_config(retries: int) -> dict[str, Any]:
    """Calls that may be sent twice are, by grpcio itself, while no answer of the server's own has come."""
    if retries < 1:
        return {}
    policy = {
        "maxAttempts": 1 + min(retries, MOST_RETRIES),
        # Each pause is a random share of a span that doubles: three of them outlast the restart of a server.
        "initialBackoff": "0.2s",
        "maxBackoff": "5s",
        "backoffMultiplier": 2,
        "retryableStatusCodes": ["UNAVAILABLE"],
    }
    names = [{"service": SERVICE, "method": rpc.name} for rpc in RETRIED]
    return {"methodConfig": [{"name": names, "retryPolicy": policy}]}


def _version() -> str:
    try:
        return version("jobcontrol")
    except PackageNotFoundError:
        return "unknown"

"""Headers of a request as metadata of the call, and metadata of the answer as headers: rule R12."""

import base64
import binascii
import re
from collections.abc import Iterable, Iterator

from google.rpc import code_pb2

from jobcontrol_server.gateway.failures import Failure, malformed

Header = tuple[bytes, bytes]
Metadata = tuple[tuple[str, str | bytes], ...]

_PREFIX = "grpc-metadata-"
#: The permanent request headers of IANA's registry that say something to a service.
_PERMANENT = frozenset(
    "accept accept-charset accept-language accept-ranges cache-control content-type cookie date expect from host "
    "if-match if-modified-since if-none-match if-schedule-tag-match if-unmodified-since max-forwards origin pragma "
    "referer user-agent via warning".split()
)
#: What the gateway, or grpc itself, says; nobody says it in their stead.
_OURS = frozenset(
    "connection content-type forwarded host keep-alive proxy-connection te transfer-encoding upgrade user-agent "
    "x-forwarded-for x-forwarded-host x-real-ip".split()
)
_KEY = re.compile(r"[0-9a-z_.-]+")
_VALUE = re.compile(r"[\x20-\x7e]*")
_TIMEOUT = re.compile(r"([0-9]{1,8})([HMSmun])")
#: A deadline of millennia would be taken for one that has passed.
_LONGEST = 366 * 86400.0
_SECONDS = {"H": 3600.0, "M": 60.0, "S": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9}
#: Of an answer's metadata, what grpc itself adds.
_OF_TRANSPORT = frozenset({"content-type", "user-agent", "date", "server", "accept-encoding", "te"})


def metadata_of(headers: Iterable[Header], client: str | None) -> Metadata:
    """The metadata of a call. Raises Failure for a -bin value that is not base64.

    What metadata cannot hold (values outside of printable ASCII, odd names, grpc's own keys) is left out.
    """
    named = [(name.decode("latin-1").lower(), value.decode("latin-1").strip()) for name, value in headers]
    found = [entry for name, value in named for entry in _entries(name, value)]
    return (*found, *_forwarded(named, client))


def timeout_of(headers: Iterable[Header]) -> float | None:
    """The seconds that Grpc-Timeout gives, None without one. Raises Failure for what is no deadline, or has passed."""
    texts = [value.decode("latin-1") for name, value in headers if name.lower() == b"grpc-timeout"]
    if not texts:
        return None
    found = _TIMEOUT.fullmatch(texts[-1])
    if found is None:
        raise malformed("Grpc-Timeout is a whole number and one of H, M, S, m, u, n, like 30S")
    if int(found[1]) == 0:
        # grpc would take it for none at all.
        raise Failure(code_pb2.DEADLINE_EXCEEDED, "the deadline has passed before the call")
    return min(int(found[1]) * _SECONDS[found[2]], _LONGEST)


def headers_of(metadata: Iterable[tuple[str, str | bytes]]) -> list[Header]:
    """An answer's metadata as Grpc-Metadata-* headers."""
    return [
        (f"{_PREFIX}{key}".encode("ascii"), _header_value(value))
        for key, value in metadata
        if key not in _OF_TRANSPORT and not key.startswith("grpc-")
    ]


def _entries(name: str, value: str) -> Iterator[tuple[str, str | bytes]]:
    if name == "authorization":
        key = name
    elif name.startswith(_PREFIX):
        key = name.removeprefix(_PREFIX)
        if key in _OURS or key.startswith("grpcgateway-"):
            return
    elif name in _PERMANENT:
        key = f"grpcgateway-{name}"
    else:
        return
    if key.startswith("grpc-") or not _KEY.fullmatch(key):
        return
    if key.endswith("-bin"):
        yield key, _unpadded_base64(name, value)
    elif _VALUE.fullmatch(value):
        yield key, value


def _unpadded_base64(name: str, value: str) -> bytes:
    bare = value.rstrip("=")
    try:
        return base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise malformed(f"{name} is not base64") from error


def _forwarded(named: list[tuple[str, str]], client: str | None) -> Iterator[tuple[str, str]]:
    hops = [value for name, value in named if name == "x-forwarded-for" and value]
    chain = ", ".join([*hops, *([client] if client else [])])
    if chain and _VALUE.fullmatch(chain):
        yield "x-forwarded-for", chain
    by_name = dict(reversed(named))
    host = by_name.get("x-forwarded-host") or by_name.get("host", "")
    if host and _VALUE.fullmatch(host):
        yield "x-forwarded-host", host


def _header_value(value: str | bytes) -> bytes:
    if isinstance(value, bytes):
        return base64.b64encode(value)
    return value.encode("utf-8")

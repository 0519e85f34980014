"""Addresses to listen on, host:port: whom they let in, how this machine dials them, and why one cannot be had."""

from __future__ import annotations

import ipaddress


class AddressTaken(Exception):
    """Nothing can listen there. `option` is the one that chooses another."""

    def __init__(self, address: str, why: str, option: str = "--listen") -> None:
        super().__init__(f"cannot listen on {address} ({why}); choose another: {option} HOST:PORT")


def split(address: str) -> tuple[str, int]:
    """The host, without the brackets of IPv6, and the port."""
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def is_loopback(address: str) -> bool:
    """Whether this machine alone can reach it. A name other than localhost may mean anything, so it is not."""
    host, _ = split(address)
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def dialled(address: str) -> str:
    """What this machine dials to reach a server of its own that listens there, on all its addresses perhaps."""
    host, port = split(address)
    return {"0.0.0.0": f"127.0.0.1:{port}", "::": f"[::1]:{port}"}.get(host, address)

"""Does the platform listen on this machine alone? Standard library, for the doctor runs before any environment exists."""

from __future__ import annotations

import ipaddress
import socket

BIND_SETTING = "PATTERNALARM_BIND_HOST"
LOOPBACK = "127.0.0.1"


def why_exposed(host: str) -> str:
    """Why ``host`` is refused as what the platform's servers listen on, with the remedy; empty when it is this machine's own."""
    try:
        # What a name stands for is asked once, as the servers would.
        addresses = {str(info[4][0]).partition("%")[0] for info in socket.getaddrinfo(host, None)}
    except (OSError, UnicodeError):
        addresses = set()
    if addresses and all(ipaddress.ip_address(address).is_loopback for address in addresses):
        return ""
    return (
        f"{BIND_SETTING}={host} is not this machine alone, and Flink, Kafka and the supervisor ask for no password or "
        f"certificate that holds on a network: whoever reaches them may run programs here. Leave {BIND_SETTING} out, or set it "
        f"to {LOOPBACK}; from elsewhere come through a tunnel, like `ssh -L`"
    )

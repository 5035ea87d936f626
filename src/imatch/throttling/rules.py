"""Rate limits, and the network by which anonymous tries are counted."""

import ipaddress
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class TryLimit:
    """At most `tries` for one subject within `window`."""

    name: str
    tries: int
    window: timedelta


TRY_RETENTION = timedelta(days=1)


def network_of(address: str) -> str:
    """The network to count tries by: an IPv4 address, or the /64 of an IPv6 address."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4:  # noqa: PLR2004 -- IP version
        return str(parsed)
    return str(ipaddress.ip_network((parsed, 64), strict=False))

"""A client's address in a line of the log: whoever writes one writes a `Client`, and the log's policy shortens it."""

import ipaddress
import logging
from dataclasses import dataclass

from ui.settings import Addresses

NOWHERE = "nowhere"
WITHHELD = "somebody"
SHORT_BITS = {4: 24, 6: 48}


@dataclass(frozen=True, slots=True)
class Client:
    """Where somebody connects from, as the log may say it; by itself it tells the network alone."""

    address: str

    def told(self, policy: Addresses) -> str:
        """As much of it as the policy lets into the log."""
        if policy is Addresses.NONE:
            return WITHHELD
        return shorten(self.address, policy) or NOWHERE

    def __str__(self) -> str:
        return self.told(Addresses.NETWORK)


class Shortening(logging.Filter):
    """Tells each client in a line of the log as the policy allows."""

    def __init__(self, policy: Addresses) -> None:
        super().__init__()
        self._policy = policy

    def filter(self, record: logging.LogRecord) -> bool:
        """Every line, with what it says of clients."""
        if isinstance(record.args, tuple):
            record.args = tuple(one.told(self._policy) if isinstance(one, Client) else one for one in record.args)
        return True


def shorten(address: str, policy: Addresses) -> str:
    """As much of a client's address as the policy lets into the log, "" for none of it and for what is no address."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return ""
    if policy is Addresses.NONE:
        return ""
    if policy is Addresses.FULL:
        return address
    return str(ipaddress.ip_network((parsed, SHORT_BITS[parsed.version]), strict=False))

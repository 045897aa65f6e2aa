"""Where events may be sent: hosts that are listed, at addresses that anybody could reach, looked up once.

Whoever registers a webhook chooses an address that we then call from within. So the host must be listed; its name is
resolved once, for the very connection that is made; and what it resolves to must lie in the open: nothing of this
machine, this network, this cloud.
"""

import asyncio
import socket
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import cast
from urllib.parse import SplitResult, urlsplit

import httpcore

LONGEST_URL = 500
LONGEST_LABEL = 63
"""Between two dots of a name; no resolver takes a longer one, nor none at all."""
MOST_TRIED = 3
"""Addresses of one name, which may have one of a network that is not ours."""
_PORTS = {"https": 443, "http": 80}
_TRANSLATED = IPv6Network("64:ff9b::/96")
"""Addresses of IPv4 as networks that have none reach them (NAT64)."""


class AddressRefused(Exception):
    """The host has no address in the open."""


class UrlRefused(ValueError):
    """`message` and `remedy` are for whoever registers it."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


class Hosts:
    """Which hosts are listed, and which of these are one's own."""

    def __init__(self, listed: str, inner: str) -> None:
        self._listed = frozenset(_entries(listed))
        self._inner = frozenset(_entries(inner))

    def require(self, url: str) -> None:
        """Raises UrlRefused: nothing may be sent there."""
        parts, port = _parts(url)
        host = parts.hostname or ""
        if self.is_inner(host, port):
            return
        if parts.scheme != "https":
            raise UrlRefused("is not https", "Send an address that begins with https://.")
        parents = (host.split(".", nth)[-1] for nth in range(1, host.count(".") + 1))
        if not self._listed.intersection([(host, port), *((f"*.{parent}", port) for parent in parents)]):
            raise UrlRefused(
                "is of a host that is not listed here",
                "Ask the operator to add it to DOORSTEP_WEBHOOK_HOSTS.",
            )

    def is_inner(self, host: str, port: int) -> bool:
        return (host, port) in self._inner


class Resolved(httpcore.AsyncNetworkBackend):
    """Connects to the address that was looked at, never to a name."""

    def __init__(self, hosts: Hosts) -> None:
        self._hosts = hosts
        self._network = cast("httpcore.AsyncNetworkBackend", httpcore.AnyIOBackend())

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the library's signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Raises AddressRefused, and what the library raises."""
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as unknown:
            raise httpcore.ConnectError(str(unknown)) from None
        inner = self._hosts.is_inner(host, port)
        addresses = [str(address) for *_, (address, *_) in found if inner or in_the_open(str(address))]
        failed: Exception = AddressRefused()
        for address in addresses[:MOST_TRIED]:
            try:
                return await self._network.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as unreached:
                failed = unreached
        raise failed

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def in_the_open(address: str) -> bool:
    """Whether anybody on the internet could reach it: not private, local, shared, reserved, or one of many."""
    try:
        known = ip_address(address)
    except ValueError:
        return False
    if isinstance(known, IPv6Address):
        within = known.ipv4_mapped or known.sixtofour or (known.teredo or (None, None))[1]
        if known in _TRANSLATED:
            within = IPv4Address(known.packed[12:])
        if within is not None:
            return in_the_open(str(within))
    return known.is_global and not known.is_multicast


def _parts(url: str) -> tuple[SplitResult, int]:
    """Raises UrlRefused: it is no address that something could be sent to."""
    whole = "Send a whole address, as https://hooks.example.org/doorstep."
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS[parts.scheme]
    except (ValueError, KeyError):
        raise UrlRefused("is not a web address", whole) from None
    if not parts.hostname or not url.isascii() or not url.isprintable() or " " in url:
        raise UrlRefused("is not a web address", whole)
    if not all(0 < len(label) <= LONGEST_LABEL for label in parts.hostname.removesuffix(".").split(".")):
        raise UrlRefused("is of a host whose name can't be looked up", "Write 1 to 63 letters between two of its dots.")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise UrlRefused("holds a name, a password or a fragment", "Leave these out; what is sent is signed.")
    return parts, port


def _entries(listed: str) -> Iterable[tuple[str, int]]:
    for entry in listed.split(","):
        host, _, port = entry.strip().lower().partition(":")
        if host:
            yield host, int(port or 443)

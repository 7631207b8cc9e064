"""What a URL may reach: the administrator's allow-list, and the addresses that need naming.

An entry of the list is one of

- ``https://*``                      any host with a public address
- ``https://*.example.com``          any host below a domain, if its address is public
- ``https://photos.example.com/2024/``   one host (and port, and path prefix), whatever its address
- ``file:///var/photos``             files below a folder, symbolic links resolved

A private, loopback, link-local or otherwise special address is reached only by a host that an entry
names outright. Addresses are checked after the name was resolved (see transport.py), on every redirect.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, replace
from urllib.parse import SplitResult, urlsplit

from ..errors import BAD_ARGUMENT, NOT_ALLOWED, PolarAIError
from ..paths import masked

DEFAULT_PORTS = {"http": 80, "https": 443}
# Where clouds keep their metadata beside the link-local range: Alibaba Cloud, Oracle, Azure, AWS, Google.
METADATA = ("100.100.100.200", "192.0.0.192", "168.63.129.16", "fd00:ec2::254", "fd20:ce::254")
# Further IPv6 addresses that end in an IPv4 address: private NAT64, and two ways of old.
ENDS_IN_IPV4 = [ipaddress.ip_network(network) for network in ("64:ff9b:1::/48", "::/96", "::ffff:0:0:0/96")]


@dataclass(frozen=True)
class Grant:
    """How far an allowed URL may reach beyond public addresses.

    ``special`` includes private and loopback addresses, ``link_local`` those where clouds keep their metadata.
    """

    special: bool
    link_local: bool = False


@dataclass(frozen=True)
class AllowList:
    """The administrator's ``entries``, and the URLs that the registry itself names: a model's, a location's.

    Such a URL of ours may be private, but never link-local.
    """

    entries: tuple[str, ...] = ()
    own: tuple[str, ...] = ()

    def naming(self, *urls: str) -> AllowList:
        """Return the list with ``urls`` as what the registry names."""
        return replace(self, own=urls)

    def grant(self, url: str) -> Grant:
        """Return how far ``url`` may reach; raise NOT_ALLOWED if nothing names it."""
        parts = parse_url(url)
        matches = [entry for entry in (*self.entries, *self.own) if _matches(parts, entry)]
        if not matches:
            raise not_allowed(url)
        named = [entry for entry in matches if "*" not in entry]
        return Grant(special=bool(named), link_local=any(entry in self.entries for entry in named))


# White space, control characters, and a backslash.
_UNFIT = re.compile(r"[\s\x00-\x1f\\]")


def parse_url(url: str) -> SplitResult:
    """Split ``url``, which has to be absolute and http or https; its message never shows credentials."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise PolarAIError("the URL cannot be read: it is malformed", sqlstate=BAD_ARGUMENT, stage="load") from None
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
        # Of what cannot be told apart into user, password and host, only the scheme is shown.
        shown = f"{parts.scheme}:…" if parts.scheme else masked(url)
        raise PolarAIError(
            f"cannot reach {shown}: not an http or https URL with a host",
            sqlstate=BAD_ARGUMENT,
            stage="load",
        )
    # A backslash ends the host for the library that connects, and not for the one that reads it here.
    if port == 0 or _UNFIT.search(url):
        raise PolarAIError(f"the URL {masked(url)} is malformed", sqlstate=BAD_ARGUMENT, stage="load")
    return parts


def check_address(address: str, grant: Grant, origin: str) -> None:
    """Raise NOT_ALLOWED where ``address``, which ``origin``'s host name led to, is beyond ``grant``."""
    if is_link_local(address) and not grant.link_local:
        raise not_allowed(origin, address)
    if (is_special(address) or is_link_local(address)) and not grant.special:
        raise not_allowed(origin, address)


def is_link_local(address: str) -> bool:
    """Tell whether an IP address, or the IPv4 address in it, is link-local: where metadata services are."""
    ip = _plain(address)
    if any(ip in network for network in ENDS_IN_IPV4):
        ip = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.is_link_local or str(ip) in METADATA


def not_allowed(url: str, address: str | None = None) -> PolarAIError:
    """Return the refusal of ``url``, or of the special ``address`` that its host name leads to."""
    parts = urlsplit(url)
    origin = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    why = "it is not on the allow-list" if address is None else f"{address} is not a public address"
    return PolarAIError(
        f"refused to reach {masked(url)}: {why}",
        sqlstate=NOT_ALLOWED,
        hint=f"An administrator can allow it: select polar_ai.ai_allow('{origin}');",
        stage="load",
    )


def is_special(address: str) -> bool:
    """Tell whether an IP address is anything but a public unicast one."""
    ip = _plain(address)
    if isinstance(ip, ipaddress.IPv6Address) and (ip.is_site_local or ip.is_reserved):
        return True
    return not ip.is_global or ip.is_multicast


def _plain(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """Return the address; of an IPv4 address in IPv6 clothes, the IPv4 address that it reaches."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv4Address):
        return ip
    inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
    if inner is None and ip in ipaddress.ip_network("64:ff9b::/96"):
        inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return inner or ip


def _matches(parts: SplitResult, entry: str) -> bool:
    try:
        rule = urlsplit(entry)
        rule_port = rule.port
    except ValueError:
        return False  # an entry that cannot be read allows nothing, and is in nobody's way
    if rule.scheme != parts.scheme or rule.scheme not in DEFAULT_PORTS:
        return False
    host = (parts.hostname or "").rstrip(".").lower()
    wanted = (rule.hostname or "").rstrip(".").lower()
    if wanted.startswith("*."):
        if not host.endswith(wanted[1:]):
            return False
    elif wanted not in ("*", host):
        return False
    if wanted != "*" or rule_port:
        default = DEFAULT_PORTS[rule.scheme]
        if (parts.port or default) != (rule_port or default):
            return False
    prefix = rule.path.rstrip("/")
    # No dot segments, however written: "/photos/..%2Fadmin" is not below "/photos".
    plain = parts.path.lower().replace("%2e", ".").replace("%2f", "/").replace("%5c", "/")
    segments = plain.split("/")
    return not prefix or (".." not in segments and (parts.path == prefix or parts.path.startswith(prefix + "/")))

"""Origins: scheme, host and port, in one spelling."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from wattdeck.core.language import tr
from wattdeck.core.redact import redact


def origin_of(host: str, port: int, *, tls: bool = False) -> str:
    """The origin `scheme://host[:port]` of a host name or an IP address; IPv6 may come bare or bracketed.

    Raises:
        ValueError: the host is not a host (a URL, a host with a port, empty) or the port is out of range.
    """
    if not 0 < port < 65536:
        raise ValueError(tr("port {port} is not between 1 and 65535", port=port))
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if "%" in bare and ":" in bare:
        raise ValueError(tr("{host}: a zone (%) cannot be used; give the name or another address", host=repr(host)))
    if not _is_ipv6(bare):
        if not host or set(host) & set("/\\@:?#[]% ") or not host.isprintable():
            raise ValueError(
                tr("{host} is not a host name or an IP address; leave out scheme, path and port", host=repr(host))
            )
    else:
        host = f"[{bare}]"
    return normal_origin(f"{'https' if tls else 'http'}://{host}:{port}")


def _is_ipv6(text: str) -> bool:
    try:
        return ipaddress.ip_address(text).version == 6
    except ValueError:
        return False


def normal_origin(origin: str) -> str:
    """The one spelling of an origin: lower case, default port left out, nothing after it.

    Raises:
        ValueError: it is not `http[s]://host[:port]`.
    """
    parts = urlsplit(origin)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(tr("{origin} is not http://host or https://host", origin=repr(redact(origin))))
    if parts.username or parts.password or parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError(tr("{origin}: an origin is only scheme, host and port", origin=repr(redact(origin))))
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    default = parts.port in (None, 443 if parts.scheme == "https" else 80)
    return f"{parts.scheme}://{host}" + ("" if default else f":{parts.port}")

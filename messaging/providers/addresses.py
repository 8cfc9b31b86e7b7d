"""What every gateway's address and key must be before anything is sent there."""

import ipaddress
import re
from urllib.parse import urlsplit


def checked_key(key: str, name: str, longest: int = 200) -> str:
    """A key as it may stand in an address or a header. Raises `ValueError`, which never shows it.

    Dots alone would climb up an address; white space is a slip of the clipboard.
    """
    if not re.fullmatch(r"[!-~]+", key) or len(key) > longest or not key.strip("."):
        raise ValueError(f"the {name} is empty or has characters no key has")
    return key


def checked_base(base_url: str, name: str) -> str:
    """Scheme, host and port without a slash behind them. Raises `ValueError` for anything else.

    Plain http is taken only on loopback: the key travels along and the texts are a clinic's.
    """
    base = base_url.rstrip("/")
    found = re.fullmatch(r"(https?)://([^/?#@\s\\]+)", base, re.IGNORECASE)
    host = _host(base) if found else None
    if not found or not host:
        raise ValueError(f"the {name} base URL is a scheme, a host and perhaps a port")
    if found[1].lower() != "https" and not is_loopback(host):
        raise ValueError(f"the {name} base URL must be https, except on loopback")
    return base


def leads_to_loopback(base_url: str) -> bool:
    """Whether what is sent to a checked base URL cannot leave this machine."""
    return is_loopback(urlsplit(base_url).hostname or "")


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def _host(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        return parts.hostname if parts.port != 0 else None
    except ValueError:
        return None

"""Safe redirect targets: only pages of this site."""

from urllib.parse import urlsplit


def same_site_path(target: str, default: str = "/") -> str:
    """The target when it is a plain path (and query) here, otherwise the default.

    Browsers read a backslash as a slash and drop control characters, so that a slash followed by
    either can leave the site: such targets are refused, not repaired.
    """
    plain = target.isascii() and target.isprintable() and "\\" not in target
    if not plain or not target.startswith("/") or target.startswith("//"):
        return default
    parts = urlsplit(target)
    return default if parts.scheme or parts.netloc else target

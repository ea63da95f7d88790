"""The version of the plugin contract, and the range of versions that this zoo reads."""

from __future__ import annotations

API_VERSION = 2  # what new plugins are written for
OLDEST_API = 1  # the oldest that is still read
UNDECLARED_API = 1  # what is written for none in particular: there was no other when it could be left out


def check_api(what: str, found: object) -> None:
    """Raise ValueError, with the version found and those supported, where ``what`` is written for another contract."""
    if isinstance(found, int) and not isinstance(found, bool) and OLDEST_API <= found <= API_VERSION:
        return
    supported = str(API_VERSION) if OLDEST_API == API_VERSION else f"{OLDEST_API} to {API_VERSION}"
    newer = isinstance(found, int) and found > API_VERSION
    advice = "install a newer lstm-zoo" if newer else "ask its author for a newer version"
    raise ValueError(f"{what} is written for API version {found!r}, this zoo has {supported}; {advice}")

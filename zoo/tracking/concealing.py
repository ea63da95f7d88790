"""Keep an address's password out of what is told: errors of libraries repeat it, in spellings of their own."""

from __future__ import annotations

import re
from urllib.parse import quote, quote_plus, unquote, unquote_plus

_CREDENTIALS = re.compile(r"(://)\S*@")
_IN_QUERY = re.compile(r"[?&;]([^=&;?\s]*(?:pass|pwd|secret|token|key)[^=&;?\s]*)=([^&;\s]*)", re.IGNORECASE)


def conceal(text: str, address: str) -> str:
    """A text without the user and password of any URI in it, and without the password of ``address`` however spelled.

    A password may hold ``/``, ``?``, ``#`` and ``@`` though it should not: all before the last ``@`` belongs to it.
    """
    credentials = address.partition("://")[2].rpartition("@")[0]
    secrets = {credentials.partition(":")[2], *(found[2] for found in _IN_QUERY.finditer(address))} - {""}
    spelled = {way(secret) for secret in secrets for way in (str, unquote, unquote_plus, quote, quote_plus)}
    text = _CREDENTIALS.sub(r"\1", text)
    for secret in sorted(spelled, key=len, reverse=True):
        text = text.replace(secret, "***")
    return text

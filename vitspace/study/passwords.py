"""Masks passwords in what is printed, stored with trials and published in reports.

What is masked is what may be a password, not what SQLAlchemy takes for one: its parser ends it at the first ``@``, and
prints the rest of one with an unescaped ``@`` as the host. So too much is masked rather than too little.
"""

import re
from urllib.parse import unquote

#: From a URL's first colon to its last @ (as a path it has one slash, an SQLite file's three or four), or all of it
#: where an error has cut the URL, what stands before the host of a gRPC proxy, which knows no users, and the values of
#: parameters that may be secret.
_IN_URL = re.compile(r"(:/{1,4}[^\s:/?]*):(?:\S*@|\S*\.{3}[^\s']*)")
_BEFORE_HOST = re.compile(r"(grpc://)[^\s@:]+@")
_QUERY_VALUE = r"[?&;][^\s=&?]*(?:pass|pwd|secret|token)[^\s=&?]*=([^\s&]+)"
#: Characters from which a piece of a password is masked wherever it stands.
_SHORTEST = 4
_IN_QUERY = re.compile(r"([?&;][^\s=&?]*(?:pass|pwd|secret|token)[^\s=&?]*=)[^\s&]*[^\s&'\",:;)]", re.IGNORECASE)


def without_passwords(text: str, url: str = "") -> str:
    """Return a text in which the passwords of URLs are ``***``: ``postgresql://me:***@host/studies``.

    Args:
        text: The text.
        url: A URL that what is said is about. A driver may tell of it in parts, and take the end of a password for the
            host: so each end of the password before an ``@`` is masked, and the password wherever it stands alone.
    """
    text = _BEFORE_HOST.sub(r"\1***@", _IN_QUERY.sub(r"\1***", text))
    text = _IN_URL.sub(lambda found: f"{found[1]}:***{'@' if found[0].endswith('@') else ''}", text)
    for password in _passwords(url):
        ends = sorted({password[i:] for i in range(len(password))}, key=len, reverse=True)
        text = re.sub("|".join(f"{re.escape(end)}(?=@)" for end in ends), "***", text)
        pieces = [piece for piece in (password, *re.split("[@:/]", password)) if len(piece) >= _SHORTEST]
        for piece in pieces:
            text = text.replace(piece, "***")
    return text


def without_password_of(storage: str, text: str) -> str:
    """Return what is said of a storage without its password; its URL may lack its beginning, and be taken for a path.

    Args:
        storage: The storage's path or URL.
        text: What is said of it.
    """
    return without_passwords(text, storage if "://" in storage else f"://{storage}")


def storage_without_password(storage: str) -> str:
    """Return a storage's path or URL as it is printed."""
    return without_password_of(storage, storage)


def path_without_password(path: str) -> str:
    """Return a path that is no file as an error shows it, since it may be a URL of which the beginning is missing."""
    return re.sub(":.*@", ":***@", path, flags=re.DOTALL)


def _passwords(url: str) -> set[str]:
    """Return what may be the passwords of a URL, as they are written and as they are meant."""
    found = [match[1] for match in re.finditer(r"://[^:@]*:(.*)@", url, re.DOTALL)]
    found += [match[1] for match in re.finditer(_QUERY_VALUE, url, re.IGNORECASE)]
    return {form for each in found for form in (each, unquote(each)) if form}

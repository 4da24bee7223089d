"""Masks passwords in what is printed, stored with trials and published in reports.

What is masked is what may be a password, not what SQLAlchemy takes for one: its parser ends it at the first ``@``, and
prints the rest of one with an unescaped ``@`` as the host. So too much is masked rather than too little.
"""

import re

#: From a URL's first colon to its last @, and the values of parameters that may be secret.
_IN_URL = re.compile(r"(://[^\s:/?]*):\S*@")
_IN_QUERY = re.compile(r"([?&;][^\s=&?]*(?:pass|pwd|secret|token)[^\s=&?]*=)[^\s&]*[^\s&'\",:;)]", re.IGNORECASE)


def without_passwords(text: str) -> str:
    """Return a text in which the passwords of URLs are ``***``: ``postgresql://me:***@host/studies``."""
    return _IN_URL.sub(r"\1:***@", _IN_QUERY.sub(r"\1***", text))

"""Passwords: left out of what is printed, stored with trials and published in reports."""

import re

_IN_URL = re.compile(r"(://[^\s:/@]*):[^\s/@]+@")


def without_passwords(text: str) -> str:
    """Return a text in which the passwords of URLs are ``***``: ``postgresql://me:***@host/studies``."""
    return _IN_URL.sub(r"\1:***@", text)

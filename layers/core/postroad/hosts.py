"""Host names, as logs and headers spell them."""


def is_same_host(one: str, other: str) -> bool:
    """Compare host names as logs spell them: `mx1` (postlogd, syslog) is `mx1.example.org` (Received)."""
    one, other = one.lower(), other.lower()
    return one == other or one.startswith(other + ".") or other.startswith(one + ".")

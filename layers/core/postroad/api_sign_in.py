"""What the console is told of how to sign in, and whom it must be able to reach for that."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from postroad.api_auth import PREFIX, SCOPES

# A variable each, with its name in the console's settings.
_NEEDED = {
    "SIGN_IN_ISSUER": "issuer",
    "SIGN_IN_CLIENT_ID": "client_id",
    "SIGN_IN_AUTHORIZE_ENDPOINT": "authorize_endpoint",
    "SIGN_IN_TOKEN_ENDPOINT": "token_endpoint",
}
_MORE = {"SIGN_IN_LOGOUT_ENDPOINT": "logout_endpoint"}


def sign_in(said: Mapping[str, str]) -> dict[str, Any]:
    """OIDC where all of it is said; else the console asks for a token."""
    needed = {name: said.get(variable, "").strip() for variable, name in _NEEDED.items()}
    if not all(needed.values()):
        return {"auth": "token"}
    more = {
        name: said[variable].strip() for variable, name in _MORE.items() if said.get(variable, "").strip()
    }
    scope = " ".join(("openid", "email", *(f"{PREFIX}{scope}" for scope in SCOPES)))
    return {"auth": "oidc", **needed, **more, "scope": said.get("SIGN_IN_SCOPE", "").strip() or scope}


def connect_to(settings: Mapping[str, Any]) -> tuple[str, ...]:
    """The origins that the console's own requests go to beside ours: the issuer's token endpoint."""
    endpoint = urlsplit(settings.get("token_endpoint", ""))
    return (f"{endpoint.scheme}://{endpoint.netloc}",) if endpoint.scheme == "https" else ()

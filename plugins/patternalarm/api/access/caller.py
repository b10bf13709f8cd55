"""Who calls: a key, a browser session, or a program on this very machine.

Without a key one may call only from the loopback to the loopback, and only if no other site made the browser do it: a web
page may post forms to localhost, and a name of its own may resolve to it (DNS rebinding).
"""

import hmac
import ipaddress
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from fastapi import Request

from patternalarm.api.access.keys import LOCAL_NAME, KeyRefusedError, find_key, principal_of
from patternalarm.api.access.roles import Principal, Role
from patternalarm.api.problems import ProblemError

if TYPE_CHECKING:
    from patternalarm.api.resources import Resources

KEY_HEADER: Final = "X-API-Key"
SESSION_KEY: Final = "key_id"
CSRF_KEY: Final = "csrf"
CSRF_HEADER: Final = "X-CSRF-Token"

_READING: Final = ("GET", "HEAD", "OPTIONS")

# What a proxy on this machine adds, whose own clients may be anywhere.
_PASSED_ON: Final = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip")

_GET_A_KEY: Final = "get a key (make api-key ROLE=viewer DAYS=30) and send it as Authorization: Bearer <key>"


async def caller_of(request: Request, platform: "Resources") -> Principal:
    """The caller.

    Raises:
        ProblemError: 401, a key is missing, wrong, expired or revoked; 403, another site sent the request; 429, too many
            wrong keys came from there.
    """
    key = _key_in(request)
    if key is not None:
        return await principal_by_key(request, platform, key)
    if is_from_another_site(request):
        raise ProblemError(
            403,
            "sent by another site",
            "a page of another site made this request, without a key",
            remedy="call from the API's own pages, or from a program; with a key if it is elsewhere",
        )
    if SESSION_KEY in request.session:
        return await _by_session(request, platform)
    if is_local(request):
        return Principal(LOCAL_NAME, Role.ENGINEER)
    raise _unauthenticated("no key was sent, and the request does not come from this machine to this machine")


def is_local(request: Request) -> bool:
    """Whether the peer and the name that it called by are loopback addresses, and nobody passed the request on."""
    if any(name in request.headers for name in _PASSED_ON):
        return False
    return _is_loopback(request.client.host if request.client else "") and _is_loopback(_host_of(request))


def is_from_another_site(request: Request) -> bool:
    """Whether a browser says that a page of another origin sent this."""
    origin = request.headers.get("origin")
    if origin is not None and _place_of(origin) != request.headers.get("host", "").lower():
        return True
    return request.headers.get("sec-fetch-site", "").lower() == "cross-site"


def _place_of(origin: str) -> str:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


def _host_of(request: Request) -> str:
    # urlsplit takes the brackets of an IPv6 address and the port away.
    try:
        return urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
    except ValueError:
        return ""


def _is_loopback(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _key_in(request: Request) -> str | None:
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    return request.headers.get(KEY_HEADER)


async def principal_by_key(request: Request, platform: "Resources", key: str) -> Principal:
    """Whose key this is.

    Raises:
        ProblemError: 401, nobody's; 429, too many wrong ones came from there.
    """
    try:
        return await find_key(platform.database, key)
    except KeyRefusedError as error:
        # A right key passes, whatever its neighbours behind the same address send.
        peer = request.client.host if request.client else "unknown"
        await platform.throttle.count_failure(peer)
        raise _unauthenticated(str(error)) from error


async def _by_session(request: Request, platform: "Resources") -> Principal:
    sent, wanted = request.headers.get(CSRF_HEADER, ""), str(request.session.get(CSRF_KEY, ""))
    if request.method not in _READING and not (wanted and hmac.compare_digest(sent.encode(), wanted.encode())):
        raise ProblemError(
            403,
            "CSRF token missing",
            f"a session changes something only with its token in {CSRF_HEADER}",
            remedy=f"send the csrfToken of /api/session as {CSRF_HEADER}",
        )
    try:
        return await principal_of(platform.database, str(request.session[SESSION_KEY]))
    except KeyRefusedError as error:
        request.session.clear()
        raise _unauthenticated(str(error)) from error


def _unauthenticated(detail: str) -> ProblemError:
    return ProblemError(
        401, "not authenticated", detail, remedy=_GET_A_KEY, headers={"WWW-Authenticate": 'Bearer realm="patternalarm"'}
    )

"""Accounts on a Label Studio server: an address and a password go in, a login that works comes out."""

import re
from typing import TYPE_CHECKING

from schemas.errors import LabelStudioError

if TYPE_CHECKING:
    import httpx

__all__ = ["list_emails", "make_login", "make_personal_token", "read_user_id"]

_TIMEOUT_S = 30.0


def read_user_id(url: str, token: str) -> int:
    """Return the id of a legacy token's owner; 0 where no server answers or this one does not know it."""
    import httpx

    try:
        reply = httpx.get(
            f"{url}/api/current-user/whoami",
            headers={"Authorization": f"Token {token}"},
            timeout=5.0,
            trust_env=False,
        )
        return int(reply.json()["id"]) if reply.status_code == 200 else 0
    except (httpx.HTTPError, ValueError, KeyError, TypeError):
        return 0


def list_emails(url: str, token: str) -> set[str]:
    """Return the e-mail address of every account, in lower case; raise `LabelStudioError` where none is told."""
    import httpx

    headers = {"Authorization": f"Token {token}"}
    try:
        reply = httpx.get(f"{url}/api/users/", headers=headers, timeout=_TIMEOUT_S, trust_env=False)
        return {str(user["email"]).casefold() for user in reply.json()}
    except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
        failure = type(error).__name__
    raise LabelStudioError(f"{url}: the accounts cannot be listed ({failure}). Run it again.")


def make_login(url: str, token: str, email: str, password: str) -> None:
    """Make an account that can log in, through the organisation's invitation as a person would.

    Accounts made through the API have no password. Raises `LabelStudioError` where the server does not
    make it, for instance because there is one of that address.
    """
    import httpx

    failure = ""
    try:
        with httpx.Client(base_url=url, timeout=_TIMEOUT_S, trust_env=False) as client:
            reply = client.get("/api/invite", headers={"Authorization": f"Token {token}"})
            invitation = reply.json()["token"]
            client.cookies.clear()
            form = {"email": email, "password": password, "allow_newsletters": ""}
            reply = _post_form(client, f"/user/signup/?token={invitation}", form)
            if reply.status_code != 302:
                failure = _read_form_error(reply.text)
    except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
        failure = f"no usable reply ({type(error).__name__})"
    if failure:
        raise LabelStudioError(
            f"{url}: no login for {email}: {failure}. If the account exists, set its password with "
            "`label-studio reset_password`, or use another address."
        )


def make_personal_token(url: str, email: str, password: str) -> str:
    """Return a new personal access token (a JWT) of an account, for servers without legacy tokens."""
    import httpx

    failure = "no token in the reply"
    try:
        with httpx.Client(base_url=url, timeout=_TIMEOUT_S, trust_env=False) as client:
            reply = _post_form(client, "/user/login/", {"email": email, "password": password})
            if reply.status_code != 302:
                failure = "the password was not accepted"
            headers = {"X-CSRFToken": client.cookies.get("csrftoken") or "", "Referer": url}
            reply = client.post("/api/token/", headers=headers)
            if reply.status_code == 201:
                return str(reply.json()["token"])
            failure = "it has one already" if reply.status_code == 409 else failure
    except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
        failure = f"no usable reply ({type(error).__name__})"
    raise LabelStudioError(f"{url}: no personal token for {email}: {failure}.")


def _post_form(client: "httpx.Client", path: str, form: dict[str, str]) -> "httpx.Response":
    """Send a form of the server's pages; they take none without the token of their cookie."""
    client.get(path)
    token = client.cookies.get("csrftoken") or ""
    headers = {"Referer": str(client.base_url)}
    return client.post(path, data=form | {"csrfmiddlewaretoken": token}, headers=headers)


def _read_form_error(page: str) -> str:
    found = re.search(r'class="[^"]*error[^"]*"[^>]*>\s*([^<]{3,200})<', page)
    return " ".join(found[1].split()) if found else "the sign-up page did not take it"

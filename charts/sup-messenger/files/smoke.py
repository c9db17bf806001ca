"""What `helm test` runs beside an instance: its edge answers as people need it, and nothing stays.

Arguments: the domain, the edge's Service, and `plain` where TLS is disabled. The certificate is
verified for the domain, against the instance's own authority where it has one.
"""

import http.client
import json
import secrets
import socket
import ssl
import sys
from pathlib import Path

AUTHORITY = Path("/authority/ca.crt")
TIMEOUT_SECONDS = 20


def ask(path: str, body: object = None) -> tuple[int, bytes]:
    """Send one request to the edge; return status and body."""
    domain, service, *plain = sys.argv[1:]
    raw = socket.create_connection((service, 80 if plain else 443), timeout=TIMEOUT_SECONDS)
    if not plain:
        authority = str(AUTHORITY) if AUTHORITY.exists() else None
        raw = ssl.create_default_context(cafile=authority).wrap_socket(raw, server_hostname=domain)
    connection = http.client.HTTPConnection(domain, timeout=TIMEOUT_SECONDS)
    connection.sock = raw
    payload = None if body is None else json.dumps(body)
    method = "GET" if body is None else "POST"
    connection.request(method, path, payload, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    try:
        return answer.status, answer.read()
    finally:
        connection.close()


def check(told: str, right: bool, found: object) -> None:
    """Tell one check; the first that fails ends the run."""
    print(f"{'ok  ' if right else 'FAIL'} {told}", flush=True)
    if not right:
        sys.exit(f"found: {found!r}")


def main() -> None:
    """Ask each service through the edge."""
    status, body = ask("/api/v1/openapi.json")
    check("the API describes itself", status == 200 and "/v1/sessions" in body.decode(), status)
    status, body = ask("/media/v1/openapi.json")
    check("the media service describes itself", status == 200 and b'"paths"' in body, status)
    status, body = ask("/ws")
    check("the socket service refuses what is no socket", status in {400, 401, 403, 426}, status)
    # Asks the database and the state store, and is refused: no such account.
    login = {
        "login": f"nobody-{secrets.token_hex(8)}",
        "password": secrets.token_urlsafe(18),
        "device": {"name": "helm test", "registrationId": 1},
    }
    status, body = ask("/api/v1/sessions", login)
    refused = status == 401 and json.loads(body).get("status") == 401
    check("an unknown account is refused as a problem document", refused, (status, body[:300]))


if __name__ == "__main__":
    main()

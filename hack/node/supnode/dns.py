"""Asks the cluster's DNS one question, through its Service address."""

from __future__ import annotations

import socket
import struct

QUESTION_ID = 0x5375
ADDRESS_RECORD, INTERNET, RECURSION_DESIRED = 1, 1, 0x0100


def build_query(name: str) -> bytes:
    """Return a DNS query for the address of a name."""
    header = struct.pack(">6H", QUESTION_ID, RECURSION_DESIRED, 1, 0, 0, 0)
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
    return header + labels + b"\0" + struct.pack(">2H", ADDRESS_RECORD, INTERNET)


def parse_has_answer(reply: bytes) -> bool:
    """Return whether a reply answers our question without an error."""
    if len(reply) < 12:
        return False
    identity, flags, _, answers = struct.unpack(">4H", reply[:8])
    return bool(identity == QUESTION_ID and flags & 0x000F == 0 and answers > 0)


def probe_dns(server: str, name: str) -> bool:
    """Return whether the server knows the name."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(1)
        try:
            client.connect((server, 53))
            client.send(build_query(name))
            return parse_has_answer(client.recv(512))
        except OSError:
            return False

"""People with devices, sessions and chats, made many at once."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from support.socket_service import DOMAIN, Person

from supbench.stage import Ground
from supmessenger_common.auth import AccessTokens, Principal
from supmessenger_common.bindings import read_credentials
from supmessenger_common.database import Pool
from supmessenger_common.identifiers import create_id, read_clock
from supmessenger_common.sessions import compute_generation

_USER = """
INSERT INTO users (id, email, username, display_name, password_hash, status)
VALUES ($1, $2::text || '@example.org', $2::text, 'Bench', 'x', 'active')
"""
_DEVICE = "INSERT INTO devices (id, user_id, name, registration_id) VALUES ($1, $2, 'bench', 1)"
_FILL = """
WITH c AS (UPDATE chats SET last_seq = last_seq + $4 WHERE id = $1 RETURNING last_seq)
INSERT INTO messages (id, chat_id, seq, sender_id, sender_device_id, client_msg_id, content_type,
                      content)
SELECT gen_random_uuid(), $1, last_seq - $4 + n, $2, $3, gen_random_uuid(), 'text', $5
FROM c, generate_series(1, $4::bigint) n
"""
_SESSION = """
INSERT INTO sessions (id, user_id, device_id, family_id, refresh_hash, rotated_at, created_at,
                      expires_at)
VALUES ($1, $2, $3, $1, sha256(uuid_send($1)), $4, $4, $5)
"""


async def register(pool: Pool, count: int) -> list[Person]:
    """Create accounts, each with one device and an open session."""
    now = read_clock()
    people = [Person(create_id(), create_id(), create_id(), now) for _ in range(count)]
    await pool.executemany(_USER, [(one.user_id, f"u{one.user_id.hex}") for one in people])
    await pool.executemany(_DEVICE, [(one.device_id, one.user_id) for one in people])
    end = now + timedelta(days=30)
    sessions = [(one.session_id, one.user_id, one.device_id, now, end) for one in people]
    await pool.executemany(_SESSION, sessions)
    return people


async def create_group(pool: Pool, members: Sequence[Person]) -> UUID:
    """Create a group of these people."""
    chat = create_id()
    await pool.execute("INSERT INTO chats (id, type) VALUES ($1, 'group')", chat)
    query = "INSERT INTO chat_members (chat_id, user_id) VALUES ($1, $2)"
    await pool.executemany(query, [(chat, member.user_id) for member in members])
    return chat


async def fill_chat(pool: Pool, chat: UUID, sender: Person, *, count: int, content: str) -> None:
    """Store many messages with one statement."""
    await pool.execute(_FILL, chat, sender.user_id, sender.device_id, count, content)


def issue_tokens(ground: Ground, people: Sequence[Person]) -> list[str]:
    """Return an access token of each person's session."""
    tokens = AccessTokens(read_credentials(ground.bindings).jwt_secret, DOMAIN)
    now = read_clock()
    return [
        tokens.issue(
            Principal(
                one.user_id, one.session_id, one.device_id, compute_generation(one.rotated_at)
            ),
            now=now,
        )
        for one in people
    ]

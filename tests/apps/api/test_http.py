"""What every answer of the API has in common."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import asyncpg
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from support.api_service import DOMAIN, PASSWORD, Api, open_api
from support.bindings import build_postgres_binding, write_binding
from support.processes.postgres import PostgresServer
from support.processes.servers import probe_free_port
from support.schema import MIGRATIONS

from supmessenger_api.main import build_app
from supmessenger_api.settings import ApiSettings
from supmessenger_common.database import Pool


def test_the_openapi_document_is_valid_and_names_every_call_of_the_contract() -> None:
    document = build_app(ApiSettings(domain=DOMAIN)).openapi()
    OpenAPIV31SpecValidator(document).validate()
    calls = {
        f"{method.upper()} {path}" for path, item in document["paths"].items() for method in item
    }
    assert calls == {
        "POST /v1/accounts",
        "POST /v1/accounts/verify",
        "GET /v1/sessions",
        "POST /v1/sessions",
        "POST /v1/sessions/refresh",
        "DELETE /v1/sessions/{session_id}",
        "GET /v1/users",
        "GET /v1/users/me",
        "GET /v1/users/{user_id}",
        "POST /v1/users/{user_id}/prekey-bundles",
        "GET /v1/keys",
        "PUT /v1/keys",
        "GET /v1/chats",
        "POST /v1/chats",
        "GET /v1/chats/{chat_id}",
        "GET /v1/chats/{chat_id}/calls",
        "POST /v1/chats/{chat_id}/calls",
        "GET /v1/calls/{call_id}",
        "POST /v1/calls/{call_id}/join",
        "POST /v1/calls/{call_id}/decline",
        "POST /v1/calls/{call_id}/end",
        "GET /v1/chats/{chat_id}/messages",
        "POST /v1/chats/{chat_id}/messages",
        "PUT /v1/chats/{chat_id}/read",
        "PUT /v1/devices/current/push",
        "DELETE /v1/devices/current/push",
        "GET /v1/push/web-push-key",
    }


def test_every_operation_describes_its_problems() -> None:
    document = build_app(ApiSettings(domain=DOMAIN)).openapi()
    for item in document["paths"].values():
        for operation in item.values():
            content = operation["responses"]["default"]["content"]
            assert list(content) == ["application/problem+json"]
            assert "422" not in operation["responses"]


@pytest.mark.services
async def test_the_document_is_served(api: Api) -> None:
    answer = await api.client.get("/v1/openapi.json")
    assert answer.json()["openapi"] == "3.1.0"


@pytest.mark.services
async def test_a_problem_has_its_whole_shape(api: Api) -> None:
    answer = await api.client.post("/v1/sessions", json={"login": 3})
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem.keys() == {"type", "title", "status", "code", "detail", "errors"}
    assert problem["type"] == "urn:supmessenger:problem:validation_failed"
    assert problem["status"] == answer.status_code == 422
    assert {error["field"] for error in problem["errors"]} == {"login", "password", "device"}


@pytest.mark.services
async def test_no_text_reaches_the_database_that_it_refuses(api: Api) -> None:
    alice = await api.join("alice")
    name = {"email": "b@example.org", "displayName": "a\x00b"}
    device = {"name": "\x00phone", "registrationId": 1}
    body = {"login": "alice", "password": PASSWORD, "device": device}
    for answer, field in (
        (await api.register("bob", **name), "displayName"),
        (await api.log_in("a\x00b"), "login"),
        (await api.client.post("/v1/sessions", json=body), "device.name"),
        (await alice.call("GET", "/v1/users", params={"username": "a\x00b"}), "username"),
        (await alice.call("GET", "/v1/chats/a%00b"), "chat_id"),
    ):
        assert answer.status_code == 422
        assert [error["field"] for error in answer.json()["errors"]] == [field]
    lone = await api.client.post(
        "/v1/accounts",
        content=b'{"email":"b@example.org","username":"bob","displayName":"\\ud800",'
        b'"password":"seven wet otters"}',
        headers={"Content-Type": "application/json"},
    )
    assert lone.status_code == 422


@pytest.mark.services
async def test_connections_that_break_are_told_as_such_and_replaced(
    api: Api, postgres_server: PostgresServer, database: str
) -> None:
    alice, bob = await api.join("alice"), await api.join("bob")
    chat_id = await alice.create_chat(bob)
    owner = await asyncpg.connect(postgres_server.build_url(database, "sup_user"))
    # Returns when they are gone: none is left to break a send after the last round.
    end_others = (
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    answers = []
    for _ in range(5):
        sends = [asyncio.create_task(alice.send(chat_id)) for _ in range(8)]
        await owner.execute(end_others)
        answers += [answer.status_code for answer in await asyncio.gather(*sends)]
    await owner.close()
    assert set(answers) <= {201, 503}
    assert (await alice.send(chat_id)).status_code == 201
    history = await bob.call("GET", f"/v1/chats/{chat_id}/messages", params={"limit": 200})
    seqs = [message["seq"] for message in history.json()["messages"]]
    assert seqs == list(range(1, len(seqs) + 1))
    assert len(seqs) >= answers.count(201) + 1


@pytest.mark.services
async def test_an_instance_is_ready_when_its_schema_is_what_the_release_expects(
    postgres: Pool, api_bindings: Path
) -> None:
    newest = await postgres.fetchval("SELECT max(name) FROM schema_migrations")
    async with open_api(postgres, api_bindings, expected_schema=newest) as api:
        ready = await api.client.get("/readyz")
        assert ready.status_code == 200
        names = [check["name"] for check in ready.json()["checks"]]
        assert names == ["postgres", "redis-state", "schema"]
    async with open_api(postgres, api_bindings, expected_schema="999_future") as api:
        behind = await api.client.get("/readyz")
        assert behind.status_code == 503
        assert f"the database is at {newest}" in behind.text


@pytest.mark.services
async def test_an_instance_expects_the_newest_migration_its_image_carries(
    postgres: Pool, api_bindings: Path, tmp_path: Path
) -> None:
    newest = await postgres.fetchval("SELECT max(name) FROM schema_migrations")
    shutil.copytree(MIGRATIONS, tmp_path / "migrations")
    async with open_api(postgres, api_bindings, migrations_dir=tmp_path / "migrations") as api:
        assert (await api.client.get("/readyz")).status_code == 200
    (tmp_path / "migrations" / "999_future.sql").touch()
    async with open_api(postgres, api_bindings, migrations_dir=tmp_path / "migrations") as api:
        behind = await api.client.get("/readyz")
        assert behind.status_code == 503
        assert f"the database is at {newest}, this release expects 999_future" in behind.text


@pytest.mark.services
async def test_an_instance_whose_database_is_empty_is_not_ready(
    postgres: Pool,
    postgres_server: PostgresServer,
    empty_database: str,
    api_bindings: Path,
) -> None:
    keys = build_postgres_binding(postgres_server, empty_database)
    write_binding(api_bindings, "postgres", keys)
    async with open_api(postgres, api_bindings, migrations_dir=MIGRATIONS) as api:
        behind = await api.client.get("/readyz")
        assert behind.status_code == 503
        assert "the database is at no migration" in behind.text


@pytest.mark.services
async def test_a_database_that_is_away_is_told_and_not_blamed_on_the_request(
    postgres: Pool, postgres_server: PostgresServer, database: str, api_bindings: Path
) -> None:
    keys = build_postgres_binding(postgres_server, database)
    write_binding(api_bindings, "postgres", {**keys, "port": str(probe_free_port())})
    async with open_api(postgres, api_bindings) as api:
        ready = await api.client.get("/readyz")
        assert ready.status_code == 503
        failing = [check["name"] for check in ready.json()["checks"] if not check["ok"]]
        assert failing == ["postgres"]
        assert (await api.client.get("/healthz")).status_code == 200
        answer = await api.log_in("alice")
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert answer.headers["retry-after"] == "2"


@pytest.mark.services
async def test_pages_of_allowed_origins_only_may_call(postgres: Pool, api_bindings: Path) -> None:
    origins = "https://app.example.org, https://beta.example.org"
    async with open_api(postgres, api_bindings, cors_allowed_origins=origins) as api:
        preflight = {
            "Access-Control-Request-Method": "PUT",
            "Access-Control-Request-Headers": "authorization,content-type",
        }
        for origin, allowed in (
            ("https://beta.example.org", "https://beta.example.org"),
            ("https://evil.example.org", None),
        ):
            headers = {"Origin": origin, **preflight}
            answer = await api.client.options("/v1/keys", headers=headers)
            assert answer.headers.get("access-control-allow-origin") == allowed
            assert answer.status_code == (200 if allowed else 400)

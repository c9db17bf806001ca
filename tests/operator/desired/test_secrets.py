"""Passwords stay in Secrets, and a changed one rolls exactly the pods that use it."""

import re

import pytest
from support.deployables import Deployable, build_all, list_deployables, to_plain
from support.messengers import SECRET_KEYS, make_messenger

from supmessenger_operator.model import Messenger

_SMTP = {"smtp": {"host": "smtp.example.org", "from": "no-reply@example.org"}}
_DATA_USERS = {"api", "websocket", "media", "worker"}

# Who restarts when a Secret has another content. The edge reloads its certificate in place; Jobs
# read theirs when they start, but the one that gives the object store its keys runs again.
USERS: dict[str, set[str]] = {
    "postgres": _DATA_USERS,
    "postgres-owner": {"backup"},
    "postgres-roles": {"postgres"},
    "postgres-monitor": {"exporters"},
    "redis-cache": {"redis-cache", *_DATA_USERS},
    "redis-state": {"redis-state", "livekit", *_DATA_USERS},
    "rabbitmq": {"media", "worker"},
    "rabbitmq-admin": {"rabbitmq"},
    "object-storage-root": {"object-storage", "object-storage-setup"},
    "object-storage-media": {"media", "object-storage-setup"},
    "object-storage-worker": {"worker", "object-storage-setup"},
    "object-storage-backup": {"backup", "object-storage-setup"},
    "credentials": _DATA_USERS,
    "tls": set(),
    "redis-monitor": {"exporters"},
    "redis-users": {"redis-cache", "redis-state"},
    # Prometheus takes up another login in place.
    "remote-write": set(),
    "grafana": {"grafana"},
    "smtp": {"worker"},
    "livekit": {"livekit", "api", "worker"},
    "turn": {"turn", "livekit", "api", "worker"},
    "kafka": {"kafka", "worker"},
    "web-push": {"worker"},
    "web-push-public": {"api"},
    "fcm": {"worker"},
}


def test_the_table_names_every_secret() -> None:
    assert set(USERS) == set(SECRET_KEYS)


@pytest.mark.parametrize("secret", SECRET_KEYS)
def test_a_changed_secret_rolls_exactly_its_users(secret: str) -> None:
    push = {"fcm": {"serviceAccountSecretRef": {"name": "mine"}}, "webPush": {}}
    messenger = make_messenger(spec={**_SMTP, "kafka": {"enabled": True}, "push": push})
    before = list_deployables(build_all(messenger))
    after = list_deployables(build_all(messenger, changed=(secret,)))
    rolled = {
        old.component
        for old, new in zip(before, after, strict=True)
        if old.template != new.template
    }
    assert rolled == USERS[secret]


def test_the_job_that_hands_out_keys_is_another_job_for_another_key() -> None:
    messenger = make_messenger()
    jobs = [
        {built.component: built.name for built in build_all(messenger, changed=changed)}
        for changed in ((), ("object-storage-media",), ("postgres-owner",))
    ]
    assert jobs[0]["object-storage-setup"] != jobs[1]["object-storage-setup"]
    assert jobs[0]["migrations"] == jobs[1]["migrations"] == jobs[2]["migrations"]


def test_another_release_is_another_migration() -> None:
    messenger = make_messenger()
    names = [
        {
            built.component: built.name
            for built in build_all(messenger, images={"api": f"registry.example.org/api:{tag}"})
        }["migrations"]
        for tag in ("1.0", "1.1")
    ]
    assert names[0] != names[1]


def test_an_upgrade_of_the_operator_rolls_no_data() -> None:
    messenger = make_messenger()
    old = list_deployables(build_all(messenger))
    for one in old:
        assert "0.1.0" not in str(one.template["metadata"])


def test_no_environment_variable_takes_a_secret(deployable: Deployable) -> None:
    for container in deployable.containers:
        assert "envFrom" not in container
        for variable in container["env"]:
            assert "valueFrom" not in variable
            assert re.search(r"PASSWORD$|SECRET$|TOKEN$", variable["name"]) is None


def test_no_argument_or_probe_holds_more_than_the_path_of_a_secret(deployable: Deployable) -> None:
    for container in deployable.containers:
        said = str([container["command"], container.get("args"), container.get("readinessProbe")])
        for value in re.findall(r"(?:PASSWORD|PASSWD|AUTH|SECRET)=(\S+)", said):
            assert value.startswith(('"$(cat', '"$(value'))


def test_no_config_map_has_more_than_the_path_of_a_secret(sample: Messenger) -> None:
    for built in build_all(sample):
        if built.kind == "ConfigMap":
            for text in to_plain(built)["data"].values():
                assert "BEGIN" not in text
                for value in re.findall(r"^\s*(?:requirepass|masterauth|password)\s+(\S+)", text):
                    raise AssertionError(f"a password in a ConfigMap: {value}")


def test_an_extra_variable_wins_over_ours_and_may_come_from_a_secret() -> None:
    extra = [
        {"name": "SUP_REGISTRATION", "value": "closed"},
        {"name": "PROXY", "valueSecretRef": {"name": "proxy", "key": "url"}},
    ]
    messenger = make_messenger(spec={"api": {"extraEnv": extra}})
    api = next(one for one in list_deployables(build_all(messenger)) if one.component == "api")
    env = {one["name"]: one for one in api.containers[0]["env"]}
    assert env["SUP_REGISTRATION"]["value"] == "closed"
    assert env["PROXY"]["valueFrom"]["secretKeyRef"] == {"name": "proxy", "key": "url"}

"""PostgreSQL's settings: the seed's, what a person changes, what the pod stands on."""

import pytest
from support.messengers import make_messenger

from supmessenger_operator.desired.postgres import compute_parameters
from supmessenger_operator.model import Stalled


def compute(**parameters: str) -> dict[str, str]:
    """Return the settings of an instance whose resource says these."""
    spec = {"postgres": {"embedded": {"parameters": parameters}}}
    return compute_parameters(make_messenger(spec=spec))


def test_the_settings_of_the_seed_are_the_defaults() -> None:
    parameters = compute()
    assert parameters["max_connections"] == "200"
    assert parameters["shared_buffers"] == "256MB"
    assert parameters["effective_cache_size"] == "1GB"
    assert parameters["password_encryption"] == "scram-sha-256"


def test_a_person_may_change_them_and_add_others() -> None:
    parameters = compute(shared_buffers="512MB", random_page_cost="1.1", jit="on")
    assert parameters["shared_buffers"] == "512MB"
    assert parameters["random_page_cost"] == "1.1"
    assert parameters["jit"] == "on"


@pytest.mark.parametrize("name", ["listen_addresses", "hba_file", "archive_mode", "include"])
def test_what_the_pod_stands_on_is_refused_by_name(name: str) -> None:
    with pytest.raises(Stalled) as caught:
        compute(**{name: "x"})
    assert caught.value.field == f"spec.postgres.embedded.parameters.{name}"


@pytest.mark.parametrize("name", ["work mem", "Work_Mem", "a = 1\nport", "a.b.c"])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(Stalled, match="name of a PostgreSQL parameter"):
        compute(**{name: "x"})


def test_a_value_can_not_smuggle_in_a_line() -> None:
    with pytest.raises(Stalled, match="one line"):
        compute(work_mem="4MB'\nlisten_addresses = '*")


@pytest.mark.parametrize(
    ("size", "expected"), [("512Mi", "128MB"), ("2Gi", "512MB"), ("1Ti", "1024MB")]
)
def test_the_log_ahead_leaves_room_on_the_volume(size: str, expected: str) -> None:
    spec = {"postgres": {"embedded": {"storage": {"size": size}}}}
    assert compute_parameters(make_messenger(spec=spec))["max_wal_size"] == expected

"""What an earlier release wrote is read by a later one, and the other way round."""

from supmessenger_operator.model.status import Status, read_status


def test_a_status_of_a_release_with_fewer_parts_is_read() -> None:
    older = {
        "phase": "Ready",
        "version": "0.1.0",
        "effective": {"size": "tiny", "postgres": {"replicas": 1}},
    }

    assert read_status({"status": older}).version == "0.1.0"


def test_a_status_of_a_release_with_more_fields_is_read() -> None:
    newer = {
        "version": "9.0",
        "weather": "fine",
        "components": [{"name": "moon", "mode": "disabled"}],
    }

    assert read_status({"status": newer}).components[0].name == "moon"


def test_a_resource_without_a_status_has_an_empty_one() -> None:
    assert read_status({}) == Status()

"""Clients find the instance's authority in a ConfigMap, and only when it has one of its own."""

from support.messengers import make_inputs, make_messenger

from supmessenger_operator.desired.foundation import build_objects


def test_the_authority_is_public_and_its_key_is_not_there() -> None:
    messenger = make_messenger()
    inputs = make_inputs(messenger).model_copy(update={"ca_certificate": "PEM"})
    (_, authority) = build_objects(messenger, inputs)
    assert (authority.kind, authority.name) == ("ConfigMap", "demo-ca")
    assert authority.body["data"] == {"ca.crt": "PEM"}


def test_without_an_own_authority_there_is_no_config_map() -> None:
    messenger = make_messenger(spec={"tls": {"disabled": {}}})
    assert [built.kind for built in build_objects(messenger, make_inputs(messenger))] == [
        "ServiceAccount"
    ]

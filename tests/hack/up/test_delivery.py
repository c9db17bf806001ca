"""What differs where the cluster is not the native node: fewer images, tags, another namespace."""

from support.deployables import SAMPLES

from supplatform.delivery import CORE_IMAGES, CORE_SPEC, choose_images
from supplatform.steps import localize
from supplatform.values import build_values

DIGEST = "sha256:" + "0" * 64


def test_only_a_native_node_gets_images_beyond_the_core() -> None:
    names = ("postgres", "coturn", "operator")
    assert choose_images("native", names) == ["postgres", "coturn", "operator"]
    assert (
        choose_images("kind", names)
        == choose_images("current", names)
        == [
            "postgres",
            "operator",
        ]
    )


def test_images_of_a_registry_have_a_digest_and_loaded_ones_a_tag() -> None:
    pushed = build_values({"operator": f"127.0.0.1:5050/sup/operator@{DIGEST}"})
    assert pushed["image"] == {"repository": "127.0.0.1:5050/sup/operator", "digest": DIGEST}
    loaded = build_values({"operator": "localhost/sup/operator:abc"})
    assert loaded["image"] == {"repository": "localhost/sup/operator", "tag": "abc"}


def test_a_sample_moves_to_another_namespace_with_the_names_in_it() -> None:
    smoke = (SAMPLES / "smoke" / "kustomization.yaml").read_text()
    minimal = (SAMPLES / "minimal.yaml").read_text()
    moved = localize(minimal + smoke, "elsewhere")
    assert "namespace: elsewhere\n" in moved
    assert "smtp-sink.elsewhere.svc" in moved
    assert "namespace: chat\n" not in moved
    assert ".chat.svc" not in moved
    # A domain is no namespace.
    assert "chat.example.org" in moved


def test_what_the_core_runs_has_an_image() -> None:
    off = {part for part, choice in CORE_SPEC.items() if choice == {"enabled": False}}
    assert off == {"livekit", "monitoring"}
    assert {"api", "websocket", "media", "worker", "operator"} <= set(CORE_IMAGES)
    assert len(set(CORE_IMAGES)) == len(CORE_IMAGES)

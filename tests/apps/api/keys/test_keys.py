"""Publishing keys and fetching bundles."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest
from support.api_service import Api, Person
from support.signal_keys import Identity, build_curve_key, build_keys, build_kyber_key, build_signed

from supmessenger_common.identifiers import create_id, encode_bytes

pytestmark = pytest.mark.services


async def take_bundles(person: Person, owner: Person, **body: Any) -> list[dict[str, Any]]:
    answer = await person.call("POST", f"/v1/users/{owner.user_id}/prekey-bundles", json=body)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["devices"])


async def test_published_keys_come_back_in_a_bundle(api: Api) -> None:
    alice, bob = await api.join("alice"), await api.join("bob")
    body = build_keys(bob.identity, one_time=2, kyber=1)
    published = await bob.call("PUT", "/v1/keys", json=body)
    assert published.json() == {"oneTimePrekeys": 2, "kyberPrekeys": 1}
    assert await take_bundles(alice, bob) == [
        {
            "deviceId": str(bob.device_id),
            "registrationId": 7,
            "identityKey": body["identityKey"],
            "signedPrekey": body["signedPrekey"],
            "oneTimePrekey": body["oneTimePrekeys"][0],
            "kyberPrekey": body["kyberPrekeys"][0],
        }
    ]
    counts = await bob.call("GET", "/v1/keys")
    assert counts.json() == {"oneTimePrekeys": 1, "kyberPrekeys": 0}


async def test_an_empty_pool_leaves_the_last_resort(api: Api) -> None:
    alice, bob = await api.join("alice"), await api.join("bob")
    body = build_keys(bob.identity, one_time=0, kyber=0)
    await bob.call("PUT", "/v1/keys", json=body)
    for _ in range(2):
        (bundle,) = await take_bundles(alice, bob)
        assert "oneTimePrekey" not in bundle
        assert bundle["kyberPrekey"] == body["lastResortKyberPrekey"]


async def test_parallel_fetches_never_give_a_one_time_prekey_twice(api: Api) -> None:
    alice, bob = await api.join("alice"), await api.join("bob")
    await bob.publish_keys(one_time=100, kyber=100)
    found = await asyncio.gather(*(take_bundles(alice, bob) for _ in range(200)))
    bundles = [bundle for (bundle,) in found]
    one_time = Counter(
        bundle["oneTimePrekey"]["id"] for bundle in bundles if "oneTimePrekey" in bundle
    )
    kyber = Counter(bundle["kyberPrekey"]["id"] for bundle in bundles)
    last_resort = kyber.pop(100_000)
    assert max(one_time.values()) == max(kyber.values()) == 1
    left = (await bob.call("GET", "/v1/keys")).json()
    assert len(one_time) == 100 - left["oneTimePrekeys"]
    assert len(kyber) == 100 - left["kyberPrekeys"]
    assert last_resort == 200 - len(kyber)
    # What was skipped while another fetch held it is still there to be given out.
    assert left == {"oneTimePrekeys": 0, "kyberPrekeys": 0}


async def test_devices_can_be_chosen_and_the_callers_own_is_left_out(api: Api) -> None:
    first, second = await api.join("bob"), await api.enter("bob")
    silent = await api.enter("bob")
    alice = await api.join("alice")
    for device in (first, second):
        await device.publish_keys()
    both = await take_bundles(alice, first)
    assert [item["deviceId"] for item in both] == [str(first.device_id), str(second.device_id)]
    chosen = await take_bundles(alice, first, deviceIds=[str(second.device_id)])
    assert [item["deviceId"] for item in chosen] == [str(second.device_id)]
    own = await take_bundles(second, first)
    assert [item["deviceId"] for item in own] == [str(first.device_id)]
    assert await take_bundles(alice, first, deviceIds=[str(silent.device_id)]) == []


async def test_a_logged_out_device_has_no_bundle(api: Api) -> None:
    alice, bob = await api.join("alice"), await api.join("bob")
    await bob.publish_keys()
    await bob.call("DELETE", "/v1/sessions/current")
    assert await take_bundles(alice, bob) == []


async def test_an_unknown_user_has_no_bundles(api: Api) -> None:
    alice = await api.join("alice")
    answer = await alice.call("POST", f"/v1/users/{create_id()}/prekey-bundles", json={})
    assert (answer.status_code, answer.json()["code"]) == (404, "user_unknown")


async def test_publishing_replaces_given_pools_and_keeps_others(api: Api) -> None:
    bob = await api.join("bob")
    await bob.publish_keys(one_time=5, kyber=5)
    body = build_keys(bob.identity, one_time=2)
    del body["kyberPrekeys"]
    body["signedPrekey"] = build_signed(2, build_curve_key(), bob.identity)
    body["lastResortKyberPrekey"] = build_signed(3, build_kyber_key(), bob.identity)
    answer = await bob.call("PUT", "/v1/keys", json=body)
    # The new last resort took the id of a key of the pool, which it replaces.
    assert answer.json() == {"oneTimePrekeys": 2, "kyberPrekeys": 4}
    alice = await api.join("alice")
    (bundle,) = await take_bundles(alice, bob)
    assert bundle["signedPrekey"] == body["signedPrekey"]


async def test_publishing_the_same_again_changes_nothing(api: Api) -> None:
    bob = await api.join("bob")
    body = build_keys(bob.identity)
    answers = [(await bob.call("PUT", "/v1/keys", json=body)).json() for _ in range(2)]
    assert answers[0] == answers[1]
    assert await api.postgres.fetchval("SELECT count(*) FROM signed_prekeys") == 1


async def test_a_bad_signature_is_refused_by_the_path_of_its_key(api: Api) -> None:
    bob = await api.join("bob")
    body = build_keys(bob.identity)
    body["signedPrekey"]["signature"] = encode_bytes(Identity.create().sign(b"something"))
    body["kyberPrekeys"][1]["signature"] = body["kyberPrekeys"][0]["signature"]
    answer = await bob.call("PUT", "/v1/keys", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "signature_invalid")
    assert [error["field"] for error in answer.json()["errors"]] == [
        "signedPrekey.signature",
        "kyberPrekeys.1.signature",
    ]
    assert await api.postgres.fetchval("SELECT count(*) FROM identity_keys") == 0


async def test_a_device_keeps_its_identity_key(api: Api) -> None:
    bob = await api.join("bob")
    await bob.publish_keys()
    bob.identity = Identity.create()
    answer = await bob.publish_keys()
    assert (answer.status_code, answer.json()["code"]) == (409, "identity_key_changed")


async def test_repeated_ids_are_refused(api: Api) -> None:
    bob = await api.join("bob")
    body = build_keys(bob.identity)
    body["oneTimePrekeys"][1]["id"] = body["oneTimePrekeys"][0]["id"]
    body["kyberPrekeys"][0]["id"] = body["lastResortKyberPrekey"]["id"]
    answer = await bob.call("PUT", "/v1/keys", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "key_ids_repeated")
    fields = [error["field"] for error in answer.json()["errors"]]
    assert fields == ["oneTimePrekeys", "lastResortKyberPrekey.id"]


async def test_malformed_keys_are_refused_by_their_paths(api: Api) -> None:
    bob = await api.join("bob")
    body = build_keys(bob.identity)
    body["identityKey"] = encode_bytes(b"\x06" + bytes(32))
    body["oneTimePrekeys"][2]["publicKey"] += "="
    body["kyberPrekeys"][0]["signature"] = "AA"
    answer = await bob.call("PUT", "/v1/keys", json=body)
    assert answer.status_code == 422
    assert {error["field"]: error["message"] for error in answer.json()["errors"]} == {
        "identityKey": "must begin with 0x05",
        "oneTimePrekeys.2.publicKey": "must be base64url without padding",
        "kyberPrekeys.0.signature": "must have 64 bytes",
    }


async def test_at_most_a_hundred_keys_of_a_kind_are_taken(api: Api) -> None:
    bob = await api.join("bob")
    answer = await bob.publish_keys(one_time=101)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["oneTimePrekeys"]

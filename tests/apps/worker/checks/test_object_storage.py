"""What an object store's refusal means."""

from __future__ import annotations

import pytest

from supmessenger_worker.checks.object_storage import describe_store_error

ENDPOINT = "http://demo-object-storage:9000"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("403: <Error><Code>SignatureDoesNotMatch</Code><Key/>", "the secret key is wrong"),
        ("404: <Code>NoSuchBucket</Code>", "the bucket is missing: run the object storage setup"),
        ("500: <Code>Strange</Code>", "answers Strange: see its log"),
        ("error sending request", "does not answer as an object store"),
    ],
)
def test_a_refusal_becomes_a_sentence_with_a_cure(text: str, message: str) -> None:
    told = describe_store_error(text, endpoint=ENDPOINT)
    assert told.startswith(ENDPOINT)
    assert told.endswith(message)

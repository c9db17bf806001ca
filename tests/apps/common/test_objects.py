"""Object storage over TLS with an authority of its own."""

from __future__ import annotations

import ssl
from dataclasses import replace
from pathlib import Path

import pytest
from obstore.exceptions import BaseError
from support.certificates import write_certificate
from support.listeners import serve_connections

from supmessenger_common.bindings import ObjectStorageBinding
from supmessenger_common.objects import open_bucket, probe_bucket

_LISTING = (
    b"<ListBucketResult><Name>media</Name><IsTruncated>false</IsTruncated></ListBucketResult>"
)
_ANSWER = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(_LISTING)


async def test_the_bindings_own_authority_is_trusted_and_no_other_is(tmp_path: Path) -> None:
    certificate = write_certificate(tmp_path / "store.pem", "localhost")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    async with serve_connections(answer=_ANSWER + _LISTING, tls=context) as port:
        binding = ObjectStorageBinding(
            endpoint=f"https://localhost:{port}",
            region="us-east-1",
            access_key_id="key",
            secret_access_key="secret",
            bucket_prefix="",
            ca_file=certificate,
        )
        await probe_bucket(open_bucket(binding, "media"))
        other = write_certificate(tmp_path / "other.pem", "localhost")
        with pytest.raises(BaseError):
            await probe_bucket(open_bucket(replace(binding, ca_file=other), "media"))

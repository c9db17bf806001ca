"""Object storage: one bucket of the instance over any S3 endpoint."""

from datetime import timedelta
from typing import TYPE_CHECKING

from obstore.store import S3Store

from supmessenger_common.bindings import ObjectStorageBinding

if TYPE_CHECKING:
    from obstore.store import ClientConfig

CONNECT_TIMEOUT = timedelta(seconds=5)
# One whole request with its body: parts of uploads and ranges of downloads keep requests short.
REQUEST_TIMEOUT = timedelta(seconds=60)


def open_bucket(
    binding: ObjectStorageBinding, name: str, *, timeout: timedelta = REQUEST_TIMEOUT
) -> S3Store:
    """Return the store of the instance's bucket `name` (`media` or `exports`)."""
    return S3Store(
        binding.bucket(name),
        endpoint=binding.endpoint,
        region=binding.region,
        access_key_id=binding.access_key_id,
        secret_access_key=binding.secret_access_key,
        virtual_hosted_style_request=False,
        client_options=_build_client_options(binding, timeout=timeout),
        retry_config={"max_retries": 3, "retry_timeout": timedelta(seconds=20)},
    )


def _build_client_options(binding: ObjectStorageBinding, *, timeout: timedelta) -> "ClientConfig":
    options: ClientConfig = {
        "allow_http": binding.endpoint.startswith("http://"),
        "connect_timeout": CONNECT_TIMEOUT,
        "timeout": timeout,
    }
    if binding.ca_file is not None:
        # Trusted beside the system's authorities.
        options["root_certificate"] = binding.ca_file.read_bytes()
    return options


async def probe_bucket(store: S3Store) -> None:
    """Raise unless the bucket can be listed with the binding's keys."""
    stream = store.list(prefix="probe/", chunk_size=1)
    async for _ in stream:
        break

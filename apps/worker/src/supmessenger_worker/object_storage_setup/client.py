"""Clients of an S3 store for the Jobs, which wait for one call at a time."""

from __future__ import annotations

import urllib3
from minio.credentials.providers import StaticProvider

from minio import Minio, MinioAdmin
from supmessenger_common.bindings import ObjectStorageBinding

_TIMEOUT = urllib3.Timeout(connect=5, read=30)


def build_client(binding: ObjectStorageBinding) -> Minio:
    """Return an S3 client with a binding's keys."""
    return Minio(
        _compute_host(binding),
        access_key=binding.access_key_id,
        secret_key=binding.secret_access_key,
        secure=_is_secure(binding),
        region=binding.region,
        http_client=_build_pool(binding),
    )


def build_admin(binding: ObjectStorageBinding) -> MinioAdmin:
    """Return an administration client with a binding's keys."""
    return MinioAdmin(
        endpoint=_compute_host(binding),
        credentials=StaticProvider(binding.access_key_id, binding.secret_access_key),
        region=binding.region,
        secure=_is_secure(binding),
        http_client=_build_pool(binding),
    )


def _compute_host(binding: ObjectStorageBinding) -> str:
    return binding.endpoint.split("://", 1)[-1].rstrip("/")


def _is_secure(binding: ObjectStorageBinding) -> bool:
    return binding.endpoint.startswith("https://")


def _build_pool(binding: ObjectStorageBinding) -> urllib3.PoolManager:
    ca_file = str(binding.ca_file) if binding.ca_file else None
    return urllib3.PoolManager(timeout=_TIMEOUT, retries=urllib3.Retry(2), ca_certs=ca_file)

"""A verb without a cluster says which one is missing, not what kubectl makes of it."""

from pathlib import Path

import pytest

from supnode.failure import Failure
from supplatform.tools import Tools


@pytest.mark.parametrize("provider", ["native", "kind"])
def test_without_a_cluster_the_way_to_one_is_named(
    provider: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUP_PROVIDER", provider)
    monkeypatch.setenv("SUP_CACHE", str(tmp_path))
    monkeypatch.setenv("SUP_STATE", str(tmp_path))
    with pytest.raises(Failure, match=f"no {provider} cluster") as failed:
        Tools().kubectl("get", "sup")
    assert failed.value.cure == f"`SUP_PROVIDER={provider} make up` makes one"

"""Every deployable of every sample, built once."""

import pytest
from support.deployables import build_all, list_deployables, make_samples

# Samples whose pods differ from those of every other.
_DIFFERENT = ("tiny", "medium", "plain-http", "mail", "patched", "autoscaled", "sample-external")
_ALL = {
    f"{sample}/{one.kind}/{one.component}": one
    for sample, messenger in make_samples().items()
    if sample in _DIFFERENT
    for one in list_deployables(build_all(messenger))
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that asks for `deployable` once for each of them."""
    if "deployable" in metafunc.fixturenames:
        metafunc.parametrize("deployable", _ALL.values(), ids=_ALL)
    if "sample" in metafunc.fixturenames:
        samples = make_samples()
        metafunc.parametrize("sample", samples.values(), ids=samples)

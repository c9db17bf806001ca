from __future__ import annotations

import dataclasses

from supnode.addresses import compute_addresses
from supnode.debian import PACKAGES, compute_missing
from supnode.preflight import GIB, Machine, build_report, compute_findings

NODE = compute_addresses("sup")
WHOLE = Machine(
    system="Linux",
    root=True,
    has_apt=True,
    missing_packages=(),
    has_go=True,
    memory=8 * GIB,
    disk_free=100 * GIB,
    disk_needed=12 * GIB,
    disk_path="/",
    open_files=20_000,
    namespaces=True,
    cgroups=True,
    overlay=True,
    neighbours=(),
)


def test_a_whole_machine_lacks_nothing() -> None:
    assert compute_findings(WHOLE, NODE) == []
    assert build_report([]) == "preflight: nothing is missing"


def test_everything_missing_is_told_at_once_each_with_its_cure() -> None:
    machine = dataclasses.replace(
        WHOLE,
        missing_packages=("containerd", "runc"),
        has_go=False,
        memory=GIB,
        disk_free=GIB,
        open_files=1024,
        namespaces=False,
        cgroups=False,
        overlay=False,
    )
    findings = compute_findings(machine, NODE)
    assert len(findings) == 8
    assert all(finding.cure for finding in findings)
    report = build_report(findings)
    assert "8 missing" in report
    assert report.count("cure: ") == 8
    assert "apt-get install --no-install-recommends containerd runc" in report


def test_what_up_installs_by_itself_does_not_stop_it() -> None:
    machine = dataclasses.replace(WHOLE, missing_packages=("runc",), has_go=False)
    assert all(finding.cured_by_up for finding in compute_findings(machine, NODE))


def test_packages_stop_a_machine_without_apt() -> None:
    machine = dataclasses.replace(WHOLE, missing_packages=("runc",), has_apt=False)
    [finding] = compute_findings(machine, NODE)
    assert not finding.cured_by_up
    assert "package manager" in finding.cure


def test_without_root_only_root_is_asked_for_not_what_follows_from_it() -> None:
    machine = dataclasses.replace(WHOLE, root=False, namespaces=False, cgroups=False)
    assert [finding.cure for finding in compute_findings(machine, NODE)] == ["run it with sudo"]


def test_a_neighbour_with_the_same_addresses_is_told() -> None:
    machine = dataclasses.replace(WHOLE, neighbours=(("far", 3), ("other", 0)))
    [finding] = compute_findings(machine, NODE)
    assert "'other'" in finding.problem
    assert "clean --name other" in finding.cure


def test_a_package_is_missing_when_one_of_its_programs_is() -> None:
    assert compute_missing(lambda sign: True, environments=True) == []
    assert compute_missing(lambda sign: sign != "ctr", environments=True) == ["containerd"]
    assert compute_missing(lambda sign: True, environments=False) == ["python3-venv"]
    assert compute_missing(lambda sign: False, environments=True) == list(PACKAGES)

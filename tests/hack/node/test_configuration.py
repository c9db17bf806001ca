"""The generated files: complete, and no two nodes share a thing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from supnode.addresses import compute_addresses
from supnode.cgroups import NodeCgroups, parse_hierarchies
from supnode.configuration import build_manifests, build_values, write_configuration
from supnode.images import APPLETS, build_config, build_images, build_layer
from supnode.paths import NodePaths, compute_cache_root, compute_node_paths
from supnode.units import build_api_server, build_etcd, build_kubelet


def build_all(name: str, root: Path) -> dict[str, str]:
    images = build_images(bin_folder=Path("/bin-of"), key="k", busybox=Path("/bin/busybox"))
    cgroups = NodeCgroups(name, [Path("/sys/fs/cgroup/pids")])
    return build_values(compute_addresses(name), NodePaths(root), cgroups, images)


def test_the_files_are_written_whole_and_parse(tmp_path: Path) -> None:
    paths = NodePaths(tmp_path)
    write_configuration(paths, build_all("sup", tmp_path))
    kubelet = yaml.safe_load((paths.config / "kubelet.yaml").read_text())
    assert kubelet["cgroupRoot"] == "/sup-node/sup"
    assert kubelet["failCgroupV1"] is False
    assert kubelet["clusterDNS"] == ["100.65.0.10"]
    network = json.loads((paths.config / "cni/10-sup-node.conflist").read_text())
    assert network["plugins"][0]["ipam"]["ranges"] == [[{"subnet": "100.64.0.0/16"}]]
    registry = yaml.safe_load((paths.config / "registry.yaml").read_text())
    assert registry["http"]["addr"] == "127.0.0.1:5050"
    assert "restrict_oom_score_adj = true" in (paths.config / "containerd.toml").read_text()


def test_an_unchanged_file_is_left_alone(tmp_path: Path) -> None:
    paths, values = NodePaths(tmp_path), build_all("sup", tmp_path)
    write_configuration(paths, values)
    before = (paths.config / "kubelet.yaml").stat().st_ino
    write_configuration(paths, values)
    assert (paths.config / "kubelet.yaml").stat().st_ino == before


def test_the_manifests_hold_one_default_storage_class_and_the_pool(tmp_path: Path) -> None:
    documents = list(yaml.safe_load_all(build_manifests(build_all("sup", tmp_path))))
    [storage] = [doc for doc in documents if doc["kind"] == "StorageClass"]
    marker = "storageclass.kubernetes.io/is-default-class"
    assert storage["metadata"]["annotations"][marker] == "true"
    [pool] = [doc for doc in documents if doc["kind"] == "IPAddressPool"]
    assert pool["spec"]["addresses"] == ["100.66.1.1-100.66.1.254"]
    for doc in documents:
        if doc["kind"] == "Deployment":
            [container] = doc["spec"]["template"]["spec"]["containers"]
            assert container["image"].startswith("localhost/sup-node/")
            assert container["imagePullPolicy"] == "Never"


def test_programs_of_two_nodes_share_no_folder_and_no_address(tmp_path: Path) -> None:
    def words(name: str) -> set[str]:
        addresses, paths = compute_addresses(name), NodePaths(tmp_path / name)
        folder = paths.config
        folder.mkdir(parents=True)
        units = (
            build_etcd(paths, Path),
            build_api_server(addresses, paths, Path),
            build_kubelet(addresses, paths, Path),
        )
        return {word for unit in units for word in unit.argv if "/" in word and name in word}

    assert words("sup").isdisjoint(words("second"))


def test_the_folders_follow_the_variables() -> None:
    assert compute_cache_root({"SUP_CACHE": "/c"}) == Path("/c")
    assert compute_cache_root({"XDG_CACHE_HOME": "/x"}) == Path("/x/sup-messenger")
    assert compute_cache_root({"HOME": "/h"}) == Path("/h/.cache/sup-messenger")
    assert compute_node_paths("sup", {}).root == Path("/var/lib/sup-node/sup")
    assert compute_node_paths("sup", {"SUP_STATE": "/s"}).root == Path("/s/sup")


@pytest.mark.parametrize(
    ("mounts", "found"),
    [
        ("cgroup /cg/pids cgroup rw,pids 0 0\ncgroup2 /cg/unified cgroup2 rw 0 0\n", 2),
        ("cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\ntmpfs /run tmpfs rw 0 0\n", 1),
        ("", 0),
    ],
)
def test_hierarchies_of_both_versions_are_found(mounts: str, found: int) -> None:
    assert len(parse_hierarchies(mounts)) == found


def test_groups_are_made_and_removed_with_what_lies_beneath(tmp_path: Path) -> None:
    one, two = NodeCgroups("one", [tmp_path / "pids"]), NodeCgroups("two", [tmp_path / "pids"])
    (tmp_path / "pids").mkdir()
    one.create()
    two.create()
    (tmp_path / "pids/sup-node/one/kubepods/pod").mkdir(parents=True)
    assert one.remove(seconds=1)
    assert not (tmp_path / "pids/sup-node/one").exists()
    assert (tmp_path / "pids/sup-node/two").exists()
    assert two.remove(seconds=1)
    assert not (tmp_path / "pids/sup-node").exists()


def test_an_image_is_the_same_whenever_it_is_made() -> None:
    images = build_images(bin_folder=Path("/b"), key="k", busybox=Path("/bin/busybox"))
    image = images["busybox_image"]
    assert build_layer(image, b"program") == build_layer(image, b"program")
    config = json.loads(build_config(image, layer_digest="d", machine="x86_64"))
    assert config["architecture"] == "amd64"
    assert config["rootfs"]["diff_ids"] == ["sha256:d"]
    assert "sh" in APPLETS
    assert images["pause_image"].command[-2:] == ("sleep", "2147483647")

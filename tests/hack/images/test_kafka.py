"""How Kafka's jars are verified."""

import re
import xml.etree.ElementTree as ElementTree

from supimages.kafka import CHECKSUMS, FOLDER, VERSION, find_differences, parse_checksums

WANTED = parse_checksums((FOLDER / CHECKSUMS).read_text())


def test_jars_as_expected_have_no_differences() -> None:
    assert find_differences(dict(WANTED), WANTED) == []


def test_a_changed_jar_is_named_with_both_checksums() -> None:
    found = {**WANTED, f"kafka_2.13-{VERSION}.jar": "0" * 64}
    (difference,) = find_differences(found, WANTED)
    assert f"kafka_2.13-{VERSION}.jar has checksum 000" in difference
    assert WANTED[f"kafka_2.13-{VERSION}.jar"] in difference


def test_a_missing_and_an_unknown_jar_are_named() -> None:
    assert find_differences({"new.jar": "1"}, {"old.jar": "1"}) == [
        "old.jar is missing",
        f"new.jar is not in {CHECKSUMS}",
    ]


def test_every_checksum_is_a_sha256_of_a_jar() -> None:
    for name, checksum in WANTED.items():
        assert name.endswith(".jar")
        assert re.fullmatch(r"[0-9a-f]{64}", checksum)


def test_pom_checksums_and_tree_name_one_version() -> None:
    pom = ElementTree.parse(FOLDER / "pom.xml").getroot()
    space = {"m": "http://maven.apache.org/POM/4.0.0"}
    assert pom.findtext("m:properties/m:kafka.version", namespaces=space) == VERSION
    assert f"kafka_2.13-{VERSION}.jar" in WANTED


def test_what_only_zookeeper_and_connect_need_is_left_out() -> None:
    assert not [name for name in WANTED if re.match(r"netty|connect|kafka-streams|rocksdb", name)]

"""Which addresses somebody's browser may make the server call."""

from __future__ import annotations

import pytest

from supmessenger_common.push.hosts import (
    KNOWN_HOSTS,
    HostRuleError,
    find_endpoint_fault,
    parse_host_rules,
)

KNOWN = parse_host_rules(KNOWN_HOSTS)


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://fcm.googleapis.com/fcm/send/abc:APA91",
        "https://updates.push.services.mozilla.com/wpush/v2/gAAAA",
        "https://db5p.notify.windows.com/w/?token=BQY%3d",
        "https://web.push.apple.com:443/QDa",
        "HTTPS://FCM.googleapis.com/wp/x",
    ],
)
def test_the_known_push_services_are_allowed(endpoint: str) -> None:
    assert find_endpoint_fault(endpoint, KNOWN) is None


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://fcm.googleapis.com/x",
        "https://fcm.googleapis.com:8443/x",
        "https://fcm.googleapis.com@evil.example/x",
        "https://evil.example\\@fcm.googleapis.com/x",
        "https://fcm.googleapis.com.evil.example/x",
        "https://xfcm.googleapis.com/x",
        "https://notify.windows.com/x",
        "https://evilnotify.windows.com/x",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/x",
        "https://localhost/x",
        "https://demo-postgres:5432/",
        "file:///etc/passwd",
        "https://fcm.googleapis.com:99999/",
        "https://[bad/",
        "https://fcm.googleapis.com/\nHost: x",
        "https://fcm.googleapis.com/" + "x" * 2048,
        "https://fcm.googleapis.com/#fragment",
        "",
    ],
)
def test_every_other_address_is_refused_with_a_reason(endpoint: str) -> None:
    assert find_endpoint_fault(endpoint, KNOWN)


def test_an_exact_http_address_is_allowed_only_when_the_list_names_it() -> None:
    rules = parse_host_rules(("http://push-sink.chat.svc:8090",))
    assert find_endpoint_fault("http://push-sink.chat.svc:8090/web-push/a", rules) is None
    for endpoint in (
        "http://push-sink.chat.svc/web-push/a",
        "http://push-sink.chat.svc:8091/web-push/a",
        "https://push-sink.chat.svc:8090/web-push/a",
        "http://x.push-sink.chat.svc:8090/",
        "http://other.chat.svc:8090/",
    ):
        assert find_endpoint_fault(endpoint, rules)


@pytest.mark.parametrize(
    "entry",
    [
        "",
        "*",
        "*.com",
        "http://*.example.org",
        "ftp://example.org",
        "https://10.0.0.1",
        "example.org/path",
        "example.org:0",
        "exa mple.org",
        "*.*.example.org",
    ],
)
def test_an_entry_that_would_open_too_much_or_is_no_host_is_refused(entry: str) -> None:
    with pytest.raises(HostRuleError, match="is no host of push services"):
        parse_host_rules((entry,))

"""What keeps an installation alive: backups, monitoring, logs, mail, push."""

from supmessenger_cli.doctor.evidence import Evidence
from supmessenger_cli.doctor.finding import Finding, fail, ok, unknown, warn


def judge_backups(evidence: Evidence) -> Finding:
    """Judge the backups by the operator's own condition."""
    check = "Set up database backups"
    if not (evidence.spec.get("backup") or {}).get("enabled", True):
        return fail(check, "off", "spec.backup.enabled: true")
    found = evidence.health.conditions.get("BackupHealthy")
    make = f"kubectl sup backup create {evidence.name} {evidence.flags}"
    if found is None:
        return unknown(check, "the operator has not judged them yet", make)
    if found.is_true:
        return ok(check, found.message)
    judge = fail if found.status == "False" else warn
    return judge(check, found.message.partition(";")[0], make)


def judge_monitoring(evidence: Evidence) -> Finding:
    """Judge metrics, dashboards and whether an alert reaches anybody."""
    check, parts = "Enable monitoring and alerts", ("prometheus", "grafana")
    running = [part for part in parts if evidence.has_part(part)]
    if "prometheus" not in running:
        reason = evidence.find_part_message("prometheus") or evidence.find_part_message(
            "monitoring"
        )
        seen = reason or "Prometheus is off"
        return fail(check, seen, "spec.monitoring.enabled: true, and its images for the operator")
    unwell = [one for one in running if not evidence.health.is_true(f"{one.capitalize()}Ready")]
    if unwell:
        cure = f"kubectl sup status {evidence.name} {evidence.flags}"
        return fail(check, f"not ready: {', '.join(unwell)}", cure)
    told = f"running: {', '.join(running)}"
    look = f"see who fires: kubectl sup open prometheus {evidence.name} {evidence.flags}, /alerts"
    # A receiver that this release only accepts must not pass for one.
    for receiver in ("alerts-email", "alerts-webhook"):
        if unavailable := evidence.find_part_message(receiver):
            return warn(check, f"{told}; alerts reach nobody: {unavailable}", look)
    alerts = (evidence.spec.get("monitoring") or {}).get("alerts") or {}
    has_email = "email" in alerts and alerts["email"].get("enabled", True)
    if not has_email and "webhook" not in alerts:
        return warn(check, f"{told}; alerts reach nobody", look)
    return ok(check, f"{told}, alerts have a receiver")


def judge_log_rotation(evidence: Evidence) -> Finding:
    """Judge whether logs are cut before they fill a node."""
    check, rotation = "Set up log rotation", evidence.log_rotation
    if rotation is None:
        cure = "look at containerLogMaxSize of the kubelets, or ask for the right nodes/proxy"
        return unknown(check, "the kubelet could not be asked", cure)
    size, files = rotation.get("containerLogMaxSize"), rotation.get("containerLogMaxFiles")
    if not size or not files:
        cure = "set containerLogMaxSize and containerLogMaxFiles of the kubelets"
        return fail(check, "the kubelets don't cut logs", cure)
    return ok(check, f"kubelets keep {files} files of {size} a container")


def judge_smtp(evidence: Evidence) -> Finding:
    """Judge mail by what the worker's live check of the server says."""
    check = "Configure email SMTP"
    if not evidence.spec.get("smtp"):
        cure = "spec.smtp: {host, from, credentialsSecretRef}; until then accounts need no email"
        return warn(check, "not configured", cure)
    if evidence.checks is None or "smtp" not in evidence.checks:
        cure = f"kubectl sup status {evidence.name} {evidence.flags}"
        return unknown(check, "the worker's checker did not answer", cure)
    found = evidence.checks["smtp"]
    if not found["ok"]:
        return fail(check, f"it can't be used: {found['message']}", "correct spec.smtp")
    return ok(check, found["message"] or "the server takes mail")


def judge_push(evidence: Evidence) -> Finding:
    """Judge whether devices that are not connected are woken."""
    check, push = "Set up push notifications", evidence.spec.get("push")
    missing = evidence.find_part_message("push")
    if missing:
        return warn(check, missing, "wait for a release that has it")
    if push is None:
        cure = "spec.push: {webPush: {enabled: true}, fcm: {serviceAccountSecretRef: {name: …}}}"
        return warn(check, "not configured", cure)
    web = (push.get("webPush") or {"enabled": True}).get("enabled", True)
    found = [*(["Firebase"] if push.get("fcm") else []), *(["browsers"] if web else [])]
    if not found:
        return warn(check, "neither browsers nor Firebase", "spec.push.webPush.enabled: true")
    return ok(check, f"configured for {' and '.join(found)}")

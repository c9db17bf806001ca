"""`kubectl sup doctor`: the seed's checklist and its troubleshooting, one answer a line."""

from supmessenger_cli.doctor.catalogue import SECTIONS
from supmessenger_cli.doctor.finding import State, build_document, compute_worst
from supmessenger_cli.doctor.gather import gather_evidence
from supmessenger_cli.options import Context, Format, Name, Namespace, Output
from supmessenger_cli.report import print_findings
from supmessenger_cli.scope import open_scope
from supmessenger_cli.terminal import console, print_document, run_verb

EXAMPLES = (
    "Exit code 0 unless something fails. "
    "Examples: kubectl sup doctor demo -n chat · kubectl sup doctor demo -n chat -o json"
)


def doctor(
    name: Name = None,
    namespace: Namespace = None,
    context: Context = None,
    output: Output = Format.TABLE,
) -> None:
    """Look at everything that should be right in production, and say how to cure what is not."""
    run_verb(_doctor(context, namespace, name, output))


async def _doctor(
    context: str | None, namespace: str | None, name: str | None, output: Format
) -> int:
    scope = await open_scope(context=context, namespace=namespace, name=name)
    evidence = await gather_evidence(scope)
    found = [(one.title, [judge(evidence) for judge in one.judges]) for one in SECTIONS]
    worst = compute_worst([finding for _, findings in found for finding in findings])
    if output is Format.TABLE:
        for title, findings in found:
            console.print(f"[bold]{title}[/bold]")
            print_findings(findings)
            print()
    else:
        sections = [
            {"section": title, "checks": build_document(findings)} for title, findings in found
        ]
        document = {"namespace": scope.namespace, "name": scope.name, "worst": worst.value}
        print_document({**document, "sections": sections}, output)
    return 1 if worst is State.FAIL else 0

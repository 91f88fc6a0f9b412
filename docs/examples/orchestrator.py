"""A task for an orchestrator: audit, gate, and stop the flow where the policy fails.

Airflow: `PythonOperator(task_id="audit", python_callable=audited, op_kwargs={...})`; Prefect: `task(audited)`.
An exception fails the task; an incomplete run can be tried again, because the same call resumes.
"""

from pathlib import Path

from auditor.cli.main import run

PASS, FAIL, INCOMPLETE, INCONCLUSIVE = 0, 1, 3, 4


class PolicyFailed(Exception):
    """The corpus must not be trained on; trying again does not help."""


class TryAgain(Exception):
    """Something could not be read; a retry resumes where it stopped."""


def audited(corpus: str, out: str, policy: str, *, store: str | None = None) -> str:
    """Audit a corpus by a policy; returns the path of the report."""
    shared = ["--store", store] if store else []
    code = run(["audit", corpus, "--out", out, "--policy", policy, "--quiet", *shared])
    if code == FAIL:
        raise PolicyFailed(f"see {Path(out) / 'verdict.json'}")
    if code == INCOMPLETE:
        raise TryAgain(f"see the skips in {Path(out) / 'report.json'}")
    if code not in (PASS, INCONCLUSIVE):
        raise ValueError(f"auditor ended with code {code}")
    return str(Path(out) / "report.html")

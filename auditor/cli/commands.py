"""Imports every module of commands, so that they are on the app."""

from auditor.cli import audit, collapse, detectors, export, gate, monitor, provenance, results, sample, steps

__all__ = ["audit", "collapse", "detectors", "export", "gate", "monitor", "provenance", "results", "sample", "steps"]

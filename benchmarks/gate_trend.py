"""Early warning over simulated series of audits: false alarms while nothing changes, delay after a step of 2 points.

Usage: python benchmarks/gate_trend.py   (half a minute)
"""

import json
from pathlib import Path

import numpy as np

from auditor.gate.early_warning import ALLOWANCE, FALSE_ALARMS, FIRST, HORIZON, alarm_limit, early_warning

SERIES, STEP, AT = 1000, 0.02, 12
RESULT = Path(__file__).parent / "results" / "gate_trend.json"


def main() -> None:
    rows = []
    for spread in (0.005, 0.01, 0.02):
        rng = np.random.default_rng(round(1000 * spread))
        stable = [early_warning(rng.normal(0.1, spread, HORIZON)).alarm for _ in range(SERIES)]
        delays, early = [], 0
        for _ in range(SERIES):
            values = rng.normal(0.1, spread, HORIZON)
            values[AT:] += STEP
            alarm = early_warning(values).alarm
            early += alarm is not None and alarm < AT
            delays.append(np.inf if alarm is None or alarm < AT else alarm - AT + 1)
        median = float(np.median(delays))
        rows.append(
            {
                "spread_points": 100 * spread,
                "series": SERIES,
                "audits": HORIZON,
                "step_points": 100 * STEP,
                "false_alarms": sum(alarm is not None for alarm in stable) / SERIES,
                "false_alarms_of_a_million": alarm_rate(),
                "detected": float(np.isfinite(delays).mean()),
                "alarm_before_step": early / SERIES,
                "median_delay_audits": median if np.isfinite(median) else None,
            }
        )
    RESULT.write_text(json.dumps(rows, indent=1) + "\n")
    for row in rows:
        print(row)


def alarm_rate(series: int = 1_000_000) -> float:
    """Share of stable series with an alarm, from their scores, which are independent standard normal while stable."""
    rng, limit = np.random.default_rng(2), alarm_limit(HORIZON, FALSE_ALARMS)
    total, highest = np.zeros(series), np.zeros(series)
    for _ in range(HORIZON - FIRST + 1):
        total = np.maximum(0, total + rng.normal(size=series) - ALLOWANCE)
        np.maximum(highest, total, out=highest)
    return float((highest > limit).mean())


if __name__ == "__main__":
    main()

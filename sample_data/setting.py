"""Where and when the sample's documents were found: made-up hosts, addresses and dates."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from auditor.sample_data.truth import AI

# The first widely used chat model came out on 30 November 2022: nothing machine-written is dated before that month.
MACHINE_ERA = datetime(2022, 12, 1, tzinfo=UTC)
FIRST, LAST = datetime(2016, 1, 1, tzinfo=UTC), datetime(2025, 7, 1, tzinfo=UTC)
CRAWL_DAYS = 14
HOSTS = 260
# A few hosts carry most of the machine text, as on the web; no host carries machine text alone.
FARMS = 24
FARM_SHARE = {"ai": 0.6, "human": 0.05}
FIRST_WORDS = (
    "amber birch cedar delta ember fjord grove harbor indigo juniper kestrel larch meadow north ocean prairie".split()
)
LAST_WORDS = (
    "almanac archive bulletin courier digest gazette herald index journal ledger monitor notes observer pages".split()
)
ZONES = ("example", "example.com", "example.org", "example.net")


@dataclass(frozen=True, slots=True)
class Dating:
    """How a shard is dated: the share of human documents before the machine era, or one crawl that starts on a day."""

    before: float = 0.0
    crawl: datetime | None = None


def hosts() -> list[str]:
    """All host names, under the domains that are reserved for examples."""
    names = [f"{first}-{last}" for first in FIRST_WORDS for last in LAST_WORDS]
    return [f"{name}.{ZONES[number % len(ZONES)]}" for number, name in enumerate(names)][:HOSTS]


def draw_host(label: str, rng: np.random.Generator) -> str:
    names = hosts()
    farms, others = names[:: HOSTS // FARMS], [name for n, name in enumerate(names) if n % (HOSTS // FARMS)]
    return str(rng.choice(farms if rng.random() < FARM_SHARE[label] else others))


def draw_date(dating: Dating | None, label: str, rng: np.random.Generator) -> str | None:
    """A date of the shard's kind in ISO 8601; None in a shard without dates."""
    if dating is None:
        return None
    start, end = MACHINE_ERA, LAST
    if dating.crawl:
        start, end = dating.crawl, dating.crawl + timedelta(days=CRAWL_DAYS)
    elif label != AI and rng.random() < dating.before:
        start, end = FIRST, MACHINE_ERA - timedelta(days=31)
    moment = start + timedelta(seconds=int(rng.integers(int((end - start).total_seconds()))))
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")

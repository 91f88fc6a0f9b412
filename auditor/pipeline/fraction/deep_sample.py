"""The deep sample: slow detectors read some of the retained texts, drawn so that they represent the whole corpus.

A stratum is a language and a bin of the first tier's score. Every split has kept its texts of lowest hash in each
stratum, so that the lowest hashes of all splits together are a random sample of the stratum's documents.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from scipy.special import expit

from auditor.config import Config, parse_duration
from auditor.detectors.second_tier import SecondTier
from auditor.errors import StoreError
from auditor.estimate.fraction.twophase import neyman_allocation
from auditor.manifest import key_of, read_json, write_json
from auditor.pipeline.map.batch import score_bins
from auditor.pipeline.run.parts import scan, state
from auditor.pipeline.run.plan import CORPUS, ROLES, Plan, Task
from auditor.run_columns import SAMPLE, SAMPLE_BINS, SAMPLE_PER_CELL
from auditor.run_folder import remove, whole_file
from auditor.store.database import query
from auditor.text.batch import TextBatch

SCORES, MARKER = "deep.parquet", "deep.json"
STRATUM = " + ".join(f"(score > {edge})::INTEGER" for edge in SAMPLE_BINS)
PILOT = 16  # documents scored first, to time one
REFERENCE_SHARE = 0.5  # documents of each reference for one of the corpus
CHUNK = 32  # documents between looks at the clock and notes of progress
LEAST_SPREAD = 0.1
CELL = ["role", "language", "stratum"]
DRAWN: dict[Any, Any] = {
    "role": pl.String,
    "language": pl.String,
    "stratum": pl.Int32,
    "shard": pl.String,
    "row": pl.Int64,
    "stable_id": pl.UInt64,
    "score": pl.Float32,
    "logit": pl.Float32,
}

Say = Callable[[str], None]
Clock = Callable[[], float]


@dataclass(frozen=True, slots=True, eq=False)
class DeepScores:
    """What was read: one row a document (DRAWN and score_<detector>), and what limited it."""

    frame: pl.DataFrame
    revision: str
    retained: int
    limited: str = ""


def deep_scores(
    connection: Any, run: Path, plan: Plan, config: Config, tier: SecondTier, *, say: Say, clock: Clock = time.monotonic
) -> DeepScores:
    """Draw the sample, score it and keep the scores in RUN; scores kept for the same input and settings are reused.

    Parameters: connection, with the view `docs`
    """
    tasks = {role: plan.of_role(role) for role in ROLES}
    key = key_of(
        config.deep_sample,
        config.deep_budget,
        tier.revision,
        asdict(tier.stack),
        [state(run, [task.key for task in tasks[role]]) for role in ROLES],
    )
    kept = _kept(run, key)
    if kept is not None:
        return kept
    retained = retained_documents(run, tasks)
    sizes = stratum_sizes(connection)
    within = _complete_prefix(retained)
    seconds = parse_duration(config.deep_budget) if config.deep_budget else None
    started = clock()
    reader = _Reader(run, tasks, tier, clock)
    limited = ""
    if seconds is None:
        chosen = draw(within, sizes, config.deep_sample)
        done = reader.read(chosen, say=say)
    else:
        pilot = draw(within, sizes, PILOT)
        begun = clock()
        done = reader.read(pilot, say=say)
        rate = max(clock() - begun, 1e-3) / max(pilot.height, 1)
        fits = int((seconds - (clock() - started)) / rate / (1 + REFERENCE_SHARE * (len(plan.corpora) - 1)))
        most = within.height if config.deep_sample in (0, "all") else int(config.deep_sample)
        rest = draw(within, sizes, max(min(fits, most), PILOT)).join(pilot, on="stable_id", how="anti")
        done = pl.concat([done, reader.read(rest, say=say, until=started + seconds)])
        limited = f"the budget of {config.deep_budget}" if done.height < within.height else ""
    found = DeepScores(done.sort("role", "stable_id"), tier.revision, within.height, limited)
    _keep(run, key, found)
    return found


def stratum_sizes(connection: Any, where: str = "true") -> pl.DataFrame:
    """Eligible documents of each role, language and stratum: size, and cheap_mean of the first tier's probability.

    The mean is rounded so that the order in which threads add up does not show.
    """
    return query(
        connection,
        f"""SELECT role, coalesce(language, '') AS language, ({STRATUM})::INTEGER AS stratum, count(*)::BIGINT AS size,
                   round(avg(1 / (1 + exp(-score::DOUBLE))), 9) AS cheap_mean
            FROM docs WHERE eligible AND score IS NOT NULL AND ({where}) GROUP BY ALL ORDER BY ALL""",
    )


def draw(within: pl.DataFrame, sizes: pl.DataFrame, wanted: int | str) -> pl.DataFrame:
    """The documents to read: `wanted` of the corpus by Neyman's rule, half as many of each reference.

    Parameters: within, documents that can be read (CELL, stable_id); sizes, documents of each stratum. A binary
    label's spread is guessed from the first tier's probability
    """
    have = sizes.join(within.group_by(CELL).len(name="have"), on=CELL, how="inner").sort(CELL)
    parts = []
    for role in ROLES:
        here = have.filter(role=role)
        if not here.height:
            continue
        room = here["have"].to_numpy().astype(float)
        p = here["cheap_mean"].to_numpy()
        spread = np.maximum(np.sqrt(p * (1 - p)), LEAST_SPREAD)
        number = room.sum() if wanted == "all" else float(wanted) * (1 if role == CORPUS else REFERENCE_SHARE)
        # Strata that kept fewer than the rule asks for give all; the others share the remainder by the same rule.
        weight = here["size"].to_numpy() / room
        parts.append(
            here.with_columns(take=pl.Series(neyman_allocation(room, spread * weight, min(number, room.sum()))))
        )
    if not parts:
        return within.clear()
    rank = pl.col("stable_id").rank("ordinal").over(CELL)
    return within.join(pl.concat(parts).select(*CELL, "take"), on=CELL).filter(rank <= pl.col("take")).drop("take")


def retained_documents(run: Path, tasks: Mapping[str, Sequence[Task]]) -> pl.DataFrame:
    """All retained documents without their texts: CELL, part, shard, row, stable_id, score."""
    frames = []
    columns = ("part", "shard", "language", "row", "stable_id", "score")
    for role, own in tasks.items():
        found = scan(run, own, "sample", SAMPLE).select(columns).collect()
        stratum = score_bins(found["score"].to_numpy(), SAMPLE_BINS).astype(np.int32)
        frames.append(
            found.with_columns(pl.col("language").fill_null(""), stratum=pl.Series(stratum), role=pl.lit(role))
        )
    return pl.concat(frames)


def _complete_prefix(retained: pl.DataFrame) -> pl.DataFrame:
    """In each stratum, the documents below the hash up to which every split has kept all of its own."""
    full = retained.group_by(*CELL, "part").agg(pl.len(), last=pl.col("stable_id").max())
    bound = full.filter(pl.col("len") >= SAMPLE_PER_CELL).group_by(CELL).agg(bound=pl.col("last").min())
    joined = retained.join(bound, on=CELL, how="left")
    return joined.filter(pl.col("bound").is_null() | (pl.col("stable_id") <= pl.col("bound"))).drop("bound")


@dataclass(frozen=True, slots=True)
class _Reader:
    """Fetches texts and scores them."""

    run: Path
    tasks: Mapping[str, Sequence[Task]]
    tier: SecondTier
    clock: Clock

    def read(self, chosen: pl.DataFrame, *, say: Say, until: float | None = None) -> pl.DataFrame:
        """Scores of the chosen documents in order of their hash, as many as the time allows.

        By hash, so that what was read when the time ran out is a random part of each stratum.
        """
        texts = pl.concat([self._texts(role, chosen) for role in self.tasks]).sort("stable_id")
        parts = [self._scored(texts.clear())]
        for start in range(0, texts.height, CHUNK):
            if until is not None and self.clock() >= until:
                break
            parts.append(self._scored(texts.slice(start, CHUNK)))
            say(f"deep sample: {min(start + CHUNK, texts.height):,} of {texts.height:,} documents read")
        return pl.concat(parts)

    def _texts(self, role: str, chosen: pl.DataFrame) -> pl.DataFrame:
        own = chosen.filter(role=role)
        texts = scan(self.run, self.tasks[role], "sample", SAMPLE).select("part", "stable_id", "text")
        return own.lazy().join(texts, on=["part", "stable_id"], how="inner").collect()

    def _scored(self, texts: pl.DataFrame) -> pl.DataFrame:
        known = texts["language"].replace("", None)
        batch = TextBatch.of(texts["text"], known)
        logit, members = self.tier.score(batch, texts["score"].to_numpy())
        columns = {"logit": logit, **{f"score_{name}": values for name, values in members.items()}}
        added = [pl.Series(name, values, dtype=pl.Float32).fill_nan(None) for name, values in columns.items()]
        out = texts.select([name for name in DRAWN if name != "logit"]).with_columns(added)
        return out.cast(DRAWN)


def cheap(frame: pl.DataFrame) -> np.ndarray:
    """(n,) the first tier's probability of sampled documents."""
    return expit(frame["score"].to_numpy().astype(float))


def _kept(run: Path, key: str) -> DeepScores | None:
    try:
        marker = read_json(run / MARKER)
        if marker.get("key") != key:
            return None
        return DeepScores(pl.read_parquet(run / SCORES), marker["revision"], marker["retained"], marker["limited"])
    except (StoreError, OSError, KeyError, AttributeError, pl.exceptions.PolarsError):
        return None


def _keep(run: Path, key: str, found: DeepScores) -> None:
    """The scores, then the marker that names what they are of; each renamed into place."""
    remove(run / MARKER, within=run)
    with whole_file(run / SCORES) as partial:
        found.frame.write_parquet(partial)
    write_json(
        run / MARKER,
        {"key": key, "revision": found.revision, "retained": found.retained, "limited": found.limited},
    )

"""An audit whose slices Spark measures: `spark-submit spark_map_partitions.py CORPUS RUN SLICES`.

The executors need auditor installed, and share nothing but CORPUS and RUN: folders that all of them see, or buckets.
Give at least one slice for each core. A slice that Spark starts again, or twice, does no harm.
"""

import sys
from collections.abc import Iterator

from pyspark.sql import SparkSession

from auditor.cli.main import run


def measured(numbers: Iterator[int], place: str, slices: int) -> Iterator[int]:
    """The slices of one partition, on an executor; an exception makes Spark try them again."""
    for number in numbers:
        code = run(["map", place, "--shard", f"{number}/{slices}", "--workers", "1", "--quiet"])
        if code:
            raise RuntimeError(f"slice {number} of {slices} ended with code {code}")
        yield number


def main(corpus: str, place: str, slices: int) -> int:
    if code := run(["plan", corpus, "--out", place]):
        return code
    spark = SparkSession.builder.appName("auditor").getOrCreate()
    numbers = spark.sparkContext.parallelize(range(slices), slices)
    done = numbers.mapPartitions(lambda partition: measured(partition, place, slices)).collect()
    spark.stop()
    print(f"{len(done)} slices measured")
    return run(["reduce", place]) or run(["finalise", place])


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))

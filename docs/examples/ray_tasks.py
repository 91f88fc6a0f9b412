"""An audit whose slices are tasks of Ray, over a bucket: `python ray_tasks.py CORPUS RUN SLICES`.

The nodes need auditor installed, and share nothing but CORPUS and RUN, such as s3://bucket/run. (Where all of them see
one folder, `auditor audit --launcher ray` does the same.) A task that Ray starts again, or twice, does no harm.
"""

import sys

import ray

from auditor.cli.main import run


@ray.remote(num_cpus=1, max_retries=3, retry_exceptions=True)
def measured(number: int, place: str, slices: int) -> int:
    """One slice, on some node; an exception makes Ray try it again."""
    code = run(["map", place, "--shard", f"{number}/{slices}", "--workers", "1", "--quiet"])
    if code:
        raise RuntimeError(f"slice {number} of {slices} ended with code {code}")
    return number


def main(corpus: str, place: str, slices: int) -> int:
    if code := run(["plan", corpus, "--out", place]):
        return code
    ray.init()
    done = ray.get([measured.remote(number, place, slices) for number in range(slices)])
    ray.shutdown()
    print(f"{len(done)} slices measured")
    return run(["reduce", place]) or run(["finalise", place])


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))

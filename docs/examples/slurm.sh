#!/bin/sh
# An array of Slurm jobs that share a bucket and no file system. (With a shared one: auditor audit --launcher slurm.)
set -eu
corpus=${1:?corpus, such as s3://bucket/crawl} run=${2:?run, such as s3://bucket/run} jobs=${3:-16}
auditor plan "$corpus" --out "$run"
first=$(sbatch --parsable --array="0-$((jobs - 1))" --cpus-per-task=4 --mem=8G --requeue \
    --wrap="exec auditor map '$run' --shard \$SLURM_ARRAY_TASK_ID/$jobs --quiet")
sbatch --parsable --dependency="afterany:$first" --cpus-per-task=8 --mem=32G \
    --wrap="auditor reduce '$run' && exec auditor finalise '$run' --quiet"

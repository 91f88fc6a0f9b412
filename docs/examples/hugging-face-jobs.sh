#!/bin/sh
# Slices as jobs on Hugging Face, over a dataset of the hub; the run lies in a bucket that all of them reach.
# IMAGE is an image of auditor built with EXTRAS=hf,s3. The keys of the bucket are handed over as secrets.
set -eu
corpus=${1:?corpus, such as hf://datasets/org/name@main/data} run=${2:?run, such as s3://bucket/run} jobs=${3:-8}
image=${IMAGE:?the image of auditor}
auditor plan "$corpus" --out "$run"
index=0
while [ "$index" -lt "$jobs" ]; do
    hf jobs run --detach --flavor cpu-upgrade \
        --secrets HF_TOKEN --secrets AWS_ACCESS_KEY_ID --secrets AWS_SECRET_ACCESS_KEY \
        "$image" auditor map "$run" --shard "$index/$jobs" --quiet
    index=$((index + 1))
done
echo "when all have ended (hf jobs ps): auditor reduce $run && auditor finalise $run"

#!/bin/sh
# An array of jobs on AWS Batch, one slice each; they share nothing but the bucket. The job definition `auditor` runs the
# image (built with EXTRAS=s3) under a role that may read the corpus and write the run.
set -eu
corpus=${1:?corpus, such as s3://bucket/crawl} run=${2:?run, such as s3://bucket/run} jobs=${3:-16} queue=${4:-auditor}
auditor plan "$corpus" --out "$run"
map="exec auditor map $run --shard \$AWS_BATCH_JOB_ARRAY_INDEX/$jobs --quiet"
end="auditor reduce $run && exec auditor finalise $run --quiet"
submit() { # name, script, other options
    name=$1 script=$2
    shift 2
    aws batch submit-job --job-name "$name" --job-queue "$queue" --job-definition auditor \
        --container-overrides "{\"command\": [\"/bin/sh\", \"-ec\", \"$script\"]}" "$@" --query jobId --output text
}
first=$(submit auditor-map "$map" --array-properties "size=$jobs" --retry-strategy attempts=3)
submit auditor-finalise "$end" --depends-on "jobId=$first"

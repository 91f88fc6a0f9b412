"""What a plan says of itself."""

from auditor.sources.find.describe import layouts
from tests.sources.corpora import TEXTS, jsonl, parquet, plan, put


def test_shards_read_alike_are_said_once_with_their_columns_and_what_the_date_means(tmp_path):
    for i in range(3):
        put(tmp_path, f"{i}.parquet", parquet(TEXTS))
    put(tmp_path, "c4.jsonl", b'{"text": "a", "timestamp": "2019-01-01", "url": "http://x.org"}\n')
    put(tmp_path, "d.jsonl", jsonl(TEXTS))
    found = layouts(plan(tmp_path))
    assert [(layout.shards, layout.format) for layout in found] == [(3, "parquet"), (1, "jsonl"), (1, "jsonl")]
    assert found[0].rows == 3 * len(TEXTS) and found[1].rows is None
    assert found[2].sentence() == (
        "1 jsonl shard (c4): text from 'text', date from 'timestamp', url from 'url'; the date is when it was crawled"
    )

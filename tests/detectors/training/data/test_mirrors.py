"""Mirrors: what ships, what is held out, and that one that repeats its human text is dropped."""

import hashlib
import json

import polars as pl

from auditor.detectors.training.data import families, mirrors

HUMAN = " ".join(f"the dog{i} sat" for i in range(40))


def test_the_shipped_mirrors_have_their_columns_and_every_eighth_is_held_out():
    shipped = mirrors.read()
    assert tuple(shipped.columns) == mirrors.COLUMNS and len(shipped) > 4000
    assert set(shipped["label"]) == {"ai"} and set(shipped["generator"]) == {"frontier-2026"}
    assert set(shipped["licence"]) == {"own"} and shipped["text"].n_unique() == len(shipped)
    for pair, held_out in shipped.select("pair_id", "held_out").head(300).iter_rows():
        assert held_out == (int(hashlib.sha256(pair.encode()).hexdigest(), 16) % 8 == 0)
    assert 0.09 < shipped["held_out"].mean() < 0.16


def test_held_out_mirrors_and_their_human_twins_never_train():
    frame = pl.DataFrame(
        {
            "id": ["a", "m"],
            "label": ["human", "ai"],
            "pair_id": ["repo", "a"],
            "domain": ["d", "e"],
            "generator": ["", "frontier-2026"],
            "source": ["human_web2", families.MIRRORS],
            "licence": ["MIT", "own"],
            "language": ["en", "en"],
        }
    )
    described = families.described(frame)
    assert (
        described["family"].to_list() == ["human_web2/repo"] * 2 and described["cell"].to_list() == ["human_web2/d"] * 2
    )
    assert described["fold"].n_unique() == 1
    assert described["reference"].to_list() == [families.is_held_out("a"), False]
    assert described["held_out"].to_list() == [False, families.is_held_out("a")]


def test_a_mirror_that_repeats_its_human_text_is_dropped(tmp_path):
    sources, written = tmp_path / "sources", tmp_path / "written"
    sources.mkdir()
    written.mkdir()
    pl.DataFrame({"id": ["h1", "h2"], "text": [HUMAN, HUMAN], "label": ["human", "human"]}).write_parquet(
        sources / "a.parquet"
    )
    rest = {"domain": "d", "language": "en", "mode": "plain", "prompt": "write"}
    own = " ".join(f"a cat{i} ran" for i in range(40))
    rows = [{"id": "h1", "text": own, **rest}, {"id": "h2", "text": HUMAN[:400] + own[:100], **rest}]
    (written / "x.jsonl").write_text("\n".join(map(json.dumps, rows)))
    first = tmp_path / "first.parquet"
    mirrors.read().head(2).write_parquet(first)
    together, dropped = mirrors.collect(first, written, sources)
    assert dropped == 1 and together["pair_id"].to_list()[2:] == ["h1"]
    assert mirrors.shared_grams(HUMAN, HUMAN) == 1.0 and mirrors.shared_grams("a b", HUMAN) == 0.0

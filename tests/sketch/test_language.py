"""Languages from frequent words, and py3langid where they are unsure."""

import numpy as np
import polars as pl
from safetensors.numpy import load_file

from auditor.sketch import language
from auditor.text.batch import TextBatch

TEXTS = {
    "en": "The committee said that it would not have been able to do this without the help of all its members.",
    "de": "Der Ausschuss sagte, dass er dies ohne die Hilfe aller seiner Mitglieder nicht hätte tun können.",
    "fr": "Le comité a dit qu'il n'aurait pas pu faire cela sans l'aide de tous ses membres dans la ville.",
    "es": "El comité dijo que no habría podido hacer esto sin la ayuda de todos sus miembros en la ciudad.",
    "ru": "Комитет сказал, что он не смог бы сделать это без помощи всех своих членов и друзей.",
    "zh": "委员会表示，如果没有所有成员的帮助，它是无法做到这一点的。",
    "ja": "委員会は、すべてのメンバーの助けがなければこれを行うことはできなかったと述べた。",
}


def test_languages_with_and_without_spaces_are_told_apart():
    found = language.identify(TextBatch.of(pl.Series(list(TEXTS.values()))))
    assert found.to_list() == list(TEXTS)


def test_a_text_without_a_word_has_no_language():
    assert language.identify(TextBatch.of(pl.Series(["", "🙂🙂🙂", "--- ***"]))).to_list() == [None, None, None]


def test_a_chinese_text_with_a_few_english_words_stays_chinese():
    text = TEXTS["zh"] * 6 + " The New York Times and the Wall Street Journal of the day"
    assert language.identify(TextBatch.of(pl.Series([text]))).to_list() == ["zh"]


def test_the_shipped_words_are_those_that_wordfreq_gives():
    shipped, learned = load_file(language.WEIGHTS), language.learn()
    assert np.array_equal(shipped["hashes"], learned["hashes"])
    assert np.array_equal(shipped["weights"], learned["weights"])


def test_languages_of_the_labelled_sources_are_found(labelled):
    frames = [pl.read_parquet(file, columns=["text", "language", "domain"]) for file in labelled.glob("*.parquet")]
    rows = pl.concat(frames).filter((pl.col("domain") != "code") & (pl.col("text").str.len_chars() > 300))
    rows = pl.concat([group.sample(min(len(group), 200), seed=1) for (_,), group in rows.group_by("language")])
    rows = rows.with_columns(
        pl.col("language").str.replace("zh-tw", "zh"), found=language.identify(TextBatch.of(rows["text"]))
    )
    right = rows.group_by("language").agg((pl.col("found") == pl.col("language")).mean())
    assert right["found"].min() >= 0.93, right
    assert right.filter(pl.col("language") == "en")["found"].item() >= 0.98

"""Properties of the labelled sources: families that share texts, folds to leave out, release years of generators.

A family stays on one side of every split. In sources of many repositories, each repository is a family; a mirror
belongs to the family of the human document that it answers.
"""

from __future__ import annotations

import hashlib
import re
from functools import cache

import polars as pl

MIRRORS = "frontier2026_mirrors"
FAMILIES = {
    "fast_detect_gpt": "completions",
    "glimpse": "completions",
    "imbd": "completions",
    "lastde": "completions",
    "biscope": "rewrites",
    "raidar": "rewrites",
    "l2r": "rewrites",
    "hc3_zh": "hc3",
    "hc3_plus": "hc3",
    "qwen_qa_multi": "hc3",
    "apt_eval": "mixset",
    "rakuda_ja": "mt_bench",
    "mt_bench_multi": "mt_bench",
}
BY_REPOSITORY = ("human_web2", "human_multi2")  # pair_id names the repository
BY_DOMAIN = ("human_web_licensed",)  # each domain is a separate publisher
EVALUATION_ONLY = (
    "alpaca_eval",
    "apt_eval",
    "detector_bias",
    "hc3_plus",
    "iu_wiki_news",
    "lastde",
    "mixset",
    "raidar",
)  # no licence, or one that does not allow training
FOLDS = 8
# Folds of the large families, so that machine text of 2025 and the long-form collections are left out together.
FOLD = {
    "rewrites": 0,
    "completions": 1,
    "outfox": 2,
    "rexshijaku": 2,
    "detector_bias": 2,
    "slop_score": 3,
    "eqbench_creative": 3,
    "deepresearch_claude": 3,
    "hellobench": 4,
    "booookscore": 4,
    "alpaca_eval": 4,
    "mt_bench": 4,
    "zippy": 5,
    "seqxgpt_doc": 5,
    "hc3": 5,
    "mixset": 5,
    "gptid_reddit": 6,
    "olympic_gemini": 6,
    "maide_up": 6,
    "iu_wiki_news": 6,
    "human_dated_gov": 7,
    "human_iclr": 7,
    "human_docs_multi": 7,
}
# Models without instruction tuning: another kind of text, little of which is on the web since 2023.
BASE_MODELS = (
    "gpt2",
    "gpt-j",
    "gptj",
    "gpt-neo",
    "gptneo",
    "opt",
    "davinci",
    "bloom",
    "falcon",
    "gemma_7b",
    "llama1",
    "llama2_13b",
    "llama3_8b",
    "mgpt",
    "phi2",
    "qwen1.5",
    "gpt3-175b",
    "ada",
)
UNNAMED = "^misc:|unknown"  # generators that a source does not name
# Release years by what generators' names contain; the first pattern that matches decides.
YEARS = (
    (2026, r"frontier-2026"),
    (
        2025,
        r"gpt-5|o3|sonnet-4|claude-4|opus-4|gemini-2\.5|kimi|glm-4\.5|llama-4|qwen3|qwen-3|v3\.2|v3\.1|ling-|gemma-?3"
        r"|gpt-4\.5|gpt-4\.1|deepseek-r1|deepseek-v3|grok|claude-3[-.]7|2025|command-a-03|mistral-small-3|qwq|r1"
        r"|gpt-oss|reka-flash-3|darkest|o1-pro|o4",
    ),
    (
        2024,
        r"gpt-?4o|claude-?3|gemini-?1\.5|llama-?3|qwen2|qwen1\.5|mistral[_-]large|deepseek|gemma|phi-3|phi2|o1"
        r"|command-r|nemo|internlm2|yi-|glm4|qwen[_-]max|suzume|starling|dbrx|mixtral-8x22|neo_7b|2024|gemini-2"
        r"|chatgpt-4o|kaguya",
    ),
    (
        2023,
        r"gpt-?4|gpt-?3\.5|chatgpt|claude|llama|mixtral|mistral|vicuna|palm|bard|gemini|zephyr|tulu|chatglm|dolly"
        r"|stablelm|falcon|elyza|wizard|openchat|xwin|ultralm|guanaco|alpaca|oasst|gpt-3-turbo|ppo|dpo|pairrm|rwkv"
        r"|chatntq|7b|13b",
    ),
    (2022, r"davinci[-_]003|flan|bloom|opt"),
    (2021, r"davinci|gpt-?3|ada|gpt2|gpt-?j|neo|mgpt"),
)


def described(frame: pl.DataFrame) -> pl.DataFrame:
    """Documents of all sources with family, cell, fold, licensed, base, named, year, held_out and reference.

    cell: the source (or family that shares texts) and domain, the unit to balance and to cluster by
    held_out: mirrors that no model is trained on; reference: their human twins, which none is trained on either
    """
    frame = _with_origin(frame)
    repository = pl.coalesce(
        pl.when(pl.col("origin").is_in(BY_REPOSITORY)).then("repository"),
        pl.when(pl.col("origin").is_in(BY_DOMAIN)).then("domain"),
    )
    shared = pl.col("origin").replace(FAMILIES)
    frame = frame.with_columns(
        family=pl.coalesce(pl.col("origin") + "/" + repository, shared),
        cell=pl.when(repository.is_not_null()).then("origin").otherwise(shared) + "/" + pl.col("domain"),
    )
    folds = {family: fold_of(family) for family in frame["family"].unique()}
    years = {name: release_year(name) for name in frame["generator"].drop_nulls().unique()}
    mirror = pl.col("source") == MIRRORS
    held_out = mirror & pl.col("pair_id").map_elements(is_held_out, return_dtype=pl.Boolean, skip_nulls=True)
    frame = frame.with_columns(
        fold=pl.col("family").replace_strict(folds, return_dtype=pl.Int32),
        licensed=~pl.col("licence").str.contains("(?i)unstated|unknown") & ~pl.col("source").is_in(EVALUATION_ONLY),
        base=(pl.col("label") == "ai") & is_base(pl.col("generator").fill_null("")),
        named=~pl.col("generator").fill_null("").str.contains(UNNAMED),
        year=pl.col("generator").replace_strict(years, default=None, return_dtype=pl.Int32),
        held_out=pl.when(mirror).then(held_out).otherwise(False),
    )
    twins = frame.filter("held_out")["pair_id"].unique()
    return frame.with_columns(reference=(pl.col("label") == "human") & pl.col("id").is_in(twins.implode())).drop(
        "origin", "repository"
    )


def fold_of(family: str) -> int:
    """The fold that a family is left out with."""
    digest = hashlib.sha1(f"fold/{family}".encode()).hexdigest()[:12]
    return FOLD.get(family, int(digest, 16) % FOLDS)


def is_held_out(pair: str) -> bool:
    """Whether the mirror of a human document is kept out of every training."""
    return int(hashlib.sha256(pair.encode()).hexdigest(), 16) % 8 == 0


@cache
def release_year(generator: str) -> int | None:
    """The year in which a generator was released, by its name; None if the name does not tell."""
    return next((year for year, pattern in YEARS if re.search(pattern, generator, re.IGNORECASE)), None)


def is_base(generator: pl.Expr) -> pl.Expr:
    """Whether a generator is a model without instruction tuning."""
    exact = generator.is_in(["llama", "GPT-3"])  # GPT-3-Turbo is tuned
    return pl.any_horizontal(*[generator.str.starts_with(name) for name in BASE_MODELS]) | exact


def _with_origin(frame: pl.DataFrame) -> pl.DataFrame:
    """Adds origin and repository; a mirror has those, and the domain, of the human document that it answers."""
    human = frame.filter(pl.col("label") == "human").unique("id", keep="first", maintain_order=True)
    twins = human.select(
        pl.col("id").alias("twin"), twin_source="source", twin_domain="domain", twin_repository="pair_id"
    )
    frame = frame.join(twins, left_on="pair_id", right_on="twin", how="left", maintain_order="left")
    paired = (pl.col("source") == MIRRORS) & pl.col("twin_source").is_not_null()
    return frame.with_columns(
        origin=pl.when(paired).then("twin_source").otherwise("source"),
        domain=pl.when(paired).then("twin_domain").otherwise("domain"),
        repository=pl.when(paired).then("twin_repository").otherwise("pair_id"),
    ).drop("twin_source", "twin_domain", "twin_repository")

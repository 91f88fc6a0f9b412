"""What every report says about its method and limits, with formulas and sources."""

from __future__ import annotations

from auditor.reports.model.sections import Passage

METHOD = [
    Passage(
        title="Synthetic fraction",
        text="Every eligible document gets a score. One human and one machine density of scores are fitted jointly "
        "over all shards, the human one tied to known human text (anchors) up to a residual shift, the machine one "
        "learned from the corpus with the detectors' table of past generators as prior; each shard has a fraction of "
        "its own. Intervals allow for the sampling of the target (by clusters and hosts) and of the anchors, and for "
        "that shift. It is never a count of flagged documents.",
        formula="p_shard(score) = (1 - a) h(score) + a f(score)",
        references=[
            "Katz-Samuels, Blanchard & Scott 2019 (demixing)",
            "Blanchard, Lee & Scott 2010 (mixture proportion)",
            "Lang & Reiczigel 2014 (cross-check)",
        ],
    ),
    Passage(
        title="Text that people and machines wrote together",
        text="A human draft that a model edited counts as human where fewer than 15% of its words are not in the draft "
        "in the same order, as machine-written from 50% on, and as assisted in between. The scores of a scope are "
        "compared with 1,200 possible worlds of human, assisted and machine densities, put together from sources "
        "other than the corpus; the shares are those that the worlds which fit allow. Where they allow many splits, "
        "the report gives the region.",
        formula="extent = 1 - LCS(text, draft) / words(text); p(score) = (1 - t) h + t (s g + (1 - s) f)",
        references=["Hirschberg 1975 (common subsequences)", "Scott 2015 (what a mixture identifies)"],
    ),
    Passage(
        title="Near-duplicates",
        text="MinHash signatures of word 5-shingles are cut into bands; documents that share a band are candidates. "
        "Each is verified against the representative of its cluster, by signature or, near the threshold, by its "
        "shingles, so no document is in a cluster through others alone.",
        formula="P(candidate) = 1 - (1 - J^r)^b",
        references=["Broder 1997", "Leskovec, Rajaraman & Ullman, section 3.4.2"],
    ),
    Passage(
        title="Lost diversity",
        text="Hill numbers of word types are compared with human text at equal sample coverage: naive counts "
        "grow with the text. Tail retention is the mass of the reference's rare words relative to held-out human "
        "text. The parts are differences of logarithms in a fixed order: duplication, synthetic text, the rest.",
        formula="loss = 1 - D(shard) / D(reference) at equal coverage",
        references=["Chao & Jost 2012", "Chao, Wang & Jost 2013", "Shumailov et al. 2024 (early and late collapse)"],
    ),
    Passage(
        title="Human reservoir",
        text="Training on text sampled from a model of the last generation's text loses rare types as genetic drift "
        "loses alleles; human text is immigration. The reservoir is the larger of two amounts: what the rarest types "
        "that must survive need to occur often enough, and what the required human share asks for; the report says "
        "which binds. "
        "The bands take the favourable, central and adverse ends of the measured intervals. Policy floors are "
        "conventions, and are shown apart.",
        formula="R = max(lambda_k(e) / p_min, H / epochs) / v",
        references=["Seddik et al. 2024", "Gerstgrasser et al. 2024", "Bertrand et al. 2023"],
    ),
]

LIMITS = [
    "No upper bound covers machine text that the detectors cannot tell from human text; for the first tier, "
    "completions by base models are such text.",
    "A score is not evidence against a person. Non-native writers are flagged more often: seven detectors flagged "
    "61.8% of TOEFL essays (Liang et al. 2023).",
    "Short texts, translations, templates, boilerplate, code and paraphrased text are judged less well.",
    "Where the human anchors are themselves contaminated, the estimate is the excess over the anchors.",
    "Languages in which the detectors were not measured are not measured here, and count as not eligible.",
    "Nothing is sized from Simpson diversity, and no share of human text is claimed to be safe for every corpus.",
]

CITATIONS = [
    "Shumailov et al. 2024, AI models collapse when trained on recursively generated data, Nature 631",
    "Liang et al. 2024, Mapping the increasing use of LLMs in scientific papers",
    "Liang et al. 2023, GPT detectors are biased against non-native English writers",
    "Chao & Jost 2012, Coverage-based rarefaction and extrapolation, Ecology 93",
    "Lang & Reiczigel 2014, Confidence limits for prevalence of disease adjusted for estimated sensitivity and "
    "specificity, Prev. Vet. Med. 113",
]

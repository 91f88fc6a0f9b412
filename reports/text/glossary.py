"""The terms of a report and what they mean: linked where a term first appears, shown as a tip, listed at the end."""

from __future__ import annotations

GLOSSARY = {
    "synthetic": (
        "Machine-written",
        "The share of documents whose text is wholly or mostly written by a language model. It is estimated from the "
        "distribution of detector scores, never counted from flagged documents.",
    ),
    "duplicate": (
        "Duplicated",
        "The share of documents that are the same as another document, or share four fifths of its five-word "
        "sequences. Of each cluster one document stays and does not count.",
    ),
    "diversity": (
        "Word types",
        "Different words. They are compared with the human reference at equal coverage, because a longer text always "
        "holds more different words.",
    ),
    "human": (
        "Human text to acquire",
        "Unique human text that, added to the corpus, keeps rare words alive when models are trained on each other's "
        "output for the given number of generations.",
    ),
    "judged": (
        "Could be judged",
        "Documents in a language that the detectors were measured in and long enough for them. The others are not "
        "counted as human; no figure on machine-written text includes them.",
    ),
    "interval": (
        "Interval",
        "The range in brackets. An interval at a level of 95% holds the truth in 95 of 100 audits like this one.",
    ),
    "inconclusive": (
        "Inconclusive",
        "The figure and its interval are shown, but the interval is not certain to hold the truth; the reason is "
        "given beside it. No gate fails on it.",
    ),
    "coverage": (
        "Coverage",
        "The share of all running words that belong to types already seen. Two texts are cut to the same coverage "
        "before their types are compared.",
    ),
    "rare": (
        "Rare words",
        "The rarest words that make up 5% of the reference's running words. Collapse begins with them.",
    ),
    "anchor": (
        "Anchor",
        "Text known to be human or machine-written, with which the scores of the corpus are compared.",
    ),
    "placebo": (
        "Placebo",
        "Documents dated before November 2022, which are human, estimated as if nothing were known about them. Their "
        "interval must hold 0%.",
    ),
    "kind": (
        "Kind of text",
        "A group of documents with similar content, such as recipes or court rulings. Human scores differ by kind.",
    ),
    "cluster": (
        "Cluster",
        "Documents that repeat the same text, each compared with the one that represents them.",
    ),
    "types": (
        "Common types",
        "Types counted as an effective number, in which frequent ones weigh more (Hill numbers of order 1 and 2).",
    ),
    "log": (
        "Log points",
        "Hundredths of the natural logarithm. \u221210 log points are about 9.5% fewer; parts in log points add up.",
    ),
}

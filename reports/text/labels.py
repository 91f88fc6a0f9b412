"""The names of report.json in words for people; an unknown name keeps its own."""

from __future__ import annotations

import re

from auditor.run_columns import SKIP_REASONS

QUANTITIES = {
    "synthetic_fraction": "Machine-written",
    "synthetic_fraction_tokens": "Machine-written, by tokens",
    "mixed_fraction": "Human text that a machine edited",
    "touched_fraction": "Written or edited by a machine",
    "duplicate_fraction": "Duplicated",
    "diversity_loss.q0": "Word types, against the human reference",
    "diversity_loss.q1": "Common word types, against the human reference",
    "diversity_loss.q2": "Very common word types, against the human reference",
    "diversity.tail_retention": "Rare words, against the human reference",
    "tail_retention": "Rare words, against the human reference",
}
_SIDE_COLUMNS = {
    "id": "identity",
    "date": "date",
    "url": "URL",
    "language": "language",
    "source": "source",
    "topic": "topic",
    "category": "category",
    "generator": "declared generator",
    "licence": "licence",
}
REASONS = {
    **SKIP_REASONS,
    "unreadable_file": "the file could not be read",
    "bad_row": "the row is damaged",
    "no_text": "the record has no text",
    "bad_json": "the line is not JSON",
    "nested_too_deep": "the record is nested too deeply",
    "too_many_columns": "the row has too many fields",
    "bad_record": "the record of the archive is damaged",
    "bad_http": "the archived response is damaged",
    "http_status": "the archived response is an error or a redirection",
    "not_a_page": "the archived response is not a page of text",
    "wrong_length": "the record of the archive has a wrong length",
    "record_too_large": "the record is longer than the limit",
    "cut_off": "the file ends in the middle of a record",
    "invalid_utf8_replaced": "bytes that are not UTF-8 were replaced",
    "lone_surrogate_replaced": "halves of characters were replaced",
    "encoding_already_undone": "the body was stored decoded, although its header announces an encoding",
    "payload_incomplete": "the encoded body ends early; what could be decoded of it was read",
    **{f"{role}_unreadable": f"the {name} could not be read" for role, name in _SIDE_COLUMNS.items()},
    **{f"{role}_ambiguous": f"two columns have the name of the {name}" for role, name in _SIDE_COLUMNS.items()},
    "date_out_of_range": "the date lies outside the years 1000 to 2100",
    "quote_mended": "stray or escaped quotes were read so that the row fits the header",
    "json_unreadable": "the JSON beside the text is damaged, so only the text was read",
    "unclosed_quote": "a quote is never closed",
    "length_mended": "the length of the record was wrong by a few bytes",
}
BANDS = ("optimistic", "central", "pessimistic")  # of the reservoir
REGIMES = {
    "replace_fresh": "each generation replaces the last; human text is fresh",
    "replace_replay": "each generation replaces the last; human text is read again",
    "accumulate": "older text is kept, and all of it read",
    "accumulate_subsample": "older text is kept, and a part of it read",
}
CONSTRAINTS = {
    "coverage": "the rarest words must occur often enough",
    "coverage in blocks of 200 words": "the rarest words must occur in enough places",
    "coverage in documents": "the rarest words must occur in enough documents",
    "tail mass": "the mass of the rare words must last",
    "tail presence": "the rare words must still be there",
    "policy floor": "a floor on the human share",
    "none": "nothing: what is there suffices",
}
CHECKS = {
    "rogan_gladen": "counted at one threshold, corrected for the detectors' errors (Rogan-Gladen)",
    "human_side": "from the human side alone",
    "generator_free": "lower bound that needs no machine text to compare with",
}
ORIGINS = {
    "reference": "given as a reference",
    "dated": "dated before November 2022",
    "bundled": "comes with the detectors",
    "labels": "labelled by people",
}
VARIED = {
    "fraction": "If this share were machine-written",
    "width": "If the interval of that share were this wide",
    "tolerance": "If this share of the tail may be lost",
    "horizon": "Over this many generations",
    "verification_precision": "If this share of the acquired text is truly human",
}
UNMOVED = {
    "fraction": "the machine-written share",
    "width": "the width of its interval",
    "tolerance": "the tolerance",
    "horizon": "the number of generations",
    "verification_precision": "how much of the acquired text is truly human",
}
SIMULATED = {
    "types": "Word types alive",
    "tail_presence": "Rare words still present",
    "tail_mass": "Mass of the rare words",
    "entropy_types": "Common word types (exponential of the entropy)",
    "simpson_types": "Very common word types (inverse Simpson)",
    "heterozygosity": "Chance that two words differ (heterozygosity)",
}
SETTINGS = {
    "generations": "Generations",
    "share": "Human share of each generation",
    "regime": "Older text",
    "decoding": "Decoding",
    "decoding_value": "its value",
    "replicates": "Independent runs",
}


# Methods as the estimators name them, in the words of the page.
METHODS = {
    "": "",
    "census": "full count",
    "joint_mixture": "joint mixture over all shards",
    "partial_pooling": "joint mixture, drawn towards like shards",
    "generator_free": "lower bound without machine text to compare with",
    "joint_replicates": "joint replicates",
    "three_way_worlds": "split of human, edited and machine-written text",
    "square_and_add": "intervals combined (square and add)",
    "independent_replicates": "independent replicates",
}
# By the codes that corpora use; an unknown code stays as it is.
LANGUAGES = {
    "ar": "Arabic",
    "bg": "Bulgarian",
    "de": "German",
    "en": "English",
    "es": "Spanish",
    "fr": "French",
    "hi": "Hindi",
    "id": "Indonesian",
    "it": "Italian",
    "ja": "Japanese",
    "ko": "Korean",
    "nl": "Dutch",
    "pl": "Polish",
    "pt": "Portuguese",
    "ru": "Russian",
    "tr": "Turkish",
    "ur": "Urdu",
    "vi": "Vietnamese",
    "zh": "Chinese",
}
# What strata are cut by.
CUTS = {"kind": "kind of text", "source": "source", "host": "web host", "length": "length", "": "the corpus as one"}
_ORDERS = {"0": "all types", "1": "common types", "2": "very common types"}
_HILL = re.compile(r"Hill q=([012]) at (coverage ([0-9.]+)|[^,]+)")


def method_words(method: str) -> str:
    """The method of an estimate without internal names: 'Hill q=0 at coverage 0.8356' is types at equal coverage."""
    if method in METHODS:
        return METHODS[method]
    hill = _HILL.match(method)
    if hill:
        at = f"equal coverage ({100 * float(hill[3]):.0f}% of the words seen)" if hill[3] else f"equal size ({hill[2]})"
        method = f"{_ORDERS[hill[1]]} at {at}{method[hill.end() :]}"
    method = method.replace("delete-a-group jackknife", "jackknife over 32 groups of documents")
    return method.replace("_", " ")


def spoken(name: str, words: dict[str, str]) -> str:
    """The words of a name; an unknown one without its underscores."""
    return words.get(name, name.replace("_", " "))

"""Cutting, cleaning and weeding of texts."""

from collections import Counter
from importlib.resources import files

import numpy as np

from auditor.sample_data.duplicates import LEAST_JACCARD, near_copy
from auditor.sample_data.generate import SHARES, batches, plan
from auditor.sample_data.machine import FOLDER, keep, machine_texts, prose
from auditor.sample_data.passages import jaccard
from auditor.sample_data.slots import apportion, make_slots
from auditor.sample_data.surface import cut, is_prose, lay_out, sentences, settle
from auditor.sample_data.truth import AI
from auditor.sample_data.wikitext import paragraphs

WHOLE = " ".join(f"The {n}th sentence of this text names the thing {n} and then {n + 1000} others." for n in range(12))
NAMES = (
    "amber birch cedar delta ember fjord grove harbor indigo juniper kestrel larch meadow north ocean prairie".split()
)
PLAIN = " ".join(
    f"{a.title()} meets {b} where {c} {d[::-1]} and {a[::-1]} {c[::-1]} part."
    for a, b, c, d in zip(NAMES, NAMES[3:] + NAMES[:3], NAMES[7:] + NAMES[:7], NAMES[12:] + NAMES[:12], strict=True)
)


def test_the_machine_texts_are_packaged_and_their_readme_says_what_they_are():
    assert (files("auditor.sample_data") / "machine" / "written.jsonl.zst").is_file()
    assert (files("auditor.sample_data") / "machine" / "smollm2.jsonl.zst").is_file()
    readme = (FOLDER / "README.md").read_text("utf-8")
    assert "AI-written" in readme
    for writer in ("a large language model", "a large language model of 2026"):
        assert f"{sum(text.writer == writer for text in machine_texts())} texts" in readme
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 3_000_000


def test_every_committed_machine_text_passes_the_weeding_rule():
    assert all(keep(text.text) for text in machine_texts())


def test_loops_refusals_placeholders_stumps_and_number_runs_are_weeded_out():
    assert keep(PLAIN)
    assert not keep(PLAIN.split(".")[0] + ".")
    assert not keep("I'm sorry, but I cannot write that. " + PLAIN)
    assert not keep("Dear [Name of editor], here it is. " + PLAIN)
    assert not keep("The fox is a fox of the kind of fox that is a fox. " * 12)
    assert not keep(WHOLE)


def test_prose_drops_headings_bullets_code_and_a_sentence_cut_off():
    answer = (
        "**Title**\n\n# Heading\n- One point stands here.\n2. Another stands here.\n```\nx = 1\n```\nIt ends. And the"
    )
    assert prose(answer) == "One point stands here. Another stands here. It ends."


def test_settled_text_has_one_line_and_plain_quotes():
    assert settle("“It’s   so”,\nshe—he said [1] of ``x.y`` (  ) .") == '"It\'s so", she-he said of x.y.'


def test_sentences_are_lossless_and_do_not_end_at_initials_or_abbreviations():
    text = 'Dr. J. Smith came. "So late?" he said. It was 3.5 km, e.g. far! Then all left'
    assert sentences(text) == ["Dr. J. Smith came.", '"So late?" he said.', "It was 3.5 km, e.g. far!", "Then all left"]
    assert sentences("") == []


def test_cutting_comes_as_near_to_the_length_as_whole_sentences_allow():
    parts = ["one two three.", "four five six.", "seven eight nine."]
    assert cut(parts, 5) == parts[:2]
    assert cut(parts, 4) == parts[:1]
    assert cut(parts, 99) == parts
    assert cut([], 5) == []


def test_layout_keeps_every_word_in_order():
    parts = sentences(PLAIN)
    laid = lay_out(parts, np.random.default_rng(1))
    assert laid.split() == PLAIN.split()
    assert "\n\n" in laid


def test_code_signatures_and_lists_are_no_prose():
    assert is_prose("This function returns the value of the named attribute if the object has one.")
    assert not is_prose("attribute_list ::= attribute (',' attribute)* | '*' expression -> list of all names here.")
    assert not is_prose("Too short a line.")
    assert not is_prose(">>> print(x) and a few more words that would make it long enough to count as prose.")


def test_wikitext_loses_templates_tables_notes_links_and_paragraphs_with_holes():
    text = (
        "{{Infobox|a={{b}}}}\n'''Water''' is a [[liquid|fluid]] that [[river]]s carry<ref>A {{cite}} note.</ref> to the"
        " sea in every country of the world.\n{| class=x\n| cell || cell\n|}\n* A list item of more than twelve words"
        " that is long enough but is still no paragraph.\nIt is {{convert|3|km}} long and flows past many towns on its"
        " way through the wide valley, at a speed of {{convert|2|mph}}.\n== See also ==\nThis paragraph stands in a"
        " last section and so it is never read by anyone at all.\n"
    )
    assert list(paragraphs(text)) == ["Water is a fluid that rivers carry to the sea in every country of the world."]


def test_near_copies_stay_over_the_threshold_and_differ():
    rng = np.random.default_rng(3)
    closeness = [jaccard(PLAIN, near_copy(PLAIN, rng)) for _ in range(50)]
    assert all(LEAST_JACCARD <= each < 1 for each in closeness)


def test_slots_add_up_to_the_planned_shares_in_every_genre():
    slots = [slot for slot in make_slots([(300, 0.02), (200, 0.6)]) if not slot.short]
    assert Counter((slot.shard, slot.label) for slot in slots)[0, AI] == 6
    assert Counter((slot.shard, slot.label) for slot in slots)[1, AI] == 120
    for count in range(40):
        assert len(apportion(count)) == count


def test_the_generation_plan_is_the_same_for_a_seed_and_repeats_no_prompt():
    requests = plan(300, seed=8)
    assert requests == plan(300, seed=8) != plan(300, seed=9)
    assert len({request.prompt for request in requests}) == len(requests) == 300
    assert Counter(request.genre for request in requests) == {g: round(300 * share) for g, share in SHARES.items()}
    assert sorted(map(id, requests)) == sorted(id(request) for batch in batches(requests) for request in batch)

"""Which column holds what: the layouts of known corpora first, then common names."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from auditor.errors import ConfigError, nearest
from auditor.sources.read.interface import ROLES, Columns, SourceOptions


class MissingColumn(ConfigError):
    """A file has no column that the user named."""


@dataclass(frozen=True, slots=True)
class Family:
    """A known corpus: the fields that identify it, and which holds what (checked against published samples)."""

    name: str
    marks: frozenset[str]
    columns: Columns


def _family(name: str, marks: str, **columns: str) -> Family:
    return Family(name, frozenset(marks.split()), Columns(**columns, family=name))


# More specific layouts first. A crawl date is not a date of writing: date_kind says which it is.
FAMILIES = (
    _family(
        "fineweb-2",
        "text id dump url date file_path language_script",
        text="text",
        id="id",
        date="date",
        url="url",
        language="language",
        source="dump",
        date_kind="crawled",
    ),
    _family(
        "fineweb",
        "text id dump url date file_path",
        text="text",
        id="id",
        date="date",
        url="url",
        language="language",
        source="dump",
        date_kind="crawled",
    ),
    _family(
        "redpajama-v2",
        "raw_content date_download digest url",
        text="raw_content",
        id="digest",
        date="date_download",
        url="url",
        language="language",
        date_kind="crawled",
    ),
    _family(
        "hplt",
        "text u ts crawl_id",
        text="text",
        id="id",
        date="ts",
        url="u",
        language="lang",
        source="crawl_id",
        date_kind="crawled",
    ),
    _family(
        "dclm",
        "text url warcinfo metadata",
        text="text",
        id="metadata.WARC-Record-ID",
        date="metadata.WARC-Date",
        url="url",
        date_kind="crawled",
    ),
    # The Stack's `language` is a programming language: a category. Its dates are those of a revision.
    _family(
        "stack-v2",
        "blob_id path revision_date",
        text="content",
        id="blob_id",
        date="revision_date",
        category="language",
        source="repo_name",
        licence="detected_licenses",
        date_kind="written",
    ),
    _family(
        "stack",
        "content hexsha max_stars_repo_name",
        text="content",
        id="hexsha",
        category="lang",
        source="max_stars_repo_name",
        licence="max_stars_repo_licenses",
    ),
    _family(
        "dolma",
        "id text source added created",
        text="text",
        id="id",
        date="created",
        url="metadata.url",
        source="source",
        language="metadata.language",
        licence="metadata.license",
        date_kind="written",
    ),
    _family(
        "dolma",
        "id text source added",
        text="text",
        id="id",
        date="added",
        url="metadata.url",
        source="source",
        language="metadata.language",
        licence="metadata.license",
        date_kind="added",
    ),
    _family("c4", "text timestamp url", text="text", date="timestamp", url="url", date_kind="crawled"),
    _family("webdataset", "__key__ txt", text="txt", id="__key__"),
    _family("webdataset", "__key__ caption", text="caption", id="__key__"),
    _family("pile", "text meta.pile_set_name", text="text", source="meta.pile_set_name"),
)

# Common names by role, likeliest first; compared in lower case.
COMMON = {
    "text": "text raw_content content body document article story passage page_content plain_text full_text "
    "text_content maintext markdown md abstract essay review comment message transcript completion caption alt_text",
    "id": "id doc_id docid document_id uuid guid uid record_id warc_record_id _id key digest hash sha256 sha1 "
    "metadata.id metadata.warc-record-id __key__",
    "url": "url uri link source_url page_url canonical_url original_url webpage_url target_uri warc-target-uri "
    "warc_target_uri u host hostname domain site website metadata.url meta.url metadata.warc-target-uri",
    "language": "language lang language_code lang_code locale languages metadata.language meta.language metadata.lang",
    "source": "source source_name dataset dataset_name subset corpus collection origin dump crawl crawl_id publisher "
    "metadata.source meta.source meta.set_name metadata.dataset",
    "topic": "topic topics subject topic_label theme",
    "category": "category categories genre section label_category doc_type document_type type kind register",
    "generator": "declared_generator generator generated_by model model_name generator_model llm",
    "licence": "licence license license_name licenses spdx rights metadata.license meta.license",
}
DATES = {
    "written": "date_written written date_published published_date publish_date publication_date pub_date pubdate "
    "published_at published created created_at created_date creation_date date_created created_utc posted posted_at "
    "post_date date datetime time year metadata.date metadata.created metadata.published_date meta.date",
    "crawled": "timestamp crawl_date crawl_time crawled crawled_at date_crawled date_download download_date "
    "fetched fetch_time fetched_at retrieved date_retrieved warc_date warc-date ts metadata.warc-date "
    "metadata.crawl_date metadata.timestamp",
    "added": "added date_added added_at inserted_at ingested_at updated updated_at last_modified",
}
# Fields beside which a plain `date` is the date of a crawl.
CRAWL_MARKS = frozenset({"dump", "warcinfo", "crawl_id", "warc_record_id", "warc_filename", "file_path", "crawl"})


OPTIONS = ROLES[:8]  # roles with an option of their own


def detect(fields: Sequence[str], options: SourceOptions, *, where: str, partitions: Collection[str] = ()) -> Columns:
    """The columns of a shard from the names of its fields (nested ones dotted).

    Parameters: where: the file, as messages name it; partitions: keys of its folders, which an option may also name
    Raises: ConfigError when there is no column of text, or an option names one that isn't there
    """
    present = set(fields)
    by_lower = {name.lower(): name for name in reversed(fields)} | {n: n for n in fields if n == n.lower()}
    common = _common(by_lower)
    known = next((_known(f.columns, present) for f in FAMILIES if f.marks <= present), None)
    found = _merged(known, common) if known else common
    given = {role: getattr(options, f"{role}_column") for role in OPTIONS}
    for role, name in list(given.items()):
        if name is not None and name not in present and name.split(".")[0] not in present:
            if options.demanded and (role == "text" or name not in partitions):
                raise MissingColumn(
                    f"{where}: no column {name!r} (--{role}-column){nearest(name, fields)}; the columns are "
                    f"{_listed(fields)}"
                )
            given[role] = None
    found = replace(found, **{role: name for role, name in given.items() if name is not None})
    if given["date"] is not None and found.date_kind is None:
        found = replace(found, date_kind=_date_kind(given["date"], present))
    if options.date_kind:
        found = replace(found, date_kind=options.date_kind)
    if found.text is None:
        raise ConfigError(f"{where}: no column of text among {_listed(fields)}; name it with --text-column")
    return found if found.date else replace(found, date_kind=None)


def _known(columns: Columns, present: set[str]) -> Columns | None:
    """The columns of a family that this shard has (dotted names may be in fields that were not sampled)."""
    kept = {role: None for role in ROLES if (name := getattr(columns, role)) and name not in present}
    return None if "text" in kept else replace(columns, **kept)


def _merged(known: Columns, common: Columns) -> Columns:
    """A known corpus to which columns were added: the layout fills gaps and hides no column.

    A column with the plain name of a role ("id", "source") takes precedence over the layout's choice, unless the layout
    says that it means something else (The Stack's `language` is a programming language).
    """
    taken = set(known.used().values())
    changes: dict[str, str] = {}
    for role, name in common.used().items():
        if role in ("text", "date") or name in taken:
            continue
        if getattr(known, role) is None or name.lower() == role:
            changes[role] = name
    if known.date is None and common.date and common.date not in taken:
        changes |= {"date": common.date, "date_kind": common.date_kind or "written"}
    return replace(known, **changes)


def _common(by_lower: dict[str, str]) -> Columns:
    found: dict[str, str | None] = {
        role: next((by_lower[name] for name in names.split() if name in by_lower), None)
        for role, names in COMMON.items()
    }
    kind = date = None
    for kind_here, names in DATES.items():
        date = next((by_lower[name] for name in names.split() if name in by_lower), None)
        if date:
            kind = _date_kind(date, set(by_lower), kind_here)
            break
    return Columns(**found, date=date, date_kind=kind)


def _date_kind(name: str, present: set[str], kind: str | None = None) -> str:
    if name.lower() == "date" and present & CRAWL_MARKS:
        return "crawled"
    return kind or next((k for k, names in DATES.items() if name.lower() in names.split()), "written")


def _listed(fields: Sequence[str]) -> str:
    shown = ", ".join(repr(name) for name in fields[:30])
    return shown + (f" and {len(fields) - 30:,} more" if len(fields) > 30 else "") if fields else "(none)"

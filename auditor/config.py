"""The configuration of an audit: one model, from the command line, a TOML file or Python, checked before reading."""

from __future__ import annotations

import hashlib
import json
import os
import re
import tomllib
from pathlib import Path
from typing import Any, Literal

import psutil
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from auditor.errors import ConfigError, nearest

UNITS = {"": 1, "b": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "ki": 2**10, "mi": 2**20, "gi": 2**30}
SECONDS = {"s": 1, "m": 60, "h": 3600}

# Settings that a shard's parts depend on. Everything else may change without reading the corpus again.
MAP_FIELDS = (
    "text_column id_column date_column url_column language_column topic_column source_column category_column "
    "detectors near_dup_threshold permutations minimum_words retain seed"
).split()
# Settings that change no figure: where the audit runs, and what is written.
APART = frozenset(("workers", "memory_limit", "launcher", "store", "policy", "formats", "excerpts"))


class Config(BaseModel):
    """Every setting of `auditor audit`; the names are those of the command line with underscores."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    corpus: tuple[str, ...] = ()
    human_reference: tuple[str, ...] = ()
    known_ai: tuple[str, ...] = ()
    against: tuple[str, ...] = ()

    text_column: str | None = None
    id_column: str | None = None
    date_column: str | None = None
    url_column: str | None = None
    language_column: str | None = None
    topic_column: str | None = None
    source_column: str | None = None
    category_column: str | None = None

    detectors: tuple[str, ...] = ()
    deep_sample: int | Literal["all"] = 0
    deep_budget: str | None = None
    meaning: int = Field(0, ge=0)
    dated_anchors: bool = True
    minimum_words: int = Field(100, ge=1)
    near_dup_threshold: float = Field(0.8, gt=0.3, lt=1.0)
    permutations: int = Field(128, ge=16, le=512)
    level: float = Field(0.95, gt=0.5, lt=1.0)
    profile: Literal["standard", "full"] = "standard"
    shards_sample: int | None = Field(None, ge=1)

    generations: int = Field(10, ge=1, le=1000)
    tolerance: float = Field(0.1, gt=0.0, lt=1.0)
    min_occurrences: int = Field(10, ge=1)
    epochs: float = Field(4.0, ge=1.0)

    retain: Literal["sample", "redacted", "none"] = "sample"
    excerpts: bool = False
    store: str | None = None
    policy: str | None = None
    formats: tuple[Literal["html", "md", "json"], ...] = ("html", "md", "json")

    workers: int = Field(default_factory=lambda: len(os.sched_getaffinity(0)), ge=1)
    memory_limit: str = ""
    launcher: Literal["local", "slurm", "ray"] = "local"
    batch_bytes: int = Field(16 << 20, ge=1 << 10)
    split_bytes: int = Field(384 << 20, ge=1 << 10)
    seed: int = 0

    @field_validator("deep_sample", mode="before")
    @classmethod
    def _sample(cls, value: Any) -> Any:
        if value == "all" or (isinstance(value, str) and value.isdecimal()):
            return value
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise ValueError("a number of documents is meant, or all" + nearest(str(value), ["all"]))
        return value

    @field_validator("memory_limit")
    @classmethod
    def _size(cls, value: str) -> str:
        if value:
            parse_bytes(value)
        return value

    @field_validator("deep_budget")
    @classmethod
    def _duration(cls, value: str | None) -> str | None:
        if value is not None:
            parse_duration(value)
        return value

    @property
    def memory_bytes(self) -> int:
        """The memory limit of the whole audit in bytes: the given one, else half of the machine's memory."""
        return parse_bytes(self.memory_limit) if self.memory_limit else psutil.virtual_memory().total // 2

    def key(self, fields: tuple[str, ...] | list[str]) -> str:
        """A hash of some settings: equal keys mean equal results."""
        chosen = self.model_dump(mode="json", include=set(fields))
        return hashlib.sha256(json.dumps(chosen, sort_keys=True).encode()).hexdigest()[:16]

    @property
    def hash(self) -> str:
        """A hash of every setting that can change a figure; where the audit runs and what it writes are left out."""
        return self.key([name for name in type(self).model_fields if name not in APART])


def load(path: str | None = None, **settings: Any) -> Config:
    """Settings from a TOML file, overridden by those given (None means not given).

    Raises: ConfigError that lists everything wrong at once
    """
    chosen = _read_toml(path) if path else {}
    chosen |= {name: value for name, value in settings.items() if value is not None}
    try:
        return Config.model_validate(chosen)
    except ValidationError as wrong:
        where = f" in {path}" if path else ""
        lines = [_explain(error) for error in wrong.errors()]
        raise ConfigError(f"the configuration{where} cannot be used: " + "; ".join(lines)) from None


def parse_bytes(text: str) -> int:
    """The bytes of a size such as "2GB", "1.5 GiB", "500m" or "1000".

    Raises: ValueError where it is none
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?i?)b?\s*", text.lower())
    if not match or match[2] not in UNITS:
        raise ValueError(f"{text!r} is not a size such as 2GB or 512MiB")
    return int(float(match[1]) * UNITS[match[2]])


def parse_duration(text: str) -> int:
    """The seconds of a duration such as "90s", "5m" or "2h".

    Raises: ValueError where it is none
    """
    match = re.fullmatch(r"\s*(\d+)\s*([smh])\s*", text.lower())
    if not match:
        raise ValueError(f"{text!r} is not a duration such as 90s, 5m or 2h")
    return int(match[1]) * SECONDS[match[2]]


def _read_toml(path: str) -> dict[str, Any]:
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise ConfigError(f"there is no configuration file {path}") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as wrong:
        raise ConfigError(f"the configuration file {path} cannot be read: {wrong}") from None


def _explain(error: Any) -> str:
    name = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        return f"{name}: no such setting{nearest(name, Config.model_fields)}"
    hint = ""
    if error["type"] == "literal_error":
        hint = nearest(str(error["input"]), re.findall("'([^']*)'", error["ctx"]["expected"]))
    return f"{name}: {error['msg'].removeprefix('Value error, ')} (got {error['input']!r}){hint}"

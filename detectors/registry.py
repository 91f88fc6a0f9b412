"""Finds detectors by name: built-ins, those that other packages add by entry point, and the user's own models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import entry_points
from importlib.util import find_spec
from typing import cast

from auditor.detectors.interface import Description, Detector, Obstacle, Provider
from auditor.errors import DetectorError, nearest

GROUP = "auditor.detectors"
BUILT_IN = {
    "phrases": "auditor.detectors.first.phrases",
    "ngrams": "auditor.detectors.first.ngrams",
    "stylometry": "auditor.detectors.first.stylometry",
    "encoder": "auditor.detectors.deep.encoder",
    "lm": "auditor.detectors.deep.language_model",
}
# `hf:PATH` is any sequence-classification model, `lm:PATH` any causal language model.
SCHEMES = {"hf": "auditor.detectors.deep.classifier", "lm": "auditor.detectors.deep.language_model"}


@dataclass(frozen=True, slots=True)
class Listing:
    """One line of `detectors list`: a detector, the package that provides it, and why it cannot be used, if so."""

    description: Description
    origin: str
    obstacle: Obstacle | None = None


def listings() -> list[Listing]:
    """Every known detector, built-ins first, usable or not."""
    out = []
    for name, origin in _known().items():
        try:
            provider = _provider(name, origin)
            out.append(Listing(provider.DESCRIPTION, origin, provider.obstacle()))
        except Exception as error:  # a broken plug-in is listed with its reason, it must not stop the audit
            out.append(Listing(Description(name, ""), origin, Obstacle(f"cannot be imported: {error}")))
    return out


def load(name: str) -> Detector:
    """One detector by name, `hf:PATH` or `lm:PATH`.

    Raises: DetectorError for an unknown name (with the nearest one) or one that cannot be used here (with the command)
    """
    scheme, colon, path = name.partition(":")
    if colon:
        if scheme not in SCHEMES or not path:
            raise DetectorError(f"detector {name!r}: write hf:PATH or lm:PATH with a model folder or a hub id")
        if find_spec(SCHEMES[scheme]) is None:
            raise DetectorError(f"detector {name!r}: this version cannot load {scheme}: models")
        return cast(Provider, import_module(SCHEMES[scheme])).load(path)
    known = _known()
    if name not in known:
        raise DetectorError(
            f"there is no detector {name!r}{nearest(name, known)}; known are {', '.join(known)}: "
            "`auditor detectors list` shows all"
        )
    return _load(name, known[name])


def look(name: str) -> None:
    """Whether `hf:PATH` or `lm:PATH` names a model that can be used here, without reading its weights.

    Raises: DetectorError
    """
    from auditor.detectors.deep import loading
    from auditor.detectors.deep.install import KNOWN

    scheme, _, path = name.partition(":")
    loading.require(("torch",), KNOWN["lm"].needs)
    folders = [part for part in path.split(",") if part] if scheme == "lm" else [path.partition("#")[0]]
    for folder in folders:
        loading.look(folder, loading.CAUSAL if scheme == "lm" else loading.CLASSIFIER)


def _load(name: str, origin: str) -> Detector:
    provider = _provider(name, origin)
    obstacle = provider.obstacle()
    if obstacle:
        command = f"; run: {obstacle.command}" if obstacle.command else ""
        raise DetectorError(f"detector {name!r} cannot be used here: {obstacle.reason}{command}")
    return provider.load()


def usable(names: Sequence[str] = (), *, tier: int | None = None) -> list[Detector]:
    """The named detectors (all of them must load), or all that can be used here where none is named."""
    if names:
        return [load(name) for name in names]
    ready = [listing for listing in listings() if listing.obstacle is None]
    return [_load(it.description.name, it.origin) for it in ready if tier is None or it.description.tier == tier]


def deep_names(names: Sequence[str]) -> tuple[str, ...]:
    """Those of the named detectors that are too slow for every document (hf: and lm: models always are)."""
    slow = {listing.description.name for listing in listings() if listing.description.tier == 1} if names else set()
    return tuple(name for name in names if ":" in name or name in slow)


def _known() -> dict[str, str]:
    """Name -> module, or module:object as entry points write it; built-ins win over plug-ins of the same name."""
    added = {point.name: point.value for point in sorted(entry_points(group=GROUP), key=lambda point: point.name)}
    return {name: module for name, module in BUILT_IN.items() if find_spec(module)} | {
        name: value for name, value in added.items() if name not in BUILT_IN
    }


def _provider(name: str, origin: str) -> Provider:
    module, _, attribute = origin.partition(":")
    found = import_module(module)
    for part in filter(None, attribute.split(".")):
        found = getattr(found, part)
    missing = [part for part in ("DESCRIPTION", "obstacle", "load") if not hasattr(found, part)]
    if missing:
        raise DetectorError(f"detector {name!r} ({origin}) lacks {', '.join(missing)}")
    return cast(Provider, found)

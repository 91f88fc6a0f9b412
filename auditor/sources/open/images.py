"""What images declare about themselves: that a machine made them. Nothing is guessed from pixels.

Three declarations count, the strongest first:
- C2PA: an action whose digitalSourceType is one of MADE, in the manifest of the image (C2PA 2.1, section 18.15.4), read
  by the library of the Content Authenticity Initiative. Signatures are not judged, and no address is opened.
- IPTC: `Iptc4xmpExt:DigitalSourceType` in the XMP, with one of MADE (IPTC Photo Metadata Standard 2023.1).
- Parameters of a generator: the text chunks of PNG, or the EXIF comment, in which Stable Diffusion web UI, ComfyUI,
  InvokeAI and NovelAI keep prompt and sampler.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from typing import Any

from auditor.records import Json

SUFFIXES = ("jpg", "jpeg", "png", "webp")
FORMATS = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}
C2PA, IPTC, PARAMETERS = "c2pa", "iptc", "parameters"
SILENT, UNREADABLE, UNSEEN = "silent", "unreadable", "unseen"
PREFIX = "image_"  # of the notes that count images
# https://cv.iptc.org/newscodes/digitalsourcetype/: each of these says that a program made the picture, or a part of it.
MADE = ("trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia", "algorithmicMedia", "compositeSynthetic")
_MADE = "|".join(MADE)
_TYPE = re.compile(rf"digitalsourcetype/(?:{_MADE})$", re.I)
_XMP = re.compile(
    rb"DigitalSourceType\b[^<>]{0,40}?[=>\"'\s]\s*[\"']?\s*https?://cv\.iptc\.org/newscodes/digitalsourcetype/(?:"
    + _MADE.encode()
    + rb")\b",
    re.I,
)
_KEYS = frozenset(("prompt", "workflow", "invokeai_metadata", "sd-metadata", "dream"))
_SAMPLED = re.compile(r"\bSteps: \d+.{0,200}\bSampler: ", re.S)
_SETTINGS = {"verify": {"remote_manifest_fetch": False, "ocsp_fetch": False, "verify_trust": False}}
USER_COMMENT, EXIF_IFD, XMP_TAG = 0x9286, 0x8769, 700


def declaration(octets: bytes) -> str:
    """What an image says: C2PA, IPTC or PARAMETERS where it declares that a machine made it, SILENT where it doesn't;
    UNREADABLE where it is no JPEG, PNG or WebP, UNSEEN where Pillow is not installed."""
    if not can_look():
        return UNSEEN
    from PIL import Image

    try:
        with Image.open(io.BytesIO(octets), formats=tuple(FORMATS)) as image:
            kind, said = FORMATS[image.format or ""], dict(image.info)
            exif = image.getexif()
            comment = exif.get_ifd(EXIF_IFD).get(USER_COMMENT)
            xmp = said.get("xmp") or said.get("XML:com.adobe.xmp") or exif.get(XMP_TAG) or b""
    except Exception:  # Pillow's parsers raise errors of many types
        return UNREADABLE
    if _has_made_action(octets, kind):
        return C2PA
    if _XMP.search(xmp.encode(errors="replace") if isinstance(xmp, str) else bytes(xmp)):
        return IPTC
    return PARAMETERS if _has_parameters(said, comment) else SILENT


@cache
def can_look() -> bool:
    """Whether Pillow is installed (the extra `images`)."""
    return find_spec("PIL") is not None


def note(said: str) -> str:
    """The reason under which an image is counted."""
    return PREFIX + said


def counted(notes: Mapping[str, int]) -> Json | None:
    """Counts of images from a shard's notes, None where it has none.

    images: all; declared: how many declare that a machine made them, by: of those by the kind of declaration
    """
    found = {reason.removeprefix(PREFIX): n for reason, n in notes.items() if reason.startswith(PREFIX)}
    if not found:
        return None
    by = {kind: found.get(kind, 0) for kind in (C2PA, IPTC, PARAMETERS)}
    images = sum(found.values())
    seen = images - found.get(UNSEEN, 0)
    return {
        "images": images,
        "declared_synthetic": sum(by.values()) if seen else None,
        "by": by,
        "unreadable": found.get(UNREADABLE, 0),
        "unseen": found.get(UNSEEN, 0),
    }


def _has_made_action(octets: bytes, kind: str) -> bool:
    """Whether a C2PA manifest in the image has an action by a model, in any of its ingredients too."""
    if b"jumb" not in octets or find_spec("c2pa") is None:
        return False
    from c2pa import C2paError, Reader

    try:
        with Reader(kind, io.BytesIO(octets), context=_context()) as reader:
            store = json.loads(reader.json())
    except (C2paError, OSError, ValueError):
        return False
    return any(_says_made(assertion.get("data")) for assertion in _assertions(store))


@cache
def _context() -> Any:
    from c2pa import Context, Settings

    return Context(Settings.from_dict(_SETTINGS))


def _assertions(store: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    manifests = store.get("manifests") or {}
    return [a for manifest in manifests.values() for a in manifest.get("assertions") or () if isinstance(a, dict)]


def _says_made(content: Any) -> bool:
    actions = content.get("actions") if isinstance(content, dict) else None
    types = [str(action.get("digitalSourceType", "")) for action in actions or () if isinstance(action, dict)]
    return any(_TYPE.search(said) for said in types)


def _has_parameters(said: Mapping[Any, Any], comment: Any) -> bool:
    texts = {str(key).lower(): value for key, value in said.items() if isinstance(value, str)}
    if any(key in texts and texts[key].lstrip().startswith(("{", '"')) for key in _KEYS) or "dream" in texts:
        return True
    if texts.get("software") == "NovelAI" and '"sampler"' in texts.get("comment", ""):
        return True
    if isinstance(comment, bytes):  # eight bytes name its character set
        body = comment[8:]
        comment = body.decode("utf-16-be" if body[:1] == b"\0" else "utf-8", "replace")
        if not _SAMPLED.search(comment):
            comment = body.decode("utf-16-le", "replace")
    return any(_SAMPLED.search(text) for text in (texts.get("parameters", ""), str(comment or "")))

"""Decompression: members, damage, bombs."""

import bz2
import gzip
import io
import random
from itertools import pairwise

import pytest
import zstandard

from auditor.errors import SourceError
from auditor.sources.find.formats import compression_of
from auditor.sources.open import compression
from auditor.sources.open.compression import Stream, expanded
from auditor.sources.read.interface import MIB, Limits
from tests.sources.corpora import COMPRESS, put, read

CODECS = {name: pack for name, pack in COMPRESS.items() if name}
# Text that compresses somewhat, from a fixed seed.
_WORDS = [bytes(random.Random(i).choices(range(97, 123), k=i % 9 + 2)) for i in range(3000)]
OCTETS = b" ".join(random.Random(1).choices(_WORDS, k=60_000))


def expand(path, suffix, limits=None) -> tuple[bytes, SourceError | None]:
    out = bytearray()
    try:
        for piece in expanded(str(path), suffix[1:] or None, limits=limits or Limits()):
            out += piece
    except SourceError as error:
        return bytes(out), error
    return bytes(out), None


@pytest.mark.parametrize("suffix", CODECS)
def test_members_one_after_the_other_are_one_stream(tmp_path, suffix):
    cuts = [0, 1, 1, 5000, 200_000, len(OCTETS)]
    packed = b"".join(CODECS[suffix](OCTETS[a:b]) for a, b in pairwise(cuts))
    assert expand(put(tmp_path, "a", packed), suffix) == (OCTETS, None)


@pytest.mark.parametrize("suffix", [".gz", ".xz"])
def test_zeros_behind_a_member_are_padding(tmp_path, suffix):
    assert expand(put(tmp_path, "a", CODECS[suffix](OCTETS) + b"\0" * 512), suffix) == (OCTETS, None)


@pytest.mark.parametrize("suffix", CODECS)
def test_garbage_behind_a_member_is_damage(tmp_path, suffix):
    out, error = expand(put(tmp_path, "a", CODECS[suffix](OCTETS) + b"garbage that is no member"), suffix)
    assert out == OCTETS and "damaged" in str(error)


@pytest.mark.parametrize("suffix", CODECS)
@pytest.mark.parametrize("share", [0.2, 0.9, 0.999])
def test_a_truncated_stream_gives_what_can_be_decoded_and_then_says_so(tmp_path, suffix, share):
    packed = CODECS[suffix](OCTETS)
    kept = packed[: int(len(packed) * share)]
    out, error = expand(put(tmp_path, "a", kept), suffix)
    assert OCTETS.startswith(out) and "truncated" in str(error)
    decoder = {".gz": None, ".zst": None, ".bz2": bz2.BZ2Decompressor, ".xz": None}[suffix]
    if decoder:
        assert out == decoder().decompress(kept)
    elif suffix == ".gz":
        assert len(out) > len(OCTETS) * share * 0.9


@pytest.mark.parametrize("suffix", CODECS)
def test_damage_in_the_middle_loses_nothing_before_it(tmp_path, suffix, monkeypatch):
    members = [OCTETS[i : i + 20_000] for i in range(0, 200_000, 20_000)]
    packed = [CODECS[suffix](member) for member in members]
    packed[6] = packed[6][:40] + b"\xff" * 40 + packed[6][80:]
    path = put(tmp_path, "a", b"".join(packed))
    out, error = expand(path, suffix)
    assert out[:120_000] == OCTETS[:120_000] and len(out) < 160_000
    assert "damaged" in str(error) and str(path) in str(error)


@pytest.mark.parametrize("suffix", CODECS)
def test_pieces_are_bounded_whatever_the_ratio(tmp_path, suffix):
    path = put(tmp_path, "a", CODECS[suffix](b"a" * (40 * MIB)))
    sizes = [len(piece) for piece in expanded(str(path), suffix[1:], limits=Limits())]
    assert sum(sizes) == 40 * MIB and max(sizes) <= (128 * MIB if suffix == ".zst" else MIB)


@pytest.mark.parametrize(("suffix", "pack"), [(".zst", zstandard.ZstdCompressor(19).compress), (".bz2", bz2.compress)])
def test_a_bomb_is_named_before_it_goes_off(tmp_path, suffix, pack):
    path = put(tmp_path, "bomb", pack(b"\0" * (160 * MIB)))
    out, error = expand(path, suffix)
    assert len(out) <= 192 * MIB and "bomb" in str(error)


def test_the_total_is_bounded(tmp_path):
    path = put(tmp_path, "a", gzip.compress(OCTETS))
    out, error = expand(path, ".gz", Limits(decompressed_bytes=1000))
    assert out == b"" and "more than 1,000 bytes" in str(error)


def test_a_vanished_file_is_an_error_that_names_it(tmp_path):
    _, error = expand(tmp_path / "gone", "")
    assert "gone" in str(error)


def test_a_stream_reads_like_a_file(tmp_path):
    path = put(tmp_path, "a", gzip.compress(OCTETS))
    stream = io.BufferedReader(Stream(expanded(str(path), "gz", limits=Limits())))
    assert stream.read(10) == OCTETS[:10] and stream.read() == OCTETS[10:]


def test_every_magic_has_a_decoder():
    assert set(compression.MAGIC) == set(compression.MEMBERS) == set(compression.SUFFIXES.values())


def skippable(octets: bytes, kind: int = 0) -> bytes:
    return (0x184D2A50 + kind).to_bytes(4, "little") + len(octets).to_bytes(4, "little") + octets


@pytest.mark.parametrize("size", [0, 4, 5000, 200_000])
@pytest.mark.parametrize("kind", [0, 14, 15])
def test_frames_to_be_skipped_may_stand_anywhere(tmp_path, kind, size):
    """pzstd writes one before each frame, the seekable format one at the end."""
    skip = skippable(b"\x28\xb5\x2f\xfd" * (size // 4), kind)
    cuts = [0, 1, 5000, len(OCTETS)]
    frames = [zstandard.compress(OCTETS[a:b]) for a, b in pairwise(cuts)]
    for packed in (skip + skip.join(frames), b"".join(frames) + skip, skip * 3 + b"".join(frames) + skip):
        path = put(tmp_path, "a", packed)
        assert compression_of(packed[:8]) == "zst"
        assert expand(path, ".zst") == (OCTETS, None)
    for cut in range(1, min(len(skip), 12)):
        out, error = expand(put(tmp_path, "a", b"".join(frames) + skip[:cut]), ".zst")
        assert out == OCTETS and "truncated" in str(error)


def test_a_file_of_pzstd_is_read(tmp_path):
    frames = [zstandard.compress(b'{"text": "number %d"}\n' % i) for i in range(5)]
    path = put(tmp_path, "a.jsonl.zst", b"".join(skippable(len(f).to_bytes(4, "little")) + f for f in frames))
    assert read(path)[0]["text"].to_list() == [f"number {i}" for i in range(5)]

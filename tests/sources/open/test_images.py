"""What images declare: C2PA, IPTC and the parameters of generators, in the places where programs write them."""

import datetime as dt
import io
import json
from collections import Counter

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from auditor.cli.main import run as command
from auditor.sources.open import images
from auditor.sources.open.images import C2PA, IPTC, PARAMETERS, SILENT, UNREADABLE, counted, declaration
from tests.sources.corpora import batches, plan, put
from tests.sources.read.test_tar import packed

Image = pytest.importorskip("PIL.Image")
PngInfo = pytest.importorskip("PIL.PngImagePlugin").PngInfo

TERM = "http://cv.iptc.org/newscodes/digitalsourcetype/"
WEB_UI = "a dog\nNegative prompt: cat\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1, Size: 512x512"
XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" {0}'
    "</rdf:Description></rdf:RDF></x:xmpmeta>"
)


def image(format: str = "JPEG", **options) -> bytes:
    sink = io.BytesIO()
    Image.new("RGB", (16, 16), "red").save(sink, format, **options)
    return sink.getvalue()


def png(**texts: str) -> bytes:
    said = PngInfo()
    for key, text in texts.items():
        said.add_itxt(key, text) if not text.isascii() else said.add_text(key, text)
    return image("PNG", pnginfo=said)


def xmp(term: str, *, element: bool = False) -> bytes:
    one = f"><Iptc4xmpExt:DigitalSourceType>{term}</Iptc4xmpExt:DigitalSourceType>"
    return XMP.format(one if element else f'Iptc4xmpExt:DigitalSourceType="{term}">').encode()


def commented(comment: bytes) -> bytes:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9286] = comment
    return image("JPEG", exif=exif)


def signed(term: str) -> bytes:
    """A JPEG with a manifest that says how it was made, signed by a certificate made for the moment."""
    c2pa = pytest.importorskip("c2pa")
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    def certificate(name, key, issuer, issuer_key, *, authority):
        begin = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)
        usage = dict.fromkeys(
            "content_commitment key_encipherment data_encipherment key_agreement crl_sign encipher_only "
            "decipher_only".split(),
            False,
        )
        made = x509.CertificateBuilder().subject_name(name).issuer_name(issuer).public_key(key.public_key())
        made = made.serial_number(x509.random_serial_number())
        made = made.not_valid_before(begin).not_valid_after(begin + dt.timedelta(days=9))
        made = made.add_extension(x509.BasicConstraints(authority, None), critical=True)
        made = made.add_extension(
            x509.KeyUsage(digital_signature=not authority, key_cert_sign=authority, **usage), critical=True
        )
        made = made.add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False
        )
        made = made.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        if not authority:
            made = made.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
        return made.sign(issuer_key, hashes.SHA256())

    def named(common):
        return x509.Name(
            [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Test"), x509.NameAttribute(NameOID.COMMON_NAME, common)]
        )

    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root = certificate(named("root"), root_key, named("root"), root_key, authority=True)
    leaf = certificate(named("leaf"), key, named("root"), root_key, authority=False)
    chain = b"".join(c.public_bytes(serialization.Encoding.PEM) for c in (leaf, root))
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    manifest = {
        "claim_generator_info": [{"name": "test", "version": "1"}],
        "assertions": [
            {"label": "c2pa.actions", "data": {"actions": [{"action": "c2pa.created", "digitalSourceType": term}]}}
        ],
    }
    settings = {"verify": {"verify_after_sign": False, "verify_trust": False}}
    signer = c2pa.Signer.from_info(c2pa.C2paSignerInfo(b"es256", chain, secret, None))
    sink = io.BytesIO()
    with c2pa.Builder(json.dumps(manifest), context=c2pa.Context(c2pa.Settings.from_dict(settings))) as builder:
        builder.sign(signer, "image/jpeg", io.BytesIO(image()), sink)
    return sink.getvalue()


@pytest.mark.parametrize(
    ("octets", "says"),
    [
        (image(), SILENT),
        (image("PNG"), SILENT),
        (image("WEBP"), SILENT),
        (image("JPEG", xmp=xmp(TERM + "trainedAlgorithmicMedia")), IPTC),
        (png(**{"XML:com.adobe.xmp": xmp(TERM + "trainedAlgorithmicMedia").decode()}), IPTC),
        (image("WEBP", xmp=xmp(TERM + "compositeWithTrainedAlgorithmicMedia", element=True)), IPTC),
        (image("JPEG", xmp=xmp(TERM + "digitalCapture")), SILENT),
        (image("JPEG", xmp=xmp(TERM + "trainedAlgorithmicMediaNot")), SILENT),
        (image("JPEG", comment=b"about trainedAlgorithmicMedia"), SILENT),
        (png(parameters=WEB_UI), PARAMETERS),
        (png(parameters=WEB_UI + " \u00e9"), PARAMETERS),
        (png(prompt='{"3": {"class_type": "KSampler"}}', workflow="{}"), PARAMETERS),
        (png(invokeai_metadata='{"positive_prompt": "a dog"}'), PARAMETERS),
        (png(Software="NovelAI", Comment='{"steps": 28, "sampler": "k_euler"}'), PARAMETERS),
        (png(Software="GIMP", Comment="made by hand", parameters="none"), SILENT),
        (png(prompt="say something"), SILENT),
        (commented(b"UNICODE\0" + WEB_UI.encode("utf-16-be")), PARAMETERS),
        (commented(b"UNICODE\0" + WEB_UI.encode("utf-16-le")), PARAMETERS),
        (commented(b"ASCII\0\0\0" + WEB_UI.encode()), PARAMETERS),
        (commented(b"ASCII\0\0\0a holiday"), SILENT),
        (b"", UNREADABLE),
        (b"GIF89a" + bytes(40), UNREADABLE),
        (image()[:40], UNREADABLE),
    ],
    ids=map(str, range(23)),
)
def test_what_an_image_says(octets, says):
    assert declaration(octets) == says


@pytest.mark.parametrize(("term", "says"), [("trainedAlgorithmicMedia", C2PA), ("digitalCapture", SILENT)])
def test_a_c2pa_manifest_says_how_the_image_was_made(term, says):
    octets = signed(TERM + term)
    assert b"jumb" in octets and declaration(octets) == says


def test_a_damaged_manifest_says_nothing():
    octets = bytearray(signed(TERM + "trainedAlgorithmicMedia"))
    place = octets.index(b"jumb")
    octets[place - 8 : place + 400] = bytes(408)
    assert declaration(bytes(octets)) in (SILENT, UNREADABLE)


def test_a_manifest_elsewhere_is_not_fetched(monkeypatch):
    """An address in the XMP is not opened: the settings say so, and they are those that the reader gets."""
    c2pa = pytest.importorskip("c2pa")
    asked = {}
    real = c2pa.Settings.from_dict
    monkeypatch.setattr(c2pa.Settings, "from_dict", lambda given: asked.update(given) or real(given))
    images._context.cache_clear()
    declaration(signed(TERM + "trainedAlgorithmicMedia"))
    assert asked["verify"]["remote_manifest_fetch"] is False and asked["verify"]["ocsp_fetch"] is False


SHOWN = [image(), png(parameters=WEB_UI), image("JPEG", xmp=xmp(TERM + "trainedAlgorithmicMedia")), b"no image", None]


def images_of(shard, **options) -> dict:
    total: Counter[str] = Counter()
    for batch in batches(shard, **options)[0]:
        for note in batch.notes:
            total[note.reason] += note.documents
    return counted(total) or {}


EXPECTED = {
    "images": 4,
    "declared_synthetic": 2,
    "by": {"c2pa": 0, "iptc": 1, "parameters": 1},
    "unreadable": 1,
    "unseen": 0,
}


def tar_of(texts: list[str]) -> bytes:
    suffixes = ("jpg", "png", "jpeg", "webp", "jpg")
    members = {}
    for i, (octets, suffix, text) in enumerate(zip(SHOWN, suffixes, texts, strict=True)):
        members |= {f"{i}.txt": text.encode()} | ({f"{i}.{suffix}": octets} if octets is not None else {})
    return packed(members)


def table(texts: list[str], *, nested: bool) -> pa.Table:
    column = pa.array([{"bytes": octets, "path": "p"} for octets in SHOWN]) if nested else pa.array(SHOWN, pa.binary())
    return pa.table({"image": column, "caption": texts})


@pytest.mark.parametrize("nested", [False, True])
def test_images_in_tables_are_counted_and_captions_are_text(tmp_path, nested):
    texts = [f"caption {i}" for i in range(5)]
    pq.write_table(table(texts, nested=nested), tmp_path / "a.parquet")
    (shard,) = plan(tmp_path / "a.parquet").shards
    assert images_of(shard) == EXPECTED
    assert [text for batch in batches(shard)[0] for text in batch.frame["text"]] == texts
    assert images_of(shard, images=False) == {}


def test_images_in_tar_shards_are_counted(tmp_path):
    (shard,) = plan(put(tmp_path, "a.tar", tar_of([f"caption {i}" for i in range(5)]))).shards
    assert images_of(shard) == EXPECTED


def test_without_pillow_nothing_is_declared_and_that_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(images, "can_look", lambda: False)
    (shard,) = plan(put(tmp_path, "a.tar", tar_of(["a"] * 5))).shards
    assert images_of(shard)["declared_synthetic"] is None and images_of(shard)["unseen"] == 4


def test_the_report_counts_them_by_shard(tmp_path):
    corpus = tmp_path / "corpus"
    put(corpus, "a.tar", tar_of([f"caption {i}" for i in range(5)]))
    put(corpus, "b.jsonl", b'{"text": "no image"}\n')
    assert command(["audit", str(corpus), "--out", str(tmp_path / "run"), "--workers", "1", "--quiet"]) in (0, 3)
    report = json.loads((tmp_path / "run/report.json").read_text())
    assert [shard.get("images") for shard in report["shards"]] == [EXPECTED, None]
    assert report["corpus"]["images"] == EXPECTED and report["shards"][0]["notes"] == {}
    assert "2 of 4 images declare that a machine made them" in (tmp_path / "run/report.md").read_text()

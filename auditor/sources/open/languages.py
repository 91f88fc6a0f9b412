"""Names of languages as corpora write them, into ISO 639-1 where it has a code."""

from __future__ import annotations

import re

import polars as pl

# ISO 639-3 (and 639-2/B) codes of the languages with a two-letter code, from the ISO 639-3 table; macrolanguage
# members that corpora use in place of the whole (FineWeb-2, HPLT and NLLB codes) are folded into it.
_THREE = """
aar aa abk ab afr af aka ak amh am ara ar arg an asm as ava av aym ay aze az bak ba bam bm bel be ben bn bis bi bod bo
tib bo bos bs bre br bul bg cat ca ces cs cze cs cha ch che ce chv cv cor kw cos co cym cy wel cy dan da deu de ger de
div dv dzo dz ell el gre el eng en epo eo est et eus eu baq eu ewe ee fao fo fas fa per fa fij fj fin fi fra fr fre fr
fry fy ful ff gla gd gle ga glg gl glv gv grn gn guj gu hat ht hau ha heb he her hz hin hi hrv hr hun hu hye hy arm hy
ibo ig ido io iku iu ile ie ina ia ind id ipk ik isl is ice is ita it jav jv jpn ja kal kl kan kn kas ks kat ka geo ka
kau kr kaz kk khm km kik ki kin rw kir ky kom kv kon kg kor ko kua kj kur ku lao lo lat la lav lv lim li lin ln lit lt
ltz lb lub lu lug lg mah mh mal ml mar mr mkd mk mac mk mlg mg mlt mt mon mn mri mi mao mi msa ms may ms mya my bur my
nau na nav nv nbl nr nde nd ndo ng nep ne nld nl dut nl nno nn nob nb nor no nya ny oci oc oji oj ori or orm om oss os
pan pa pli pi pol pl por pt pus ps que qu roh rm ron ro rum ro run rn rus ru sag sg san sa sin si slk sk slo sk slv sl
sme se smo sm sna sn snd sd som so sot st spa es sqi sq alb sq srd sc srp sr ssw ss sun su swa sw swe sv tah ty tam ta
tat tt tel te tgk tg tgl tl tha th tir ti ton to tsn tn tso ts tuk tk tur tr twi tw uig ug ukr uk urd ur uzb uz ven ve
vie vi vol vo wln wa wol wo xho xh yid yi yor yo zha za zho zh chi zh zul zu
cmn zh arb ar azj az ekk et lvs lv npi ne ory or pes fa prs fa plt mg swh sw uzn uz ydd yi zsm ms als sq khk mn kmr ku
ckb ku pbt ps quy qu ayr ay gug gn azb az fil tl hbs sh
"""
_NAMES = """
english en german de french fr spanish es italian it portuguese pt dutch nl russian ru chinese zh japanese ja korean ko
arabic ar hindi hi turkish tr polish pl swedish sv danish da norwegian no finnish fi czech cs greek el hebrew he
hungarian hu romanian ro ukrainian uk vietnamese vi indonesian id thai th persian fa bengali bn urdu ur catalan ca
bulgarian bg croatian hr serbian sr slovak sk slovenian sl estonian et latvian lv lithuanian lt malay ms swahili sw
"""


def _table() -> dict[str, str]:
    words = (_THREE + _NAMES).split()
    return dict(zip(words[::2], words[1::2], strict=True))


TO_ISO_639_1 = _table()
_UNKNOWN = {"und", "unk", "mul", "zxx", "mis", "un"}


def normalised(column: pl.Series) -> pl.Series:
    """Language codes from codes with regions and scripts (`en-US`, `eng_Latn`), names, and lists (`["eng","fra"]`).

    The first of a list counts. Codes without a two-letter form stay as they are; what is no code becomes null.
    """
    written = column.drop_nulls().unique()
    return column.replace_strict(written, pl.Series(map(_code, written), dtype=pl.String), return_dtype=pl.String)


def _code(written: str) -> str | None:
    found = re.search("[A-Za-z]+", written)
    first = found[0].lower() if found else ""
    code = TO_ISO_639_1.get(first, first)
    return code if len(code) in (2, 3) and code not in _UNKNOWN else None

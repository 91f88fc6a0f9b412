"""The pictures of the documentation: the first screen of a real report.

python -m tests.browser.picture RUN docs/images/report.png
"""

from __future__ import annotations

import argparse
from pathlib import Path

from tests.browser.chromium import Chromium, find_chromium


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("picture", type=Path)
    parser.add_argument("--dark", action="store_true")
    parser.add_argument("--width", type=int, default=1280)
    parser.add_argument("--height", type=int, default=1690)
    asked = parser.parse_args()
    program = find_chromium()
    if program is None:
        parser.error("no Chromium here")
    browser = Chromium(program)
    try:
        page = browser.open(asked.run / "report.html", dark=asked.dark, width=asked.width)
        page.picture(asked.picture, asked.height)
    finally:
        browser.close()


if __name__ == "__main__":
    main()

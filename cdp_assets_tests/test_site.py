"""The documents build as a site, strictly, and nothing in it is fetched from elsewhere."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from cdp_assets.components.reference import reference

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs").glob("*.md"))


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    # A proxy that answers nobody: what is fetched all the same fails.
    away = {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9", "NO_MKDOCS_2_WARNING": "1"}
    built = subprocess.run(command, cwd=ROOT, env=os.environ | away, capture_output=True, text=True, timeout=120)
    assert (built.returncode, built.stdout + built.stderr) == (0, "")
    return folder


def html(site, page):
    return (site / f"{page.stem}.html").read_text(encoding="utf-8")


def test_every_page_is_built(site):
    assert {path.stem for path in site.glob("*.html")} >= {page.stem for page in PAGES}


def test_the_reference_is_made_from_the_models_as_they_are(site):
    text = (site / "reference.html").read_text(encoding="utf-8")
    rows = re.findall(r"<tr>\s*<td><code>(\w+)</code></td>", text)
    assert rows == [key.name for parts in reference().values() for part in parts for key in part.keys]


def test_no_page_fetches_anything_from_elsewhere(site):
    fetched = [
        tag
        for page in PAGES
        for tag in re.findall(r"<(?:script|link|img|iframe)\b[^>]*>", html(site, page))
        if re.search(r'(?:src|href)="?(?:https?:)?//', tag)
    ]
    assert fetched == []


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_code_tables_and_lists_are_shown_as_such(site, page):
    text = page.read_text(encoding="utf-8")
    content = html(site, page).partition("<article")[2].partition("</article>")[0]
    assert content.count("<pre") == len(re.findall(r"^ *```", text, flags=re.M)) / 2
    without_code = re.sub(r"<(pre|code)\b.*?</\1>", "", content, flags=re.S)
    assert re.findall(r"```|^ *\|.*\||^ *[-*] .*|^ *\d+\. .*", without_code, flags=re.M) == []

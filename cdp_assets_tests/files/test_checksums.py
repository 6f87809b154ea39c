from __future__ import annotations

import hashlib
import subprocess

import pytest

from cdp_assets.errors import FileError
from cdp_assets.files.checksums import Checksum, digest_of, expected_checksum

SHA = hashlib.sha256(b"rows").hexdigest()
MD5 = hashlib.md5(b"rows").hexdigest()


@pytest.mark.parametrize(
    "content",
    [
        SHA,
        f"{SHA}\n",
        f"  {SHA.upper()}\r\n",
        f"{SHA}  x.csv\n",
        f"{SHA} *x.csv\r\n",
        f"{SHA.upper()} x.csv",
        f"{SHA}  /srv/out/x.csv\n",
        f"{SHA}  ./x.csv\n",
        f"{MD5}  x.csv\n{'0' * 64}  y.csv\n{SHA}  x.csv\n",
        f"\ufeff{SHA}  x.csv\n",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_checksum_files_are_read_in_the_forms_senders_write(content, encoding):
    content = content.lstrip("\ufeff") if encoding == "utf-16" else content
    assert expected_checksum(content.encode(encoding), "x.csv.sha256") == Checksum("sha256", SHA)


def test_the_ending_tells_the_kind():
    assert expected_checksum(MD5.encode(), "x.csv.md5") == Checksum("md5", MD5)


@pytest.mark.parametrize("name", ["x.csv", "with space.csv", "new\nline.csv", "back\\slash.csv", "-dash.csv"])
@pytest.mark.parametrize(("tool", "ending"), [("sha256sum", "sha256"), ("md5sum", "md5")])
def test_what_the_tools_write_is_understood(tmp_path, name, tool, ending):
    (tmp_path / name).write_bytes(b"rows")
    written = subprocess.run([tool, "--", name], cwd=tmp_path, capture_output=True, check=True).stdout
    expected = expected_checksum(written, f"{name}.{ending}")
    assert expected == Checksum(ending, digest_of(tmp_path / name, ending))


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "holds no sha256 sum; expected are 64 hexadecimal digits"),
        (SHA[:40].encode(), "holds no sha256 sum"),
        (MD5.encode(), "holds no sha256 sum"),
        (f"{SHA}  y.csv".encode(), r"holds no sha256 sum for x\.csv, but for y\.csv"),
        (f"{SHA}  x.csv\n{'0' * 64}  x.csv\n".encode(), r"several sha256 sums for x\.csv"),
        (b"\xff\x00" * 9, "holds no sha256 sum"),
        (b"\xff\xfe\x00", "holds no sha256 sum"),
    ],
)
def test_a_checksum_file_without_the_sum_of_its_file_is_refused(content, problem):
    with pytest.raises(FileError, match=problem):
        expected_checksum(content, "x.csv.sha256")

import os
import subprocess
import sys

import pytest

from cdp_assets_tests.benchmarks.__main__ import known_names, main
from cdp_assets_tests.support.sshd import require_sshd


def test_an_unknown_benchmark_is_refused_with_the_known_ones(capsys):
    assert main(["nonsense"]) == 2
    told = capsys.readouterr().err
    assert "'nonsense'" in told
    assert all(name in told for name in known_names())


def test_without_a_name_the_benchmarks_are_listed(capsys):
    assert main([]) == 0
    assert "benchmarks" in capsys.readouterr().out


SMALL = {
    "headline": {"ROWS": "2000"},
    "growth": {"PROFILES": "2000,4000", "DELTA": "100", "PART": "3000"},
    "parallel": {"ROWS": "2000", "GOALS": "2"},
    "backfill": {"DAYS": "2", "DAY_ROWS": "100", "PEOPLE": "1000"},
    "events": {"EVENTS": "400"},
    "export": {"ROWS": "2000"},
    "lists": {"ROWS": "2000"},
    "transfer": {"GIGABYTES": "0.002"},
}


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(known_names()) - {"peers"}))
def test_every_benchmark_that_installs_nothing_runs_at_a_small_size(name):
    require_sshd()
    command = [sys.executable, "-m", "cdp_assets_tests.benchmarks", name]
    done = subprocess.run(
        command, env=os.environ | SMALL[name], capture_output=True, text=True, timeout=250, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].startswith(f"{name}: ")

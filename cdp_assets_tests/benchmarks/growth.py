"""Growth: what a small delta costs as the warehouse grows; the target is less than 4 times from 1 to 50 million.

For each of `PROFILES` (1, 10 and 50 million) the same warehouse is filled up through our own import, `PART` rows at a
time (5 million), and then takes three deltas of `DELTA` rows (10,000), half of them new people, half of them spread
over all that are there. Of each figure the middle one counts, of memory the highest. A process for each delta.
"""

from __future__ import annotations

import statistics
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from cdp_assets.config.model import Deployment
from cdp_assets_tests.benchmarks._measure import BUILD, apart, settle, size, sizes
from cdp_assets_tests.benchmarks._ours import Done, bring_in, shop
from cdp_assets_tests.benchmarks._people import write_people
from cdp_assets_tests.support.sshd import running_sshd, throw_away_account

REPEATS = 3


@dataclass
class Warehouse:
    """A warehouse that grows file by file; person 0 to `people` are in it."""

    setup: Deployment
    inbox: Path
    data: Path
    people: int = 0
    files: int = field(default=0, init=False)

    def take(self, *numbers: range, publishing: bool) -> Done:
        """Brings in one file with these people."""
        self.files += 1
        file = self.inbox / f"people_{self.files}.csv"
        apart(write_people, file, *numbers)
        settle()
        done = apart(bring_in, self.setup, self.data, minute=self.files, publishing=publishing)
        file.unlink()
        self.people = max(self.people, *(part.stop for part in numbers))
        return done

    def take_delta(self, rows: int, shift: int) -> Done:
        """Brings in `rows` people, half of them new. `shift` tells deltas apart."""
        known = range(shift, self.people, self.people // (rows // 2))[: rows // 2]
        return self.take(known, range(self.people, self.people + rows - len(known)), publishing=True)


def run() -> str:
    """The figures, as one line of ratios."""
    targets = sorted(sizes("PROFILES", "1000000,10000000,50000000"))
    rows, part = size("DELTA", 10_000), size("PART", 5_000_000)
    found: list[tuple[int, list[Done]]] = []
    BUILD.mkdir(exist_ok=True)
    with (
        throw_away_account() as account,
        running_sshd(account) as sshd,
        tempfile.TemporaryDirectory(dir=BUILD) as made,
    ):
        inbox = sshd.folder("inbox-")
        warehouse = Warehouse(shop(sshd, inbox), inbox, Path(made) / "data")
        for target in targets:
            while warehouse.people < target:
                until = min(target, warehouse.people + part)
                print(f"filling up to {until:,}", flush=True)
                filled = warehouse.take(range(warehouse.people, until), publishing=False)
                print(f"  peak {filled.peak_gb:.2f} GB", flush=True)
            print(f"{rows:,} rows into {warehouse.people:,}", flush=True)
            found.append((target, [warehouse.take_delta(rows, shift) for shift in range(REPEATS)]))
    return _told(rows, found)


def _told(rows: int, found: list[tuple[int, list[Done]]]) -> str:
    for target, deltas in found:
        land, fold, publish = (
            statistics.median(getattr(done, name) for done in deltas) for name in ("land_s", "fold_s", "publish_s")
        )
        peak = max(done.peak_gb for done in deltas)
        print(f"{target:,}: land {land:.2f} s, fold {fold:.2f} s, readers' copy {publish:.2f} s, peak {peak:.2f} GB")
    costs = [statistics.median(done.committed_s for done in deltas) for _, deltas in found]
    folds = [statistics.median(done.fold_s for done in deltas) for _, deltas in found]
    ratios = [
        f"{cost / costs[0]:.2f} x into {target:,} (fold alone {fold / folds[0]:.2f} x)"
        for (target, _), cost, fold in list(zip(found, costs, folds, strict=True))[1:]
    ]
    peak = max(done.peak_gb for _, deltas in found for done in deltas)
    return f"growth: {rows:,} rows into {found[0][0]:,} profiles = 1, {', '.join(ratios)}, peak {peak:.2f} GB"

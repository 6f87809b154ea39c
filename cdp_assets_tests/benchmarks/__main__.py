"""`python -m cdp_assets_tests.benchmarks NAME`: run one benchmark; without a name, list them."""

import pkgutil
import sys
from collections.abc import Sequence
from importlib import import_module

from cdp_assets_tests import benchmarks


def known_names() -> list[str]:
    """The benchmarks there are: modules of this package that do not start with an underscore."""
    return sorted(module.name for module in pkgutil.iter_modules(benchmarks.__path__) if module.name[0] != "_")


def main(arguments: Sequence[str]) -> int:
    """Run the named benchmark and print its line of ratios; 0 = it ran, 2 = there is none of that name."""
    names = known_names()
    listing = "benchmarks: " + ", ".join(names) if names else "There are no benchmarks yet."
    if not arguments:
        print(listing)
        return 0
    if len(arguments) > 1 or arguments[0] not in names:
        print(f"There is no benchmark {' '.join(arguments)!r}. {listing}", file=sys.stderr)
        return 2
    print(import_module(f"{benchmarks.__name__}.{arguments[0]}").run())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

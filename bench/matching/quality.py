"""The ranking quality on real requests: `python -m bench.matching.quality EVAL_FOLDER`."""

import argparse
import importlib.util
from pathlib import Path

from bench.matching.adapter import factory


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="holds evaluate.py and sets/")
    parser.add_argument("--set", action="append", help="counsel, semini; all by default")
    options = parser.parse_args()
    spec = importlib.util.spec_from_file_location("evaluate", options.folder / "evaluate.py")
    if spec is None or spec.loader is None:
        parser.error(f"no evaluate.py in {options.folder}")
    evaluate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(evaluate)
    sets = options.folder / "sets"
    for name in options.set or sorted(path.name for path in sets.iterdir()):
        evaluate.report(name, factory, sets)


if __name__ == "__main__":
    main()

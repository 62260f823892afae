"""What each worker of a first run would make for itself, made once before they start, by all processors together.

In a fresh checkout that is most of a worker's start: bytecode of the modules and of the tests, the latter with pytest's
own assertions, and hypothesis' tables of characters and constants. What cannot be made here is made by the workers.
"""

from __future__ import annotations

import multiprocessing
import py_compile
from collections.abc import Callable, Iterator
from functools import partial
from importlib.util import cache_from_source
from pathlib import Path
from types import ModuleType

import pytest
from _pytest.assertion import rewrite

ROOT = Path(__file__).parents[1]
Task = Callable[[], object]


def make(config: pytest.Config, processes: int) -> None:
    """Make what is missing, in as many processes."""
    try:
        missing = list(_missing(config)) if processes > 1 else []
    except AttributeError:
        # A pytest that keeps its bytecode elsewhere: each worker makes its own, as without this.
        return
    if len(missing) < 50:
        return
    own = multiprocessing.get_context("fork")
    made = own.Value("i", 0)

    def work() -> None:
        while True:
            with made.get_lock():
                number, made.value = made.value, made.value + 1
            if number >= len(missing):
                return
            try:
                missing[number]()
            except Exception:
                # The worker that needs it says what is wrong with it.
                continue

    workers = [own.Process(target=work) for _ in range(processes)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


def _missing(config: pytest.Config) -> Iterator[Task]:
    """The dearest first, so that all processes end at about the same time."""
    if not (ROOT / ".hypothesis" / "unicode_data").exists():
        yield _characters
    for path in sorted((ROOT / "tests").glob("*/test_*.py"), key=lambda path: -path.stat().st_size):
        kept = rewrite.get_cache_dir(path) / (path.stem + rewrite.PYC_TAIL)
        if not kept.exists():
            yield partial(_rewritten, path, kept, config)
    constants = not (ROOT / ".hypothesis" / "constants").exists()
    for path in [*(ROOT / "src").rglob("*.py"), *(ROOT / "tests").glob("*.py")]:
        if not Path(cache_from_source(str(path))).exists():
            yield partial(py_compile.compile, str(path))
        if constants and "tests" not in path.parts:
            yield partial(_constants, path)


def _rewritten(path: Path, kept: Path, config: pytest.Config) -> None:
    """Bytecode of a test module whose assertions tell what was compared."""
    kept.parent.mkdir(exist_ok=True)
    fingerprint, code = rewrite._rewrite_test(path, config)
    rewrite._write_pyc(config.stash[rewrite.assertstate_key], code, fingerprint, kept)


def _characters() -> None:
    """The categories of all characters, and which of them can be encoded."""
    from hypothesis import strategies

    strategies.text().validate()


def _constants(path: Path) -> None:
    """Numbers and words of a module, which make better examples."""
    from hypothesis.internal.constants_ast import constants_from_module

    module = ModuleType(path.stem)
    module.__file__ = str(path)
    constants_from_module(module)

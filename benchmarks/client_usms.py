"""Import time and memory of the USMS client, beside `import usms` 1.3.1 where that is importable.

PYTHONPATH=src python benchmarks/client_usms.py
"""

from __future__ import annotations

import importlib.util
import json
import statistics
import subprocess
import sys

RUNS = 9
SIDES = {
    "wattdeck.systems.usms.client": "import wattdeck.systems.usms.client",
    "  and the pages' parser (bs4)": "import wattdeck.systems.usms.client, wattdeck.systems.usms.pages, bs4",
    "  and httpx, as the first request does": (
        "import wattdeck.systems.usms.client, wattdeck.systems.usms.pages, wattdeck.core.transport"
    ),
    "usms 1.3.1": "import usms",
}
MEASURE = """
import json, time
started_s = time.process_time()
{code}
used_s = time.process_time() - started_s
rss = next(line for line in open("/proc/self/status") if line.startswith("VmRSS"))
print(json.dumps([used_s * 1e3, int(rss.split()[1]) / 1e3]))
"""


def main() -> None:
    """Measure and print medians."""
    print(f"{'import':45}{'CPU, ms':>10}{'RSS, MB':>10}")
    for name, code in SIDES.items():
        if name.startswith("usms") and importlib.util.find_spec("usms") is None:
            continue
        found = []
        for _ in range(RUNS):
            done = subprocess.run(
                [sys.executable, "-c", MEASURE.format(code=code)], capture_output=True, text=True, check=True
            )
            found.append(json.loads(done.stdout))
        cpu_ms, rss_mb = (statistics.median(values) for values in zip(*found, strict=True))
        print(f"{name:45}{cpu_ms:10.0f}{rss_mb:10.1f}")


if __name__ == "__main__":
    main()

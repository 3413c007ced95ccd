"""The vector instructions of this computer's processor."""

import functools
import os
from pathlib import Path

_CPUINFO = Path("/proc/cpuinfo")


def instruction_set() -> str:
    """The widest vector instructions that TensorFlow's convolutions use on this processor.

    Returns:
        "AVX-512 + AMX", "AVX-512", "AVX2" or "other", which includes every processor that is not
        described in /proc/cpuinfo. oneDNN's variable ONEDNN_MAX_CPU_ISA can lower the answer.
    """
    flags = _flags(_CPUINFO)
    limit = os.environ.get("ONEDNN_MAX_CPU_ISA", "").upper()
    if limit.startswith("AVX512") and "AMX" not in limit:
        flags -= {"amx_bf16"}
    if limit.startswith(("AVX2", "AVX_", "SSE")) or limit == "AVX":
        flags -= {"amx_bf16", "avx512f"}
    if limit.startswith(("AVX_", "SSE")) or limit == "AVX":
        flags -= {"avx2"}
    if "avx512f" in flags:
        return "AVX-512 + AMX" if "amx_bf16" in flags else "AVX-512"
    return "AVX2" if "avx2" in flags else "other"


@functools.cache
def _flags(file: Path) -> frozenset[str]:
    """Flags of the first processor in a file like /proc/cpuinfo; empty if there is none."""
    try:
        lines = file.read_text().splitlines()
    except OSError:
        return frozenset()
    flags = (line.partition(":")[2] for line in lines if line.startswith("flags"))
    return frozenset(next(flags, "").split())

import pytest

from tf_translate.layers.cpu import processor
from tf_translate.layers.cpu.thresholds import BY_INSTRUCTION_SET


@pytest.mark.parametrize(
    ("flags", "limit", "expected"),
    [
        ("fpu avx avx2 avx512f avx512_bf16 amx_bf16", "", "AVX-512 + AMX"),
        ("fpu avx avx2 avx512f", "", "AVX-512"),
        ("fpu avx avx2", "", "AVX2"),
        ("fpu avx", "", "other"),
        ("fpu avx avx2 avx512f amx_bf16", "AVX512_CORE", "AVX-512"),
        ("fpu avx avx2 avx512f amx_bf16", "AVX512_CORE_AMX", "AVX-512 + AMX"),
        ("fpu avx avx2 avx512f amx_bf16", "AVX2", "AVX2"),
        ("fpu avx avx2 avx512f amx_bf16", "SSE41", "other"),
        ("fpu avx avx2 avx512f amx_bf16", "DEFAULT", "AVX-512 + AMX"),
    ],
)
def test_the_widest_instructions_are_named(tmp_path, monkeypatch, flags, limit, expected):
    file = tmp_path / "cpuinfo"
    file.write_text(f"processor\t: 0\nmodel name\t: Some CPU\nflags\t\t: {flags}\n\n" * 2)
    monkeypatch.setattr(processor, "_CPUINFO", file)
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", limit)
    assert processor.instruction_set() == expected
    assert expected in BY_INSTRUCTION_SET


def test_a_computer_without_cpuinfo_has_other_instructions(tmp_path, monkeypatch):
    monkeypatch.setattr(processor, "_CPUINFO", tmp_path / "missing")
    assert processor.instruction_set() == "other"

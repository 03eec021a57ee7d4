"""Every kernel compiled for devices of three generations, by NVRTC or nvcc; none has to be here."""

import pytest
from every_kernel import kernels

from kbplug_cupy.codegen.kernel import prelude

pytestmark = pytest.mark.nvcompile
ARCHITECTURES = ("sm_75", "sm_90", "sm_120")
BATCH = 60


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_every_kernel_compiles(arch, compile_for, tmp_path):
    found = kernels()
    assert len(found) > 1500
    for start in range(0, len(found), BATCH):
        sources = [prelude(), *(k.source for k in found[start : start + BATCH])]
        assert compile_for("\n".join(sources), arch, tmp_path) > 1000


def test_a_mistake_is_not_compiled(compile_for, tmp_path):
    with pytest.raises(AssertionError, match="undefined"):
        compile_for(prelude() + '\nextern "C" __global__ void k(float* x) { x[0] = undefined; }', "sm_90", tmp_path)

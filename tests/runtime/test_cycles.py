"""The search for cycles: off inside, afterwards as it was, whatever ends a block and however many threads have one."""

import gc
import os
import sys
import threading

import numpy as np
import pytest

from kbplug import backend as K
from kbplug.engines.numpy.engine import NumpyEngine
from kbplug.runtime.cycles import search_put_off


@pytest.fixture(params=[True, False], ids=["on", "off"])
def before(request):
    """Return whether the search is on before the test; afterwards it is as it was."""
    outer = gc.isenabled()
    (gc.enable if request.param else gc.disable)()
    yield request.param
    (gc.enable if outer else gc.disable)()


def test_it_is_off_inside_and_afterwards_as_it_was(before):
    with search_put_off():
        assert not gc.isenabled()
        with search_put_off():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled() is before


def test_an_error_ends_it(before):
    with pytest.raises(KeyError), search_put_off(), search_put_off():
        raise KeyError
    assert gc.isenabled() is before


def test_the_last_of_several_threads_ends_it(before):
    first, second = threading.Event(), threading.Event()
    inside = threading.Barrier(3)

    def work(end):
        with search_put_off():
            inside.wait()
            end.wait()

    threads = [threading.Thread(target=work, args=(end,)) for end in (first, second)]
    for t in threads:
        t.start()
    inside.wait()
    first.set()
    threads[0].join()
    assert not gc.isenabled(), "the second thread is inside"
    second.set()
    threads[1].join()
    assert gc.isenabled() is before


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_forked_process_searches_as_before(before):
    with search_put_off():
        child = os.fork()
        if not child:
            os._exit(0 if gc.isenabled() is before else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert not gc.isenabled()


def test_compiling_puts_it_off_and_computing_does_not(monkeypatch, before):
    seen = []
    plain = NumpyEngine.compile
    monkeypatch.setattr(NumpyEngine, "compile", lambda *given: seen.append(gc.isenabled()) or plain(*given))
    x = K.placeholder((2,))
    function = K.function([x], [K.exp(x)])
    function([np.ones(2, "float32")])
    assert seen == [False]
    assert gc.isenabled() is before

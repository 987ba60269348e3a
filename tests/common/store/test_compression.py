import os

import pytest
import zstandard
from hypothesis import given, strategies as st

from common.store.compression import Packer, Unpacker


@given(st.binary(max_size=5000).map(lambda tail: b"{" + tail))
def test_what_was_packed_is_unpacked(value: bytes) -> None:
    packer, unpacker = Packer(), Unpacker(max_bytes=10_000)
    assert [unpacker.unpack(packer.pack(value)) for _ in range(2)] == [value, value]


def test_over_one_kilobyte_it_rests_compressed() -> None:
    packer = Packer()
    assert packer.pack(b"{" + b"a" * 1023) == b"{" + b"a" * 1023
    assert len(packer.pack(b"{" + b"a" * 1024)) < 100


def test_a_frame_that_would_grow_too_large_is_refused() -> None:
    with pytest.raises(ValueError, match="larger than 1000"):
        Unpacker(max_bytes=1000).unpack(zstandard.compress(b"{" + b"a" * 1_000_000))


def test_a_damaged_frame_is_refused() -> None:
    unpacker = Unpacker(max_bytes=10_000)
    with pytest.raises(ValueError, match="cannot be decompressed"):
        unpacker.unpack(zstandard.compress(os.urandom(4000))[:-50])
    # The next one is none the worse for it.
    whole = os.urandom(4000)
    assert unpacker.unpack(zstandard.compress(whole)) == whole

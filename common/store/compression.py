import zstandard

_COMPRESS_OVER_BYTES = 1024
# RFC 8878, section 3.1.1; no JSON value begins so.
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"


def pack(value: bytes) -> bytes:
    """Over 1 KB as a Zstandard frame, below as it is."""
    if len(value) <= _COMPRESS_OVER_BYTES:
        return value
    return zstandard.compress(value, 3)


def unpack(stored: bytes, *, max_bytes: int) -> bytes:
    """What `pack` was given.

    Raises:
        ValueError: the frame is damaged or would be larger than `max_bytes`.
    """
    if not stored.startswith(_ZSTD_MAGIC):
        return stored
    try:
        if zstandard.frame_content_size(stored) > max_bytes:
            raise ValueError(f"a stored result is larger than {max_bytes} bytes")
        return zstandard.decompress(stored, max_output_size=max_bytes)
    except zstandard.ZstdError as error:
        raise ValueError("a stored result cannot be decompressed") from error

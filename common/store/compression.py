import zstandard

_COMPRESS_OVER_BYTES = 1024
# RFC 8878, section 3.1.1; no JSON value begins so.
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"


def pack(value: bytes) -> bytes:
    """Over 1 KB as a Zstandard frame, below as it is."""
    if len(value) <= _COMPRESS_OVER_BYTES:
        return value
    return zstandard.compress(value, 3)


class Unpacker:
    """Opens what `pack` made, of no more than `max_bytes`.

    Making a decompressor costs more than opening an answer: this keeps one.
    """

    def __init__(self, *, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._decompressor = zstandard.ZstdDecompressor()

    def unpack(self, stored: bytes) -> bytes:
        """What `pack` was given.

        Raises:
            ValueError: the frame is damaged or would be larger than allowed.
        """
        if not stored.startswith(_ZSTD_MAGIC):
            return stored
        try:
            if zstandard.frame_content_size(stored) > self._max_bytes:
                raise ValueError(f"a stored result is larger than {self._max_bytes} bytes")
            return self._decompressor.decompress(stored, max_output_size=self._max_bytes)
        except zstandard.ZstdError as error:
            raise ValueError("a stored result cannot be decompressed") from error

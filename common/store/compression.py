import zstandard

_COMPRESS_OVER_BYTES = 1024
# Of an answer's size the higher levels save next to nothing more.
_LEVEL = 1
# RFC 8878, section 3.1.1; no JSON value begins so.
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"


class Packer:
    """Packs answers, one at a time: making a compressor costs more than packing an answer, so this keeps one."""

    def __init__(self) -> None:
        self._compressor = zstandard.ZstdCompressor(level=_LEVEL)

    def pack(self, value: bytes) -> bytes:
        """Over 1 KB as a Zstandard frame, below as it is."""
        if len(value) <= _COMPRESS_OVER_BYTES:
            return value
        return self._compressor.compress(value)


class Unpacker:
    """Opens what a `Packer` made, of no more than `max_bytes`.

    Making a decompressor costs more than opening an answer: this keeps one.
    """

    def __init__(self, *, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._decompressor = zstandard.ZstdDecompressor()

    def unpack(self, stored: bytes) -> bytes:
        """What the packer was given.

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

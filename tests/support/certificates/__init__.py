"""A certificate of this machine's loopback, which trusts itself, and its key; for whom to trust and whom to be."""

from pathlib import Path

_FOLDER = Path(__file__).parent

CERTIFICATE = _FOLDER / "certificate.pem"
KEY = _FOLDER / "key.pem"
ENCRYPTED_KEY = _FOLDER / "encrypted_key.pem"
KEY_PASSWORD = "hidden"
KEY_OF_ANOTHER = _FOLDER / "other_key.pem"

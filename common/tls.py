"""TLS of a client whose certificates stand in files, which are read once, at start."""

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr


class UnusableFilesError(ValueError):
    """Files that are no certificates or no key; the text names the settings that name them."""


def _readable(path: Path) -> Path:
    try:
        path.read_bytes()
    except OSError as error:
        raise ValueError(f"cannot read {path}: {type(error).__name__}") from None
    return path


ReadableFile = Annotated[Path, AfterValidator(_readable)]
CertificateFile = Annotated[
    ReadableFile | None, Field(description="Our own certificate, in PEM, for a server that asks for one.")
]
KeyFile = Annotated[
    ReadableFile | None, Field(description="The key of our certificate, in PEM, unless it is in the same file.")
]
KeyPassword = Annotated[SecretStr | None, Field(description="What the key of our certificate is encrypted with.")]


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Certificates to trust, our certificate with those above it, its key, and what that is encrypted with."""

    cafile: Path | None
    certfile: Path | None
    keyfile: Path | None
    key_password: SecretStr | None

    def check(self, *, is_used: bool, otherwise: str) -> None:
        """See that what is named can be used, and is; `otherwise` says what else would have to be set.

        Raises:
            ValueError: it is not so; the text names the settings.
        """
        parts = {
            "ssl_cafile": self.cafile,
            "ssl_certfile": self.certfile,
            "ssl_keyfile": self.keyfile,
            "ssl_key_password": self.key_password,
        }
        named = [name for name, part in parts.items() if part is not None]
        if named and not is_used:
            raise ValueError(f"{', '.join(named)}: nothing would be encrypted: {otherwise}")
        if named:
            self.context()

    def context(self) -> ssl.SSLContext:
        """A context that checks the server's certificate and host name, and shows ours where there is one.

        Raises:
            UnusableFilesError: a file is not what it should be.
            OSError: one cannot be read.
        """
        try:
            context = ssl.create_default_context(cafile=self.cafile)
        except ssl.SSLError as error:
            raise UnusableFilesError("ssl_cafile: has no certificates in it") from error
        if self.certfile is None:
            if self.keyfile is not None or self.key_password is not None:
                raise UnusableFilesError("ssl_certfile: a key is of no use without it")
            return context
        # Without a password OpenSSL would ask for one at the terminal.
        password = "" if self.key_password is None else self.key_password.get_secret_value()
        try:
            context.load_cert_chain(self.certfile, self.keyfile, password)
        except (ssl.SSLError, ValueError) as error:
            raise UnusableFilesError(
                "ssl_certfile, ssl_keyfile, ssl_key_password: are no certificate with its key and the key's password"
            ) from error
        return context

"""Certificates of an authority made for the test: one for a server on the loopback address, one for a client."""

import shutil
import subprocess
from pathlib import Path

from services.absence import missing

_LIFE = ("-days", "2")
_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


def make_certificates(folder: Path) -> None:
    """Write ca.pem, and NAME.pem with NAME.key for `server` and `client`."""
    if shutil.which("openssl") is None:
        missing("openssl", "apt-get install openssl")
    _openssl(folder, "req", "-x509", *_KEY, *_LIFE, "-subj", "/CN=authority", "-keyout", "ca.key", "-out", "ca.pem")
    for name in ("server", "client"):
        _openssl(folder, "req", *_KEY, "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        (folder / f"{name}.ext").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
        signed = ("-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", *_LIFE)
        _openssl(folder, "x509", "-req", *signed, "-extfile", f"{name}.ext", "-out", f"{name}.pem")


def _openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

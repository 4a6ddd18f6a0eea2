"""The standard library of the interpreter. Only modules that are imported while it is built are in it, so these are imported here.

The list is in the README too.
"""

import importlib

MODULES = """
abc argparse array ast base64 bisect binascii calendar cmath codecs collections collections.abc colorsys configparser contextlib
contextvars copy csv dataclasses datetime decimal difflib email email.message email.parser email.policy email.utils encodings.ascii
encodings.cp1252 encodings.idna encodings.iso8859_1 encodings.latin_1 encodings.utf_16 encodings.utf_16_be encodings.utf_16_le
encodings.utf_32 encodings.utf_8_sig encodings.cp437 encodings.cp850 encodings.iso8859_15 enum errno fnmatch fractions functools
gettext glob graphlib hashlib heapq hmac html html.entities html.parser inspect io ipaddress itertools json keyword linecache locale
logging math mimetypes numbers operator os os.path pathlib pkgutil posixpath pprint queue quopri random re reprlib secrets
shlex statistics string string.templatelib stringprep struct sys textwrap threading time timeit token tokenize traceback types
typing unicodedata urllib.error urllib.parse urllib.request urllib.response uuid warnings weakref xml.dom.minidom
xml.etree.ElementTree xml.parsers.expat xml.sax.saxutils zipfile zlib bz2 gzip lzma zoneinfo tomllib
_strptime _pydatetime _json _csv
""".split()


def load() -> list[str]:
    """Imports them; returns those that this build of Python has not."""
    missing = []
    for name in MODULES:
        try:
            importlib.import_module(name)
        except ImportError:
            missing.append(name)
    return missing

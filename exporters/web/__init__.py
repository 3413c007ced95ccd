"""A page for browsers in a bundle, and a server that shows it on this machine.

The page is static: plain ES modules of ours, LiteRT.js from npm, nothing to build and nothing
fetched from anywhere but the folder it is in. A bundle exported without one gets it when served.
"""

from exporters.web.litert import PACKAGES, NpmPackage
from exporters.web.page import has_page, page_of
from exporters.web.serve import server_of, url_of

__all__ = ["PACKAGES", "NpmPackage", "has_page", "page_of", "server_of", "url_of"]

"""The web page of a bundle or of several, and a local server for it.

The page is static: plain ES modules and LiteRT.js from npm. There is no build step, and the page
loads nothing from outside its bundle. A bundle without a page gets one while it is served.
"""

from exporters.web.gallery import gallery_files, open_bundles, write_gallery
from exporters.web.litert import PACKAGES, NpmPackage
from exporters.web.page import build_page, has_page
from exporters.web.serve import make_gallery_server, make_server, server_url

__all__ = [
    "PACKAGES",
    "NpmPackage",
    "build_page",
    "gallery_files",
    "has_page",
    "make_gallery_server",
    "make_server",
    "open_bundles",
    "server_url",
    "write_gallery",
]

"""The web page of a bundle, and a local server for it.

The page is static: plain ES modules and LiteRT.js from npm. There is no build step, and the page
loads nothing from outside its bundle. A bundle without a page gets one while it is served.
"""

from exporters.web.litert import PACKAGES, NpmPackage
from exporters.web.page import build_page, has_page
from exporters.web.serve import make_server, server_url

__all__ = ["PACKAGES", "NpmPackage", "build_page", "has_page", "make_server", "server_url"]

"""Headless Chromium, and methods to use the page like a person."""

import base64
import io
import shutil

import numpy as np
import pytest
from PIL import Image
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select, WebDriverWait

from tf_translate.cli.export import obtain_litert
from tf_translate.errors import DataError

MAX_LEVELS = 2
_PATIENCE = 60  # seconds; LiteRT.js compiles 9 MB
_SWITCHES = (
    "--headless=new",
    "--no-sandbox",  # root cannot have one
    "--disable-dev-shm-usage",
    "--window-size=1180,1000",
    # A fake camera that needs no permission; only 127.0.0.1 is resolved.
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)


def open_chromium():
    """Starts Debian's Chromium; skips the test if it is not installed."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    if browser is None or driver is None:
        pytest.skip("no Chromium here: apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for switch in _SWITCHES:
        options.add_argument(switch)
    return webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))


def packed_litert():
    """The packed files of LiteRT.js; skips the test if they cannot be fetched."""
    try:
        return obtain_litert()
    except DataError as error:
        pytest.skip(f"no LiteRT.js here: {error}")


def agree(shown, expected):
    """Asserts that two images differ by at most `MAX_LEVELS`."""
    assert shown.shape == expected.shape
    assert expected.std() > 5, "a flat image would prove nothing"
    assert np.abs(shown.astype(int) - expected).max() <= MAX_LEVELS


class Page:
    """The page in a browser, with methods for its elements."""

    def __init__(self, driver, url):
        self.driver = driver
        self.url = url
        self.open()

    def open(self):
        """Loads the page anew."""
        state = "return document.body.dataset.state"
        self.driver.get(self.url)
        self.until(lambda: self.driver.execute_script(state) == "ready")
        self.settle()

    def part(self, name):
        return self.driver.find_element(By.ID, name)

    def until(self, holds):
        return WebDriverWait(self.driver, _PATIENCE, poll_frequency=0.05).until(lambda _: holds())

    @property
    def frames(self):
        """How many translations were shown."""
        return int(self.part("after").get_attribute("data-frames") or 0)

    def settle(self):
        """Waits until the current choices are shown."""
        busy = "return document.body.dataset.busy"
        self.until(lambda: self.driver.execute_script(busy) != "true")

    def choose(self, signature):
        Select(self.part("signature")).select_by_visible_text(signature)
        self.settle()

    def give(self, path, pixels, element="file", shown="#before"):
        """Chooses a file and waits until its pixels are shown and translated."""
        self.part(element).send_keys(str(path))
        self.until(lambda: np.array_equal(self.pixels(shown), pixels))
        self.settle()

    def press(self, part, keys):
        part.send_keys(keys)
        self.settle()

    def slider(self, label):
        return self.driver.find_element(By.CSS_SELECTOR, f"input[name='{label}']")

    def pixels(self, selector="#after", mode="RGB"):
        """What a canvas holds, uint8 `(height, width, channels of the mode)`."""
        script = "return document.querySelector(arguments[0]).toDataURL('image/png')"
        url = self.driver.execute_script(script, selector)
        content = base64.b64decode(url.partition(",")[2])
        return np.asarray(Image.open(io.BytesIO(content)).convert(mode))

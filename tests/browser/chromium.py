"""A headless Chromium, driven by the DevTools protocol over a pipe; standard library alone.

Invariant: what the page writes to its console as an error, or throws, is collected and never lost.
"""

import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)
TIMEOUT = 120.0


def find():
    """The browser to use: $SWEEP_CHROMIUM, or the first that is installed; None without one."""
    own = os.environ.get("SWEEP_CHROMIUM")
    return own or next((path for path in map(shutil.which, NAMES) if path), None)


class Browser:
    """One browser with one page, to be used in a `with`."""

    def __init__(self, path):
        self.profile = tempfile.TemporaryDirectory(prefix="sweep-browser-", ignore_cleanup_errors=True)
        from_us, self.write_end = os.pipe()
        self.read_end, to_us = os.pipe()

        def arrange():
            # The browser reads from 3 and writes to 4. Both go out of each other's way first.
            reads, writes = os.dup(from_us), os.dup(to_us)
            os.dup2(reads, 3)
            os.dup2(writes, 4)

        self.process = subprocess.Popen(
            [path, *FLAGS, f"--user-data-dir={self.profile.name}", "about:blank"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            close_fds=False,
            preexec_fn=arrange,
        )
        os.close(from_us)
        os.close(to_us)
        self.number = 0
        self.unread = b""
        self.events = []
        self.errors = []
        target = next(t for t in self.call("Target.getTargets")["targetInfos"] if t["type"] == "page")
        attached = self.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self.session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.page(f"{domain}.enable")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.write_end)
        os.close(self.read_end)
        self.profile.cleanup()

    def call(self, method, session=None, **params):
        """The result of a method of the protocol."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        os.write(self.write_end, json.dumps(message).encode() + b"\0")
        wanted = self.number
        while True:
            answer = self.receive()
            if answer.get("id") == wanted:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self.note(answer)

    def page(self, method, **params):
        """The result of a method on the page."""
        return self.call(method, self.session, **params)

    def receive(self):
        deadline = time.monotonic() + TIMEOUT
        while b"\0" not in self.unread:
            ready, _, _ = select.select([self.read_end], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                raise TimeoutError("the browser does not answer")
            piece = os.read(self.read_end, 1 << 20)
            if not piece:
                raise EOFError("the browser has ended")
            self.unread += piece
        message, self.unread = self.unread.split(b"\0", 1)
        return json.loads(message)

    def note(self, event):
        """Keeps what goes wrong in the page, and every request that leaves it."""
        method, params = event.get("method"), event.get("params", {})
        if method == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            self.errors.append(details.get("exception", {}).get("description", details["text"]))
        elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
            words = [str(a.get("value", a.get("description", ""))) for a in params["args"]]
            self.errors.append(" ".join(words))
        elif method == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
            self.errors.append(params["entry"]["text"])
        elif method == "Network.requestWillBeSent":
            address = params["request"]["url"]
            if not address.startswith(("data:", "file:")):
                self.errors.append(f"asks the network for {address}")
        elif method == "Page.javascriptDialogOpening":
            self.errors.append(f"opens a dialog: {params['message']}")
            self.call("Page.handleJavaScriptDialog", self.session, accept=True)
        else:
            self.events.append(method)

    def open(self, path, width=1280, height=900, dark=False, script=True):
        """Opens a file at a size, and waits until it has been laid out."""
        self.page("Emulation.setScriptExecutionDisabled", value=not script)
        self.page(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.page("Emulation.setEmulatedMedia", media="", features=scheme)
        self.events.clear()
        self.page("Page.navigate", url="file://" + os.path.abspath(path))
        deadline = time.monotonic() + TIMEOUT
        while "Page.loadEventFired" not in self.events:
            self.note(self.receive())
            if time.monotonic() > deadline:
                raise TimeoutError(f"{path} does not load")
        if script:
            self.settle()

    def settle(self):
        """Waits for two frames, so that what was asked for is drawn."""
        self.js("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def js(self, expression):
        """The value of an expression in the page, awaited if it is a promise."""
        result = self.page(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in result:
            details = result["exceptionDetails"]
            raise RuntimeError(details.get("exception", {}).get("description", details["text"]))
        return result["result"].get("value")

    def place(self, selector):
        """The middle of an element, scrolled into view."""
        found = self.js(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)}); if (!e) return null;"
            " e.scrollIntoView({ block: 'center', inline: 'center' }); const b = e.getBoundingClientRect();"
            " return [b.left + b.width / 2, b.top + b.height / 2]; })()"
        )
        if found is None:
            raise AssertionError(f"there is no {selector}")
        return found

    def click(self, selector):
        """A click of the mouse in the middle of an element."""
        x, y = self.place(selector)
        self.mouse("mousePressed", x, y, 1)
        self.mouse("mouseReleased", x, y, 1)
        self.settle()

    def drag(self, start, end):
        """A drag of the mouse from one point of the screen to another."""
        self.mouse("mousePressed", *start, 1)
        for part in (0.3, 0.6, 1.0):
            at = [a + (b - a) * part for a, b in zip(start, end)]
            self.page("Input.dispatchMouseEvent", type="mouseMoved", x=at[0], y=at[1], button="left", buttons=1)
        self.mouse("mouseReleased", *end, 1)
        self.settle()

    def point(self, x, y):
        """Moves the mouse to a point of the screen."""
        self.page("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
        self.settle()

    def mouse(self, kind, x, y, clicks):
        self.page("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=clicks)

    def key(self, name, code=None):
        """A key pressed and let go, in whatever has the focus."""
        text = {"Enter": "\r", " ": " "}.get(name)
        more = {"text": text} if text else {}
        number = {"Enter": 13, " ": 32, "ArrowUp": 38, "ArrowDown": 40, "ArrowRight": 39, "Escape": 27, "Tab": 9}[name]
        for kind in ("keyDown", "keyUp"):
            self.page(
                "Input.dispatchKeyEvent", type=kind, key=name, code=code or name,
                windowsVirtualKeyCode=number, **(more if kind == "keyDown" else {}),
            )
        self.settle()

    def type(self, selector, text):
        """Puts `text` in place of what stands in a field."""
        self.js(f"document.querySelector({json.dumps(selector)}).select()")
        self.page("Input.insertText", text=text)
        self.settle()

    def picture(self, path, whole=True):
        """A PNG of the page."""
        size = self.page("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], 16000), "scale": 1}
        more = {"clip": clip, "captureBeyondViewport": True} if whole else {}
        data = self.page("Page.captureScreenshot", format="png", **more)["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))

    def print(self, path):
        """The page as printed, a PDF."""
        data = self.page("Page.printToPDF", printBackground=True)["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))

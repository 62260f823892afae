"""The least Textual app there is: how soon any Textual app can be on screen."""

from textual.app import App, ComposeResult
from textual.widgets import Static


class TrivialApp(App[None]):
    """One line of text."""

    BINDINGS = [("q", "quit", "Quit")]  # noqa: RUF012  as small as people write it

    def compose(self) -> ComposeResult:
        yield Static("trivial")


if __name__ == "__main__":
    TrivialApp().run()
